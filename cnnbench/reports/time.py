"""How latencies read: medians with their intervals, operators beside their bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cnnbench import units
from cnnbench.counting.division import Division
from cnnbench.reports import columns as col
from cnnbench.reports.environment import software, where
from cnnbench.reports.report import Column, Report, Table
from cnnbench.timing.latency import Latency
from cnnbench.timing.measure import Timing
from cnnbench.timing.measure_layers import LayerTimes, LayerTiming

LATENCIES = (
    col.MODEL,
    Column("mode", "batch", left=True, under=True),
    Column("latency_s", "latency", units.duration),
    Column("interval", col.OF_MEDIAN, under=True),
    Column("p90_s", "p90", units.duration),
    Column("p99_s", "p99", units.duration, under=True, wide=True),
    col.IMAGES,
    Column("samples", "samples"),
    Column("outliers", "outliers", under=True, wide=True),
    col.FLOPS_PER_S,
    col.OF_ROOF,
)


LAYERS = (
    *(col.LAYER, col.OPERATOR, col.OUTPUT),
    Column("time_s", "time", units.duration),
    Column("share", "share", units.percent, under=True),
    *(col.MACS, col.FLOPS_PER_S, col.INTENSITY, col.BOUND),
    Column("fraction_of_bound", "of\nbound", units.percent, under=True),
)


MODULES = (
    Column("name", "module", left=True),
    Column("operators", "operators", str),
    *(column for column in LAYERS if column.key in ("output", "time_s", "share", "macs")),
)


def report_of(timing: Timing, *, raw: bool = False, division: Division | None = None) -> Report:
    """One row a latency, with `raw` every sample too; or a table of each network's operators."""
    division = division or Division()
    latencies = timing.latencies
    results = [latency.record(raw=raw) for latency in latencies]
    records, tables = results, [Table(LATENCIES, [_row(latency) for latency in latencies])]
    if isinstance(timing, LayerTiming):
        key = "layers" if division.is_of_operators else "modules"
        parts = [(part, part.record()) for part in timing.networks]
        shown = [division.shown(division.of(ops)) for _, ops in parts]
        results = [{**row, key: ops} for row, ops in zip(results, shown, strict=True)]
        records = [{"model": row["model"], **op} for row in results for op in row[key]]
        tables = [_layer_table(part, ops, division) for part, ops in parts if ops]
    return Report(
        command="time",
        results=results,
        tables=tables,
        findings=_findings(latencies, timing),
        notes=_notes(latencies, timing),
        environment={
            **software(),
            **asdict(timing.environment),
            "ceilings": timing.profile.record(),
            "warnings": [asdict(warning) for warning in timing.warnings],
            "interrupted": timing.interrupted,
        },
        records=records,
    )


def _row(latency: Latency) -> dict[str, Any]:
    """A latency with the cells that its table makes of it."""
    setting = latency.setting
    mode = " ".join([str(setting.batch), *setting.words("backend", "fuse", "train")])
    row = {**asdict(latency), "mode": mode}
    if latency.error:
        return {**row, "interval": "failed", "samples": None, "outliers": None}
    return {**row, "interval": col.judged(row)}


def _layer_table(part: LayerTimes, rows: list[dict[str, Any]], division: Division) -> Table:
    """The operators, divided, and the pass as a whole below them."""
    whole = part.whole
    least = sum(op.time_s * (op.fraction_of_bound or 0.0) for op in part.operators)
    total: dict[str, Any] = {
        "name": "whole pass",
        "output": list(rows[-1]["output"]),
        "time_s": whole.latency_s,
        "share": 1.0,
        "macs": whole.macs,
        "flops_per_s": whole.flops_per_s,
        "intensity": _intensity(rows),
        "fraction_of_bound": least / whole.latency_s if whole.latency_s else None,
    }
    between = {
        "name": "between operators",
        "time_s": part.between_s,
        "share": part.between_s / whole.latency_s if whole.latency_s else 0.0,
        "macs": 0,
        "intensity": 0.0,
    }
    title = f"{whole.model}  batch {whole.setting.batch}"
    put = division.of(rows)
    title = "  ".join(filter(None, (title, division.words(len(put)))))
    columns = LAYERS if division.is_of_operators else MODULES
    return Table(columns, [*division.shown(put), between], title, total)


def _intensity(rows: Sequence[dict[str, Any]]) -> float:
    moved = sum(row["bytes_moved"] for row in rows)
    return sum(row["flops"] + row["elementwise_flops"] for row in rows) / moved if moved else 0.0


def _notes(latencies: Sequence[Latency], timing: Timing) -> list[str]:
    """What a reader must know of rows, where it was measured, against which roof."""
    about, kept = timing.environment, timing.profile
    dtypes = dict.fromkeys(latency.dtype for latency in latencies if latency.dtype)
    layout = any(row.setting.channels_last for row in latencies)
    lines = _warnings(latencies)
    lines.append(where(about, dtypes, channels_last=layout))
    roofs = [
        f"{units.rate(kept.flops_per_s[dtype], 'FLOP/s')} in {dtype}"
        for dtype in dtypes
        if dtype in kept.flops_per_s
    ]
    if roofs:
        when = f"measured {kept.measured:%Y-%m-%d}"
        when = "too low: measured while disturbed" if kept.disturbed else when
        lines.append(f"roof: a matrix product's {', '.join(roofs)}, {when}")
    return lines


def _findings(latencies: Sequence[Latency], timing: Timing) -> list[str]:
    """What disturbed it, what could not be timed, and why."""
    lines = [f"warning: {warning.text}" for warning in timing.warnings]
    lines += [f"batch {row.setting.batch}: {row.error}" for row in latencies if row.error]
    if timing.interrupted:
        lines.append("Interrupted: this is what was measured by then.")
    return lines


def _warnings(latencies: Sequence[Latency]) -> list[str]:
    """Each kind of warning of single rows once, by the row that has it most."""
    lines = []
    told: dict[str, list[tuple[Latency, str]]] = {}
    for row in sorted(latencies, key=_width, reverse=True):
        for warning in row.warnings:
            told.setdefault(warning.name, []).append((row, warning.text))
    for same in told.values():
        (row, text), *others = same  # the widest says it for all
        place = f"{row.model}, batch {row.setting.batch}"
        lines.append(f"{place}{f' and {len(others)} more' if others else ''}: {text}")
    return lines


def _width(row: Latency) -> float:
    """How wide the interval is, relative to the median."""
    if not row.latency_s or row.ci_high_s is None or row.ci_low_s is None:
        return 0.0 if row.error else float("inf")
    return (row.ci_high_s - row.ci_low_s) / row.latency_s
