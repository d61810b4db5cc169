"""Everything about one network on one page: its picture, what costs what, memory, time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from cnnbench import harmless, units
from cnnbench.counting import views
from cnnbench.counting.cost import Kind, Trace
from cnnbench.counting.footprint import footprint
from cnnbench.counting.metrics import Metric
from cnnbench.counting.optimizers import Optimizer
from cnnbench.counting.rules import convention
from cnnbench.counting.totals import conditions
from cnnbench.counting.tree import Node, tree
from cnnbench.errors import CnnbenchError
from cnnbench.reports import columns as col
from cnnbench.reports.architecture import describe
from cnnbench.reports.environment import software
from cnnbench.reports.page import Figure, Page, Section
from cnnbench.reports.pictures.labels import Sketch
from cnnbench.reports.pictures.network import draw, usual_level
from cnnbench.reports.pictures.shades import Shade
from cnnbench.reports.report import Column, Report, Table
from cnnbench.reports.sweep.selection import MOST_ROWS
from cnnbench.roofline.predict import Prediction, dtype_of
from cnnbench.roofline.profile import Profile
from cnnbench.studies.audit.audit import Account
from cnnbench.studies.papers.accuracy import of_pass
from cnnbench.studies.papers.published import compared, figures_of

_COLUMNS = (
    col.LAYER,
    col.OPERATOR,
    Column("kind", "kind", left=True, wide=True),
    col.OUTPUT,
    *(col.PARAMS, col.MACS),
    col.MACS_SHARE,
    *col.wide(col.BYTES),
    Column("live_bytes", "memory", units.size),
)
_TIMES = (col.PREDICTED, col.BOUND)


@dataclass(frozen=True)
class Subject:
    """A network's trace, a training step's or why there is none, and what a device foretells.

    `accounts` are those of other counters.
    """

    model: str
    trace: Trace
    training: Trace | str = "not counted"
    predicted: Prediction | None = None
    profile: Profile | None = None
    accounts: Sequence[Account] = ()


def report_of(of: Subject) -> tuple[Report, Page]:
    """The layers, to print and to look at."""
    rows = views.layers(of.trace)
    if of.predicted is not None:
        for row, op in zip(rows, of.trace.operators, strict=True):
            found = of.predicted.by_operator.get(id(op))
            row["predicted_s"] = found.seconds if found else None
            row["bound"] = found.bound if found else None
    maps = partial(col.feature_map, channels_last=of.trace.channels_last)
    columns = tuple(
        replace(one, show=maps) if one.key == "output" else one
        for one in (*_COLUMNS, *(_TIMES if of.predicted is not None else ()))
    )
    lead, facts = list(_lead(of)), list(_facts(of))
    notes = [*(one.text for one in conditions(of.trace)), convention.FOOTER]
    table = Table(columns, rows)
    report = Report(
        command="report",
        results=[{"model": of.model, **views.summary(of.trace), "layers": rows}],
        tables=[table],
        findings=lead,
        notes=[*(f"{term}: {text}" for term, text in facts), *notes],
        environment=software([of.trace]),
        records=rows,
    )
    page = Page(
        title=of.model,
        lead=lead,
        find=lambda: list(_sections(of, rows)),
        table=table,
        facts=facts,
        notes=notes,
        about="In numbers",
        picture=partial(_picture, of),
        tree=_tree(of.model, tree(of.trace, fold=False)),
    )
    return report, page


def _tree(name: str, nodes: Sequence[Node]) -> dict[str, Any]:
    """What the page divides by clicks: modules, layers, and of each its own cost."""
    children = [_tree(node.name or describe(node), node.children) | _cost(node) for node in nodes]
    whole = {key: sum(child[key] for child in children) for key in ("macs", "params")}
    return {"name": harmless.line(name), **whole, "children": children}


def _cost(node: Node) -> dict[str, int]:
    return {"macs": node.cost.macs, "params": node.cost.params}


def _picture(of: Subject) -> str:
    shade = Shade.TIME if of.predicted is not None else Shade.MACS
    sketch = Sketch(of.model, of.trace, usual_level(of.trace), shade, predicted=of.predicted)
    return draw(sketch).svg


def _lead(of: Subject) -> Iterator[str]:
    whole = of.trace.total
    shapes = of.trace.input_shapes
    inputs = " ".join(units.feature_map(shape, of.trace.channels_last) for shape in shapes)
    images = shapes[0][0] if shapes and len(shapes[0]) > 1 else 1
    of_batch = f"{images:,} times " if images > 1 else ""
    yield (
        f"A pass on {of_batch}{inputs or 'no tensor'} takes {units.count(whole.macs)} "
        f"multiply-accumulates ({units.count(whole.flops)} FLOPs), {units.count(whole.params)} "
        f"params and {units.size(of.trace.peak_activation_bytes)} of activations at its peak."
    )
    if of.predicted is not None and of.profile is not None and of.predicted.operators:
        low, high = of.predicted.interval
        yield (
            f"On {of.profile.name or of.profile.device} it is predicted to take "
            f"{units.duration(of.predicted.seconds)} ({units.durations(low, high)}), most of it "
            f"held by {of.predicted.bound}."
        )
    for one in of_pass(of.model, of.trace.input_shapes):
        yield f"Published: {one.words}."


def _facts(of: Subject) -> Iterator[tuple[str, str]]:
    trace = of.trace
    yield "elementwise FLOPs", units.count(trace.total.elementwise_flops)
    yield "activations", units.count(trace.total.activations)
    yield "bytes moved", units.size(trace.total.bytes_moved)
    yield "weights", units.size(trace.weight_bytes)
    yield (
        "arena",
        f"{units.size(trace.arena_bytes)}, as a planner that sees the whole pass packs it",
    )
    if isinstance(of.training, str):
        yield "training", of.training
    else:
        for optimizer in (Optimizer.SGD, Optimizer.ADAM):
            held = footprint(of.training, optimizer)
            yield (
                f"a training step, {optimizer}",
                f"{units.size(held.total_bytes)}: weights {units.size(held.weight_bytes)}, "
                f"gradients {units.size(held.gradient_bytes)}, optimiser "
                f"{units.size(held.optimizer_bytes)}, activations "
                f"{units.size(held.activation_bytes)}",
            )
    for row in _published(of):
        yield (
            f"{Metric(row['metric']).words} in {row['source']}",
            f"{row['printed']}, counted {units.exact(row['counted'])}"
            + (f" ({row['note']})" if not row["agrees"] else ""),
        )
    for account in of.accounts:
        yield f"{account.counter.name} prints", _account(account)
    known = software([trace])
    yield "counted by", ", ".join(f"{name} {version}" for name, version in known.items())


def _account(account: Account) -> str:
    """`577 M MACs: 569 M, as here, and normalisation 7.9 M`."""
    if account.printed is None:
        return f"nothing: {account.failure}"
    ours, *others = account.terms.items()
    parts = [f"{units.count(ours[1])} MACs, as here"]
    parts += [f"{what} {col.signed(number)}" for what, number in others if number]
    if account.counter.unit > 1:
        parts.append(f"each counted {account.counter.unit} times")
    if account.remaining:
        parts.append(f"{col.signed(account.remaining)} unexplained")
    return f"{units.count(account.printed)} {account.counter.prints}: {'; '.join(parts)}"


def _published(of: Subject) -> list[dict[str, Any]]:
    """The papers' figures of it on images of this side, without those of modules and variants."""
    sides = {shape[-1] for shape in of.trace.input_shapes if shape[:1] == (1,)}
    with suppress(CnnbenchError):
        found = [one for one in figures_of([of.model]) if one.model == of.model]
        return [compared(one) for one in found if one.resolution in sides]
    return []


