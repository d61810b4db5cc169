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
from cnnbench.studies.choosing.trials import Trial
from cnnbench.studies.papers.accuracy import IMAGENET, TOP1, TOP5

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


ACCURACIES = (
    col.MODEL,
    Column("resolution", "px", str, left=True, under=True),
    Column("top1", "top-1"),
    Column("top5", "top-5"),
    *(col.PARAMS, col.MACS, col.PEAK),
    Column("protocol", "tested on", left=True),
    Column("source", "printed by", left=True, under=True),
)


def report_of_accuracies(found: Sequence[Trial]) -> Report:
    """One row a network and a way of testing it."""
    results = [one.record() for one in found]
    shown = [
        {
            **row,
            "top1": one.printed(TOP1),
            "top5": one.printed(TOP5),
            "protocol": row["protocol"]
            if one.dataset == IMAGENET
            else f"{one.dataset}, {row['protocol']}",
        }
        for one, row in zip(found, results, strict=True)
    ]
    return Report(
        command="published",
        results=results,
        tables=[Table(ACCURACIES, shown)],
        findings=[
            f"{units.number(len(found), 'row')}; those that were tested in unlike ways do not rank"
        ],
        notes=[
            "costs are those of one pass on one image of that side, counted here; several crops "
            "take as many passes",
            convention.FOOTER,
        ],
        environment=software(),
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
