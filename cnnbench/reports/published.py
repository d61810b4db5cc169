"""How the papers' figures read beside the counted ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnbench import units
from cnnbench.counting.metrics import Metric
from cnnbench.counting.rules import convention
from cnnbench.reports import columns as col
from cnnbench.reports.environment import software
from cnnbench.reports.report import Column, Report, Table

TABLE = (
    col.MODEL,
    Column("resolution", "px", str, left=True, under=True),
    Column("metric", "figure", lambda value: Metric(value).words, left=True),
    Column("printed", "published"),
    Column("counted", "counted", units.exact),
    Column("difference", "difference", units.difference),
    Column("met", "", style=lambda value: "green" if value == "✓" else "yellow"),
    Column("source", "source", left=True),
)


def report_of(rows: Sequence[dict[str, Any]]) -> Report:
    """One row a figure; below the table stands why those that are not met differ."""
    met = sum(row["agrees"] for row in rows)
    told = dict.fromkeys(
        f"{row['model']}, {Metric(row['metric']).words} {row['printed']}: {row['note']}"
        for row in rows
        if not row["agrees"]
    )
    return Report(
        command="published",
        results=list(rows),
        tables=[Table(TABLE, [{**row, "met": "✓" if row["agrees"] else "≠"} for row in rows])],
        findings=[f"{met} of {units.number(len(rows), 'figure')} met as printed (✓)", *told],
        notes=[convention.FOOTER],
        environment=software(),
    )
