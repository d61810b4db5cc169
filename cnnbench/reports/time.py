"""How latencies read: medians with their intervals, operators beside their bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from cnnbench import units
from cnnbench.counting.division import Division
from cnnbench.reports import columns as col
from cnnbench.reports.environment import alert, reliability, software, where
from cnnbench.reports.report import Column, Report, Table
from cnnbench.timing.backends import EAGER
from cnnbench.timing.latency import Latency
from cnnbench.timing.layers import LayerTimes
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
            {**row, "reorders": part.reorders and asdict(part.reorders), key: ops}
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
        findings=[*_findings(latencies, timing), *_kept(over_time)],
        notes=_notes(latencies, timing),
        alert=alert(timing.warnings),
        environment={
            **software(),
            **asdict(timing.environment),
            "ceilings": timing.profile.record(),
            **reliability(timing.warnings),
            "interrupted": timing.interrupted,
        },
        records=records,
    )


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


def _kept(found: Sustained | None) -> list[str]:
    """How much of its first throughput the device has in the end."""
    if found is None:
        return []
    first, last = map(units.speed, (found.first_images_per_s, found.last_images_per_s))
    stretch = units.duration(found.stretch_s)
    return [
        f"first {stretch}: {first} images/s, last {stretch}: {last}, "
        f"{units.percent(found.kept)} of it"
    ]


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


def _notes(latencies: Sequence[Latency], timing: Timing) -> list[str]:
    """What a reader must know of rows, where it was measured, against which roof."""
    about, kept = timing.environment, timing.profile
    dtypes = dict.fromkeys(latency.dtype for latency in latencies if latency.dtype)
    layout = any(row.setting.channels_last for row in latencies)
    lines = [*reruns(latencies), *_warnings(latencies), *_clocks(timing.networks or [])]
    lines += _reorders(timing.networks or [])
    lines += _ran(latencies)
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


def _reorders(networks: Sequence[LayerTimes]) -> Iterator[str]:
    """What oneDNN spends on layouts within eager convolutions."""
    for part in networks:
        found = part.reorders
        if found is None or not found.seconds:
            continue
        packing, images = found.packing_s / found.seconds, found.images_s / found.seconds
        yield (
            f"{part.whole.model}: of its convolutions' time oneDNN packs "
            f"{units.size(found.packed_bytes)} of weights anew for {units.percent(packing)}, and "
            f"changes the layout of images for {units.percent(images)}; a runtime packs once"
        )


def _ran(latencies: Sequence[Latency]) -> Iterator[str]:
    """What runtimes made of networks, as they say themselves."""
    for row in latencies:
        ran = row.ran
        if ran.nodes is None:
            continue
        said = [units.number(ran.nodes, "node")]
        if ran.delegated is not None:
            said.append(f"{units.percent(ran.delegated)} of them delegated to XNNPACK")
        if ran.computed_in:
            said.append(f"most that multiply in {ran.computed_in}")
        where = " ".join(row.setting.words("dtype", "backend"))
        yield f"{row.model} {where}: {', '.join(said)}"


def _clocks(networks: Sequence[LayerTimes]) -> Iterator[str]:
    """What a runtime's clock on its nodes adds to them."""
    for part in networks:
        setting = part.whole.setting
        if setting.backend != EAGER and part.added_s:
            added = units.duration(part.added_s)
            yield (
                f"{part.whole.model} {' '.join(setting.words('dtype', 'backend'))}: its nodes take "
                f"{added} more than its pass, since {setting.backend}'s clock on each takes time"
            )


def reruns(latencies: Sequence[Latency]) -> list[str]:
    """How far the values of the widest rows lie apart, in this run and the next, and whence."""
    known = [row for row in latencies if row.reliable and _width(row) not in (0.0, math.inf)]
    if not known:
        return []
    row = max(known, key=_width)
    records = [asdict(one) for one in known]
    ends = [
        units.precision(max(col.half_width(record, which) or 0.0 for record in records))
        for which in ("run", "ci")
    ]
    most = "at most " if len(known) > 1 else ""
    if row.known_runs:
        whence = f"as {units.number(row.known_runs, 'earlier value')} here lay apart"
    else:
        whence = "as assumed until it has been run here again"
    how = f"{row.processes} processes" if row.processes > 1 else "one process"
    return [f"{most}{ends[0]} in this run of {how}, {ends[1]} in another, {whence}"]


def _findings(latencies: Sequence[Latency], timing: Timing) -> list[str]:
    """What disturbed it, what could not be timed, and why."""
    lines = [f"warning: {warning.text}" for warning in timing.warnings]
    lines += [f"{_named(row)}: {row.error}" for row in latencies if row.error]
    if timing.interrupted:
        lines.append("Interrupted: this is what was measured by then.")
    return lines


def _named(row: Latency) -> str:
    """Which row it is, without its model, which an error names."""
    return ", ".join(row.setting.words("batch", "dtype", "backend"))


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
