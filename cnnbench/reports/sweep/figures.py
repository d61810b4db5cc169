"""The figures of a sweep's page, device by device, and of two runs side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial

from cnnbench import units
from cnnbench.reports.charts import rows as sweep_bars
from cnnbench.reports.page import Figure, Section
from cnnbench.reports.sweep import accuracy as of_accuracy
from cnnbench.reports.sweep import points as of_points
from cnnbench.reports.sweep import rows as of_rows
from cnnbench.reports.sweep.selection import MOST_ROWS, name, networks
from cnnbench.sweeps.compare import RunChange
from cnnbench.sweeps.results import Result
from cnnbench.sweeps.views import Row, by_place, named, points, series
from cnnbench.timing.samples import confidence
from cnnbench.timing.samples.pairing import verdict

_MOST_WAYS = 8  # that colours tell apart


def sections(results: Sequence[Result]) -> list[Section]:
    """The figures of each device; of what was counted alone, its costs."""
    found = []
    for place, there in by_place(results).items():
        figures = list(_timed(there) if place else _counted(there))
        if figures:
            found.append(Section(place or "Counted alone", figures))
    return found


def _timed(results: Sequence[Result]) -> Iterable[Figure]:
    """Figures of networks, and of blocks beside each other, or alone where there is no network."""
    every, told = series(results), named(results)
    order, note = every[:_MOST_WAYS], ""
    if len(every) > len(order):
        note = f" {len(order)} of {len(every)} ways of running are drawn; the table has all."
    alike = networks([one for one in results if told(one) in order])
    where = points(alike)
    if where:
        yield from of_points.figures(where, order, note)
        yield from of_accuracy.figures(alike, where, order, note)
    yield from of_rows.throughput(alike, told, order, note)
    yield from of_rows.pairs_of(results, told, every)
    yield from of_rows.kinds([one for one in alike if told(one) == order[0]], f", {order[0]}")


def _counted(results: Sequence[Result]) -> Iterable[Figure]:
    alike = networks(results)
    yield from of_points.costs(alike)
    yield from of_accuracy.figures(alike, (), [], "")
    smallest = min(one.batch for one in alike)
    yield from of_rows.kinds([one for one in alike if one.batch == smallest], "")


def of_changes(rows: Sequence[RunChange], a: str, b: str) -> list[Section]:
    """How the times of two runs differ."""
    told = named([change.a for change in rows])
    drawn: list[Row] = [
        {
            "name": f"{name(change.a)}, {told(change.a)}",
            "value": change.measured.median,
            "low": change.measured.low,
            "high": change.measured.high,
            "verdict": str(verdict(change.measured, change.measured)),
        }
        for change in rows
        if change.measured
    ]
    drawn.sort(key=lambda row: -abs(math.log(float(row["value"]))))
    shown, note = drawn[:MOST_ROWS], ""
    if len(drawn) > len(shown):
        note = f" The {len(shown)} that differ most, of {units.exact(len(drawn))}."
    if not shown:
        return []
    figure = Figure(
        "changes",
        f"How much faster {b} is than {a}",
        f"Time in {a} / time in {b}, with an interval of {confidence.OF_RERUN:.0%} confidence, in "
        f"which the spread from run to run is.{note}",
        partial(sweep_bars.ratios_of_runs, shown, f"time in {a} / time in {b}"),
    )
    return [Section("What changed", [figure])]
