"""How counts read: totals, layers or kinds of operator, and what a reader must know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from cnnbench import units
from cnnbench.counting import views
from cnnbench.counting.cost import Trace
from cnnbench.counting.division import By, Division
from cnnbench.counting.rules import convention
from cnnbench.counting.totals import conditions
from cnnbench.reports import accuracy, memory
from cnnbench.reports import columns as col
from cnnbench.reports.charts import sparks
from cnnbench.reports.environment import software
from cnnbench.reports.report import Column, Report, Table
from cnnbench.studies.papers.accuracy import of_pass, together

SUMMARY = (
    *(col.MODEL, col.INPUT, col.PARAMS, col.MACS, col.FLOPS, col.ACTIVATIONS, col.PEAK),
    *col.wide(col.ARENA, col.WORKSPACE, col.ELEMENTWISE, col.BYTES, col.INTENSITY),
)


LAYERS = (
    col.LAYER,
    col.OPERATOR,
    Column("input", "input", left=True),
    Column("output", "output", col.feature_map, left=True, under=True),
    Column("window", "kernel", left=True),
    col.PARAMS,
    col.MACS,
    col.MACS_SHARE,
    Column("memory", "memory"),
    Column("curve", "", left=True),
)


MODULES = (
    Column("name", "module", left=True),
    Column("operators", "operators"),
    Column("output", "output", col.feature_map, left=True),
    col.PARAMS,
    col.MACS,
    col.MACS_SHARE,
    Column("live_bytes", "most\nmemory", units.size),
)


KINDS = (
    Column("kind", "kind", left=True),
    Column("operators", "operators"),
    col.MACS,
    Column("macs_share", "% MACs", units.share, under=True),
    Column("weights", "weights", units.count),
    Column("weights_share", "% weights", units.share, under=True),
    col.PARAMS,
    Column("params_share", "% params", units.share, under=True),
    col.ELEMENTWISE,
    Column("bytes_share", "% bytes", units.share),
)


_FEWEST_ZEROS = 0.001  # of the params, of which a reader is told
_FEW = 2  # models of which each may have a line of its own


_HELD, _PEAK = "● ", "▶ "


_LEGEND = ("memory: of activations alive as the operator runs; most at ▶, ● made one of them",)


def report_of(
    specs: Sequence[str],
    traces: Sequence[Trace],
    division: Division | None = None,
    held: Mapping[str, memory.Held] | None = None,
    batch: int = 1,
) -> Report:
    """One row a model, or of each model a table of its operators, divided as asked.

    `held` is the memory of models at that batch, in a table of its own.
    """
    held = held or {}
    known = [
        (spec, of_pass(spec, trace.input_shapes)) for spec, trace in zip(specs, traces, strict=True)
    ]
    stand = together([own for _, own in known])
    rows = [
        {"model": spec, **views.summary(trace)}
        | ({"memory": held[spec].record()} if spec in held else {})
        | {"accuracy": printed.record() if printed else None}
        for spec, printed, trace in zip(specs, stand, traces, strict=True)
    ]
    results, records, tables = rows, rows, [Table(SUMMARY, rows)]
    if division is not None:
        key, columns = _SHOWN[division.by is By.KIND, division.is_of_operators]
        parts = [_parts(trace, division) for trace in traces]
        both = [(row, part, division.shown(part)) for row, part in zip(rows, parts, strict=True)]
        results = [{**row, key: shown} for row, _, shown in both]
        records = [{"model": row["model"], **one} for row, _, shown in both for one in shown]
        tables = [
            _table(row, part, shown, columns, division, trace.channels_last)
            for (row, part, shown), trace in zip(both, traces, strict=True)
        ]
    tables += [memory.table(held, batch)] if held else []
    return Report(
        command="flops",
        results=results,
        tables=tables,
        findings=[
            *accuracy.lines(known),
            *memory.findings(held),
            *_conditions(specs, traces),
            *_remarks(rows),
        ],
        notes=[
            *memory.notes(held),
            *_peaks(rows),
            *(_LEGEND if division and division.is_of_operators else ()),
            convention.FOOTER,
        ],
        environment=software(traces),
        records=records,
    )


# By whether it is by kind, and whether each operator stands alone: the key, the columns.
_SHOWN = {
    (False, True): ("layers", LAYERS),
    (False, False): ("modules", MODULES),
    (True, False): ("kinds", KINDS),
}


def _parts(trace: Trace, division: Division) -> list[dict[str, Any]]:
    return views.kinds(trace) if division.by is By.KIND else division.of(views.layers(trace))


def _table(
    row: dict[str, Any],
    parts: list[dict[str, Any]],
    shown: list[dict[str, Any]],
    columns: tuple[Column, ...],
    division: Division,
    channels_last: bool,
) -> Table:
    """One model's operators, divided, with what all add up to."""
    maps = partial(col.feature_map, channels_last=channels_last)
    title = f"{row['model']}  {col.shapes(row['input'])}"
    if not parts:
        return Table(columns, [], f"{title}: no operator runs")
    if left_out := division.words(len(parts)):
        title = f"{title}  {left_out}"
    peak = row["peak_activation_bytes"]
    shown = [_layer(part, maps, peak) if columns is LAYERS else part for part in shown]
    last = {
        column.key: sum(part[column.key] for part in parts)
        for column in columns
        if isinstance(parts[0].get(column.key), (int, float))
    }
    last |= {columns[0].key: "total", "output": parts[-1].get("output")}
    last["memory"] = units.size(row["peak_activation_bytes"])
    last["live_bytes"] = row["peak_activation_bytes"]
    columns = tuple(replace(c, show=maps) if c.key == "output" else c for c in columns)
    return Table(columns, shown, title, last)


