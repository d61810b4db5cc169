"""Two networks side by side: their costs, and the layers in which they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnbench import units
from cnnbench.counting.cost import Trace
from cnnbench.counting.metrics import STATIC, Metric
from cnnbench.counting.rules import convention
from cnnbench.counting.totals import conditions
from cnnbench.guard.difference import Difference, differences
from cnnbench.reports import columns as col
from cnnbench.reports.environment import software
from cnnbench.reports.report import Column, Report, Table

LAYERS = (
    Column("layer", "layer", left=True),
    Column("change", "", left=True, under=True),
    Column("before", "before", left=True),
    Column("after", "after", left=True, under=True),
    Column("macs", "MACs", col.signed),
    Column("params", "params", col.signed),
)


def report_of(before: str, after: str, traces: tuple[Trace, Trace]) -> Report:
    """What the second has that the first has not, and what it costs more."""
    found = differences(*traces)
    shown = [one for one in found if not _only_follows(one)]
    costs = [_cost(metric, *traces) for metric in STATIC]
    layers = [_layer(one) for one in found]
    notes = [convention.FOOTER]
    if traces[0].file != traces[1].file:
        notes.insert(0, "two formats: layers are matched by name, shape and kind of operator")
    texts = [
        f"{name}: {one.text}"
        for name, t in zip((before, after), traces, strict=True)
        for one in conditions(t)
    ]
    return Report(
        command="show",
        results=[{"model": after, "before": before, "costs": costs, "layers": layers}],
        records=layers,
        tables=[_summary(before, after, costs), *([_table(shown)] if shown else [])],
        findings=[*_others(len(found) - len(shown), len(found)), *dict.fromkeys(texts)],
        notes=notes,
        environment=software(traces),
    )


def _cost(metric: Metric, before: Trace, after: Trace) -> dict[str, Any]:
    was, now = (_value(metric, trace) for trace in (before, after))
    change = now / was - 1 if was else None
    return {"metric": str(metric), "baseline": was, "current": now, "change": change}


def _value(metric: Metric, trace: Trace) -> int:
    found: int = getattr(trace if metric is Metric.PEAK else trace.total, metric)
    return found


def _summary(before: str, after: str, costs: Sequence[dict[str, Any]]) -> Table:
    columns = (
        Column("words", "cost", left=True),
        Column("baseline", before),
        Column("current", after),
        Column("change", "change"),
    )
    return Table(columns, [_cells(cost) for cost in costs])


def _cells(cost: dict[str, Any]) -> dict[str, Any]:
    metric = Metric(cost["metric"])
    was, now = (metric.show(cost[key]) for key in ("baseline", "current"))
    if was == now and cost["change"]:  # too close to tell apart in few digits
        was, now = (units.exact(cost[key]) for key in ("baseline", "current"))
    change = units.difference(cost["change"]) if cost["change"] else ""
    return {"words": metric.words, "baseline": was, "current": now, "change": change}


def _layer(one: Difference) -> dict[str, Any]:
    record: dict[str, Any] = {"layer": one.layer, "change": str(one.change)}
    for key, layer in (("before", one.before), ("after", one.after)):
        record[key] = layer.described if layer else ""
    for key in ("macs", "params"):
        for when, layer in (("before", one.before), ("after", one.after)):
            record[f"{key}_{when}"] = getattr(layer, key) if layer else 0
    return record


def _table(found: Sequence[Difference]) -> Table:
    rows = []
    for one in found:
        row = _layer(one)
        same = row["after"] == row["before"]
        rows.append(
            {
                "layer": one.layer or "the network",
                "change": row["change"],
                "before": row["before"],
                "after": "the same" if same else row["after"],
                "macs": one.macs(),
                "params": one.params(),
            }
        )
    return Table(LAYERS, rows, "layers that differ")


def _only_follows(one: Difference) -> bool:
    """Whether it does the same without weights, on maps of another shape."""
    before, after = one.before, one.after
    if before is None or after is None or one.macs() or one.params():
        return False
    return not after.macs and before.does == after.does


def _others(hidden: int, number: int) -> list[str]:
    if not number:
        return ["no layer differs in what it does, gives, or costs"]
    if not hidden:
        return []
    more = "1 more layer does" if hidden == 1 else f"{hidden} more layers do"
    return [f"{more} the same on maps of another shape; --format json has all"]
