"""Everything about one network on one page: its picture, what costs what, memory, time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from typing import Any

from cnnbench import units
from cnnbench.counting import views
from cnnbench.counting.footprint import footprint
from cnnbench.counting.metrics import Metric
from cnnbench.counting.optimizers import Optimizer
from cnnbench.counting.rules import convention
from cnnbench.counting.totals import conditions
from cnnbench.counting.tree import tree
from cnnbench.errors import CnnbenchError
from cnnbench.reports import columns as col
from cnnbench.reports import time_notes
from cnnbench.reports.environment import software
from cnnbench.reports.network import time_rows
from cnnbench.reports.network.figures import costs, memory
from cnnbench.reports.network.icicle import icicle
from cnnbench.reports.network.subject import Subject
from cnnbench.reports.network.time_figures import divided, roofs
from cnnbench.reports.page import Page
from cnnbench.reports.pictures.labels import Sketch
from cnnbench.reports.pictures.network import draw, usual_level
from cnnbench.reports.pictures.shades import Shade
from cnnbench.reports.report import Column, Report, Table
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


def report_of(of: Subject) -> tuple[Report, Page]:
    """The layers, to print and to look at."""
    spent = time_rows.of_operators(of)
    rows = [row | more for row, more in zip(views.layers(of.trace), spent, strict=True)]
    flat = [time_rows.flat(of, row) for row in rows]
    maps = partial(col.feature_map, channels_last=of.trace.channels_last)
    columns = tuple(
        replace(one, show=maps) if one.key == "output" else one
        for one in (*_COLUMNS, *time_rows.columns(of))
    )
    facts = [*_facts(of), *time_rows.facts(of)]
    notes = [*time_rows.notes(of), *(one.text for one in conditions(of.trace)), convention.FOOTER]
    totals = {"model": of.model, **views.summary(of.trace)}
    report = Report(
        command="report",
        results=[{**totals, "passes": time_rows.of_passes(of), "layers": rows}],
        tables=[Table(columns, flat)],
        findings=[*time_rows.findings(of), *_findings(of)],
        notes=[*(f"{term}: {text}" for term, text in facts), *notes],
        environment=software([of.trace]),
        records=flat,
        topic="show",
    )
    if of.timing is not None:
        report = time_notes.beside(report, of.timing)
        notes = [*time_notes.notes(of.timing.latencies, of.timing), *notes]
    nodes = cache(partial(tree, of.trace, fold=False))
    page = Page(
        title=of.model,
        lead=[*filter(None, [report.alert]), *report.findings],
        find=lambda: [
            *costs(of, nodes(), rows),
            *divided(of, nodes()),
            *memory(of.trace, rows),
            *roofs(of),
        ],
        table=report.tables[0],
        facts=facts,
        notes=notes,
        about="In numbers",
        picture=partial(_picture, of),
        tree=(lambda: icicle(of, nodes())) if of.trace.operators else None,
    )
    return report, page


def _picture(of: Subject) -> str:
    shade = Shade.TIME if of.first is not None else Shade.MACS
    sketch = Sketch(of.model, of.trace, usual_level(of.trace), shade, times=of.first)
    return draw(sketch).svg


def _findings(of: Subject) -> Iterator[str]:
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