def _sections(of: Subject, rows: Sequence[dict[str, Any]]) -> Iterator[Section]:
    from cnnbench.reports.charts import network as charts
    from cnnbench.reports.charts import rows as bars

    figures = []
    if divided := list(_kinds(of.trace)):
        kinds = [str(kind) for kind in Kind]
        figures.append(
            Figure(
                "kinds",
                "Which kind of operator costs what",
                "Each bar is all of the network, divided by what its operators are.",
                partial(bars.kinds, divided, kinds, "share", told="of"),
            )
        )
    stages = [
        {"name": node.name or node.parts[-1][-1].operator, "share": node.cost.macs}
        for node in tree(of.trace, fold=False)
    ]
    whole = of.trace.total.macs
    if whole and len(stages) > 1:
        shares = [{**one, "share": one["share"] / whole} for one in _apart(stages[:MOST_ROWS])]
        left = len(stages) - len(shares)
        figures.append(
            Figure(
                "stages",
                "Which stage has the multiply-accumulates",
                "A bar for each top-level module, in the order in which they run."
                + (f" The {left:,} after these are left out." if left else ""),
                partial(charts.stages, shares, "MACs"),
            )
        )
    both = [
        {key: row[key] for key in ("layer", "operator", "params", "macs")}
        for row in rows
        if row["params"] and row["macs"]
    ]
    if len(both) > 1:
        figures.append(
            Figure(
                "layers",
                "Layers: multiply-accumulates against params",
                "Each dot is a layer that multiplies. Early layers have few params and many MACs, "
                "linear ones as many of both.",
                partial(charts.layers, _with_sides(both, charts.HEIGHT)),
            )
        )
    if figures:
        yield Section("What it costs", figures)
    if rows:
        curve = [
            {
                "place": place,
                "layer": row["name"],
                **{key: row[key] for key in ("operator", "live_bytes", "is_peak")},
            }
            for place, row in enumerate(rows)
        ]
        yield Section(
            "Memory over the pass",
            [
                Figure(
                    "memory",
                    "Activations that are alive",
                    "What a pass holds beside its weights as each operator runs; the dot is the "
                    "operator that makes the peak.",
                    partial(charts.memory, curve, of.trace.weight_bytes),
                )
            ],
        )
    yield from _roof(of)


