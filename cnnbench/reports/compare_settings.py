"""How a comparison in several back ends or dtypes reads: one table, rows by ways to run them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from cnnbench import units
from cnnbench.reports import columns as col
from cnnbench.reports.report import Column, Table
from cnnbench.reports.verdicts import marked
from cnnbench.studies.comparison.comparison import Comparison, Side
from cnnbench.studies.comparison.records import bounds
from cnnbench.timing.samples.pairing import Verdict
from cnnbench.timing.setting import Setting, names

_COSTS = (
    Column("name", "", left=True),
    Column("params", "params", wide=True),
    Column("macs", "MACs"),
    Column("predicted", "predicted"),
)


def table(rows: Sequence[Comparison], settings: Sequence[Setting]) -> Table:
    """Lines of each case: its shape, each side's time, and its ratio to the first."""
    columns = [*_COSTS]
    for place, name in enumerate(names(settings).values()):
        columns.append(Column(f"time{place}", name.replace(" ", "\n")))
        columns.append(Column(f"interval{place}", "", under=True))
    lines = []
    for _, group in groupby(rows, key=lambda row: row.case):
        lines += list(_lines(list(group), settings))
    return Table(tuple(columns), lines)


def _lines(case: Sequence[Comparison], settings: Sequence[Setting]) -> Iterator[dict[str, Any]]:
    if case[0].label:
        yield {"name": case[0].label}
    yield _side([row.a for row in case], settings)
    for name in dict.fromkeys(row.b.name for row in case):
        rows = [row for row in case if row.b.name == name]
        yield _side([row.b for row in rows], settings)
        yield _ratio(rows, settings)


def _side(sides: Sequence[Side], settings: Sequence[Setting]) -> dict[str, Any]:
    """One network's costs, its time in each setting, and its predicted time in the first."""
    cost = sides[0].cost
    cells = {"params": units.count(cost.params), "macs": units.count(cost.macs)}
    for side in sides:
        if side.predicted_s is not None:
            cells.setdefault("predicted", units.duration(side.predicted_s))
        if side.latency_s is not None:
            cells[f"time{settings.index(side.run_in)}"] = units.duration(side.latency_s)
    return {"name": f"  {sides[0].name}", **cells}


def _ratio(rows: Sequence[Comparison], settings: Sequence[Setting]) -> dict[str, Any]:
    """How many times less the second takes, in each setting."""
    first = rows[0]
    cells = {
        key: units.ratio(getattr(first.a.cost, key) / other)
        for key in ("params", "macs")
        if (other := getattr(first.b.cost, key))
    }
    for row in rows:
        place = settings.index(row.b.run_in)
        if row.predicted_speedup is not None:
            cells.setdefault("predicted", units.ratio(row.predicted_speedup))
        if row.measured is not None:
            cells[f"time{place}"] = marked(row.measured.median, row.verdict)
        found = {"verdict": row.verdict, **bounds("ci", row.measured)}
        cells[f"interval{place}"] = "failed" if row.failure else col.of_ratio(found)
    return {"name": "  times less", **cells}


def kept(rows: Sequence[Comparison], settings: Sequence[Setting]) -> list[str]:
    """How much of what the MACs promise each setting keeps, of the rows that it could time."""
    said = []
    for setting, name in names(settings).items():
        shares = [
            row.measured.median / row.macs_ratio
            for row in rows
            if row.b.run_in == setting
            if row.measured
            and row.macs_ratio
            and row.macs_ratio > 1
            and row.verdict is not Verdict.NOT_USABLE
        ]
        if shares:
            mean = math.exp(sum(map(math.log, shares)) / len(shares))
            said.append((mean, f"{name} {units.percent(mean)}", len(shares)))
    if not said:
        return []
    said.sort(reverse=True)
    numbers = {number for *_, number in said}
    if len(numbers) > 1:  # means of other rows are no comparison
        return []
    (number,) = numbers
    of = f" (geometric means of {number} rows)" if number > 1 else ""
    return [f"Of the speed-up that MACs promise: {', '.join(text for _, text, _ in said)}{of}"]