def _layer(part: dict[str, Any], maps: Callable[[Any], str], peak: int) -> dict[str, Any]:
    """A layer's record with the cells that its table makes of it."""
    window = units.window(tuple(part["kernel"]), tuple(part["stride"]))
    window += units.steps(tuple(part["dilation"]), " d")
    groups = f" g{part['groups']}" if part["groups"] > 1 else ""
    first = part["inputs"][0] if part["inputs"] else []
    mark = _PEAK if part["is_peak"] else _HELD if part["held_at_peak"] else ""
    memory = mark + units.size(part["live_bytes"])
    curve = sparks.bar(part["live_bytes"] / max(peak, 1))
    return {
        **part,
        "input": maps(first),
        "window": window + groups,
        "memory": memory,
        "curve": curve,
    }


def _peaks(rows: list[dict[str, Any]]) -> list[str]:
    """Where few models have their peaks."""
    return [
        f"{row['model']}: peak memory at {place['layer'] or 'the network'} ({place['operator']})"
        for row in rows
        if len(rows) <= _FEW and (place := row["peak_operator"])
    ]


def _conditions(specs: Sequence[str], traces: Sequence[Trace]) -> list[str]:
    """What single counts hold for."""
    pairs = zip(specs, traces, strict=True)
    return [f"{spec}: {one.text}" for spec, trace in pairs for one in conditions(trace)]


def _remarks(rows: list[dict[str, Any]]) -> list[str]:
    """What a reader must know about single rows."""
    remarks = []
    for row in rows:
        if row["training"]:
            forward, backward = (units.count(row[key]["macs"]) for key in ("forward", "backward"))
            remarks.append(f"{row['model']}: MACs forward {forward}, backward {backward}")
        if row["unread_params"]:
            names = ", ".join(sorted(row["unread_params"]))
            number = units.count(row["idle_params"])
            where = f": {names}" if names else ""
            perhaps = (
                " or are read by what is not counted" if row["file"] and row["uncounted"] else ""
            )
            remarks.append(f"{row['model']}: {number} of its params do not run{perhaps}{where}")
        if row["frozen_params"]:
            remarks.append(f"{row['model']}: {units.count(row['frozen_params'])} params are frozen")
        if row["zero_params"] >= _FEWEST_ZEROS * row["params"] > 0:
            share = units.percent(row["zero_params"] / row["params"])
            remarks.append(
                f"{row['model']}: {units.count(row['zero_params'])} of its params are zero "
                f"({share}), and cost what others cost"
            )
        if row["uncounted"]:
            remarks.append(col.uncounted(row["model"], row["uncounted"]))
    return remarks