def _with_sides(rows: Sequence[dict[str, Any]], height: int) -> list[dict[str, Any]]:
    """Layers, those of the most MACs first, with the side on which their name stands."""
    from cnnbench.reports.charts import labels
    from cnnbench.reports.charts.style import NARROW, bounds

    rows = sorted(rows, key=lambda row: -row["macs"])
    spots = [labels.Spot(row["params"], row["macs"], row["layer"], True) for row in rows]
    across, down = (bounds([row[key] for row in rows]) for key in ("params", "macs"))
    where = labels.sides(spots, NARROW, height, across, down)
    return [{**row, "side": side} for row, side in zip(rows, where, strict=True)]


def _roof(of: Subject) -> Iterator[Section]:
    profile, predicted = of.profile, of.predicted
    if profile is None or predicted is None:
        return
    from cnnbench.reports.charts.roofline import roofline

    peak = profile.flops_per_s.get(dtype_of(of.trace))
    most = profile.bandwidth(2**62)
    if not peak or not most:
        return
    roofs = {"flops_per_s": peak, "bytes_per_s": most, "cache_per_s": profile.bandwidth(1) or most}
    dots = [
        {
            "side": of.model,
            "kind": str(op.cost.kind),
            "layer": op.cost.path or op.cost.operator,
            "intensity": op.cost.cost.intensity,
            "flops_per_s": (op.cost.cost.flops + op.cost.cost.elementwise_flops) / op.seconds,
            "seconds": op.seconds,
        }
        for op in predicted.operators
        if op.seconds and op.cost.cost.intensity
    ]
    told = {"layer": "layer", "kind": "kind"}
    if dots:
        yield Section(
            "Under the roof",
            [
                Figure(
                    "roofline",
                    "What each operator is predicted to reach",
                    "Left of the bend memory holds an operator, right of it arithmetic; its area "
                    "is the time that it takes.",
                    partial(roofline, dots, roofs, "kind", told=told, height=380),
                )
            ],
        )


def _kinds(trace: Trace) -> Iterator[dict[str, Any]]:
    """Each kind's share of several costs: a row of the chart a cost."""
    shares = {"MACs": "macs", "params": "params", "bytes moved": "bytes_moved"}
    found = views.kinds(trace)
    for words, key in shares.items():
        whole = sum(row[key] for row in found)
        for row in found:
            if whole and row[key]:
                share = row[key] / whole
                yield {"model": words, "kind": row["kind"], "share": share, "value": row[key]}


def _apart(stages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Stages whose names are told apart: the same one again has a number."""
    seen: dict[str, int] = {}
    found = []
    for one in stages:
        seen[one["name"]] = number = seen.get(one["name"], 0) + 1
        found.append({**one, "name": one["name"] if number == 1 else f"{one['name']} {number}"})
    return found
