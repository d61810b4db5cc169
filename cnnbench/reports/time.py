"""How latencies read: medians with their intervals, operators beside their bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cnnbench import units
from cnnbench.counting.division import Division
from cnnbench.reports import columns as col
from cnnbench.reports import time_notes as said
from cnnbench.reports.environment import alert, software
from cnnbench.reports.report import Column, Report, Table
from cnnbench.roofline.profile import Profile
from cnnbench.timing.backends import EAGER
from cnnbench.timing.by_layer.causes import causes
from cnnbench.timing.by_layer.layers import LayerTimes
from cnnbench.timing.latency import Latency
from cnnbench.timing.measure import Timing
from cnnbench.timing.sustained import Sustained

LATENCIES = (
    col.MODEL,
    Column("mode", "batch", left=True, under=True),
    Column("latency_s", "latency", units.duration),
    Column("interval", col.OF_RERUN, under=True),
    Column("p90_s", "p90", units.duration),
    Column("p99_s", "p99", units.duration, under=True, wide=True),
    col.IMAGES,
    Column("run", "this\nrun"),
    Column("samples", "samples", wide=True),
    Column("outliers", "outliers", under=True, wide=True),
    col.FLOPS_PER_S,
    col.OF_ROOF,
    Column("output_error", "output\nerror", lambda value: f"{value:.0e}"),
    Column("process_bytes", "process\nmemory", units.size, under=True),
)


_BAR = 40  # characters of the fastest part

LAYERS = (
    *(col.LAYER, col.OPERATOR, col.OUTPUT),
    Column("time_s", "time", units.duration),
    Column("share", "share", units.percent, under=True),
    *(col.MACS, col.FLOPS_PER_S, col.INTENSITY, col.BOUND),
    Column("fraction_of_bound", "of\nbound", units.percent, under=True),
    Column("kernel", "kernel", left=True),
)


MODULES = (
    Column("name", "module", left=True),
    Column("operators", "operators", str),
    *(column for column in LAYERS if column.key in ("output", "time_s", "share", "macs")),
)


def report_of(
    timing: Timing,
    *,
    raw: bool = False,
    division: Division | None = None,
    over_time: Sustained | None = None,
) -> Report:
    """One row a latency, with `raw` every sample too; or a table of each network's operators.

    With `over_time` also the throughput over a longer time.
    """
    division = division or Division()
    latencies = timing.latencies
    results = [latency.record(raw=raw) for latency in latencies]
    several = len({latency.setting.backend for latency in latencies}) > 1
    records, tables = results, [Table(LATENCIES, [_row(latency, several) for latency in latencies])]
    if timing.networks is not None:
        key = "layers" if division.is_of_operators else "modules"
        parts = [(part, part.record()) for part in timing.networks]
        shown = [division.shown(division.of(ops)) for _, ops in parts]
        results = [
            {**row, **_spent(part, timing.profile), key: ops}
            for row, (part, _), ops in zip(results, parts, shown, strict=True)
        ]
        records = [{"model": row["model"], **op} for row in results for op in row[key]]
        tables = [_layer_table(part, ops, division) for part, ops in parts if ops]
    if over_time is not None:
        results = [{**row, "sustained": over_time.record()} for row in results]
        tables = [*tables, _over_time(over_time)]
    return Report(
        command="time",
        results=results,
        tables=tables,
        findings=[*said.findings(latencies, timing), *said.kept(over_time)],
        notes=said.notes(latencies, timing),
        alert=alert(timing.warnings),
        environment={**software(), **said.environment(timing)},
        records=records,
    )


def _spent(part: LayerTimes, profile: Profile) -> dict[str, Any]:
    """What a pass went into, and what oneDNN spent on layouts."""
    found = causes(part, profile)
    return {
        "causes": asdict(found) if found else None,
        "reorders": part.reorders.record() if part.reorders else None,
    }


def _over_time(found: Sustained) -> Table:
    """A line a part of the run, with a bar as long as its throughput."""
    most = max(part.throughput_images_per_s for part in found.parts)
    rows = [
        {
            "until": units.duration(part.end_s),
            "throughput_images_per_s": part.throughput_images_per_s,
            "bar": "█" * round(_BAR * part.throughput_images_per_s / most),
        }
        for part in found.parts
    ]
    columns = (Column("until", "until"), col.IMAGES, Column("bar", "", left=True, whole=True))
    return Table(columns, rows, "throughput over time")


def _row(latency: Latency, several: bool) -> dict[str, Any]:
    """A latency with the cells that its table makes of it; of `several` back ends eager is said."""
    setting = latency.setting
    words = [
        *setting.words("dtype"),
        *setting.words("backend", usual=several),
        *setting.words("fuse", "train"),
    ]
    mode = " ".join([str(setting.batch), *words])
    row = {**asdict(latency), **asdict(latency.ran), "mode": mode}
    if latency.error:
        return {**row, "interval": "failed", "samples": None, "outliers": None}
    return {**row, "interval": col.judged(row), "run": col.of_run(row)}


def _layer_table(part: LayerTimes, rows: list[dict[str, Any]], division: Division) -> Table:
    """The operators, divided, and the pass as a whole below them."""
    whole = part.whole
    least = sum(op.seconds * (op.fraction_of_bound or 0.0) for op in part.operators)
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
    left = part.between_s
    clocked = left is None and whole.setting.backend != EAGER
    between = {
        "name": "between operators",
        "time_s": left,
        "share": left / whole.latency_s if whole.latency_s and left is not None else None,
        "macs": 0,
        "intensity": 0.0,
    }
    title = f"{whole.model}  {' '.join(whole.setting.words('batch', 'dtype', 'backend', 'train'))}"
    put = division.of(rows)
    title = "  ".join(filter(None, (title, division.words(len(put)))))
    columns = LAYERS if division.is_of_operators else MODULES
    rows = [*division.shown(put), *([] if clocked else [between])]
    return Table(columns, rows, title, total)


def _intensity(rows: Sequence[dict[str, Any]]) -> float:
    moved = sum(row["bytes_moved"] for row in rows)
    return sum(row["flops"] + row["elementwise_flops"] for row in rows) / moved if moved else 0.0
