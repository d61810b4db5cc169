"""How counts read: totals, layers or kinds of operator, and what a reader must know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnbench import units
from cnnbench.counting import views
from cnnbench.counting.cost import Trace
from cnnbench.counting.rules import convention
from cnnbench.reports import columns as col
from cnnbench.reports.environment import software
from cnnbench.reports.report import Column, Report, Table

SUMMARY = (
    *(col.MODEL, col.INPUT, col.PARAMS, col.MACS, col.FLOPS, col.ELEMENTWISE),
    *(col.ACTIVATIONS, col.PEAK, col.ARENA, col.BYTES, col.INTENSITY),
)


LAYERS = (
    Column("layer", "layer", left=True),
    Column("operator", "operator", left=True, under=True),
    Column("input", "input", left=True),
    Column("output", "output", col.feature_map, left=True, under=True),
    Column("window", "kernel", left=True),
    col.PARAMS,
    col.MACS,
    Column("macs_share", "share", units.share),
    Column("memory", "memory"),
)


KINDS = (
    Column("kind", "kind", left=True),
    Column("operators", "oper-\nators"),
    col.MACS,
    Column("macs_share", "% MACs", units.share, under=True),
    Column("weights", "weights", units.count),
    Column("weights_share", "% weights", units.share, under=True),
    col.PARAMS,
    Column("params_share", "% params", units.share, under=True),
    col.ELEMENTWISE,
    Column("bytes_share", "% bytes", units.share),
)


_FEW = 2  # models of which each may have a line of its own


_HELD, _PEAK = "● ", "▶ "


_LEGEND = ("memory: activations alive while the operator runs, most at ▶; ● made one of those",)


def report_of(
    specs: Sequence[str], traces: Sequence[Trace], *, layers: bool = False, operators: bool = False
) -> Report:
    """One row a model, or of each model a table of its layers or kinds of operator."""
    rows = [
        {"model": spec, **views.summary(trace)} for spec, trace in zip(specs, traces, strict=True)
    ]
    results, records, tables = rows, rows, [Table(SUMMARY, rows)]
    if layers or operators:
        view, columns = (views.layers, LAYERS) if layers else (views.kinds, KINDS)
        parts = [view(trace) for trace in traces]
        both = list(zip(rows, parts, strict=True))
        results = [{**row, "layers" if layers else "kinds": part} for row, part in both]
        records = [{"model": row["model"], **one} for row, part in both for one in part]
        tables = [_table(row, part, columns) for row, part in both]
    return Report(
        command="flops",
        results=results,
        tables=tables,
        notes=[*_remarks(rows), *(_LEGEND if layers else ()), convention.FOOTER],
        environment=software(),
        records=records,
    )


def _table(row: dict[str, Any], parts: list[dict[str, Any]], columns: tuple[Column, ...]) -> Table:
    """One model's layers or kinds, with what they add up to."""
    title = f"{row['model']}  {col.shapes(row['input'])}"
    if not parts:
        return Table(columns, [], f"{title}: no operator runs")
    shown = [_layer(part) if columns is LAYERS else part for part in parts]
    blank = {"operator": "", "input": "", "window": ""}
    blank["memory"] = units.size(row["peak_activation_bytes"])
    sums = {
        column.key: sum(part[column.key] for part in parts)
        for column in columns
        if isinstance(parts[0].get(column.key), (int, float))
    }
    last = {**blank, "output": parts[-1].get("output", []), **sums, columns[0].key: "total"}
    return Table(columns, shown, title, last)


def _layer(part: dict[str, Any]) -> dict[str, Any]:
    """A layer's record with the cells that its table makes of it."""
    window = units.window(tuple(part["kernel"]), tuple(part["stride"]))
    groups = f" g{part['groups']}" if part["groups"] > 1 else ""
    first = part["inputs"][0] if part["inputs"] else []
    mark = _PEAK if part["is_peak"] else _HELD if part["held_at_peak"] else ""
    memory = mark + units.size(part["live_bytes"])
    shown = {"input": col.feature_map(first), "window": window + groups, "memory": memory}
    return {**part, **shown}


def _remarks(rows: list[dict[str, Any]]) -> list[str]:
    """What a reader must know about single rows."""
    remarks = []
    for row in rows:
        if len(rows) <= _FEW and row["peak_operator"]:
            place = row["peak_operator"]
            layer = place["layer"] or "the network"
            remarks.append(f"{row['model']}: peak memory at {layer} ({place['operator']})")
        if row["training"]:
            forward, backward = (units.count(row[key]["macs"]) for key in ("forward", "backward"))
            remarks.append(f"{row['model']}: MACs forward {forward}, backward {backward}")
        if row["unread_params"]:
            names = ", ".join(sorted(row["unread_params"]))
            number = units.count(sum(row["unread_params"].values()))
            remarks.append(f"{row['model']}: {number} more params do not run: {names}")
        if row["uncounted"]:
            remarks.append(col.uncounted(row["model"], row["uncounted"]))
    return remarks
