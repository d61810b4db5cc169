"""Two runs side by side: what changed, as a table, as records, and as a page. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cnnbench import units
from cnnbench.counting.rules import convention
from cnnbench.harmless import line
from cnnbench.reports import columns as col
from cnnbench.reports.environment import software
from cnnbench.reports.page import Page, Section
from cnnbench.reports.report import Column, Report, Table
from cnnbench.reports.sweep.tables import facts
from cnnbench.reports.verdicts import marked
from cnnbench.sweeps import views
from cnnbench.sweeps.compare import RunChanges, changes, record
from cnnbench.sweeps.results import Result
from cnnbench.timing.samples.pairing import Verdict


def names(a: Path, b: Path) -> tuple[str, str]:
    """What the runs are called: their folders' names, or where those are alike their paths."""
    return (a.name, b.name) if a.name != b.name else (str(a), str(b))


def compared(
    first: Sequence[Result], second: Sequence[Result], a: str, b: str
) -> tuple[Report, Page]:
    """What changed from run a to run b."""
    found = changes(first, second)
    rows = [record(change) for change in found.rows]
    named = views.named([change.a for change in found.rows])
    shown = [_shown(row, named(change.a)) for row, change in zip(rows, found.rows, strict=True)]
    notes = _notes(found, rows, a, b)
    about = [
        (f"{name}: {term}", text)
        for name, run in ((a, first), (b, second))
        for term, text in facts(run)
    ]
    table = Table(_columns(rows, a, b), shown)
    report = Report(
        command="report",
        results=rows,
        tables=[table],
        findings=notes,
        notes=[*(f"{term}: {text}" for term, text in about), convention.FOOTER],
        environment={**software(), "a": a, "b": b},
    )
    page = Page(
        title=f"cnnbench: from {a} to {b}",
        lead=notes[:1],
        find=lambda: _sections(found, a, b),
        table=table,
        facts=about,
        notes=[*notes[1:], convention.FOOTER],
    )
    return report, page


def _sections(found: RunChanges, a: str, b: str) -> list[Section]:
    from cnnbench.reports.sweep.figures import of_changes  # which needs altair

    return of_changes(found.rows, a, b)


def _columns(rows: Sequence[dict[str, Any]], a: str, b: str) -> tuple[Column, ...]:
    """Counts, and where anything was timed its times; a line break in a heading is ours."""
    a, b = line(a), line(b)
    counts = (
        col.MODEL,
        Column("way", "batch", left=True, under=True),
        Column("macs_a", f"MACs\n{a}", units.count),
        Column("macs_b", b, units.count, under=True),
    )
    if all(row["latency_s_a"] is None and row["latency_s_b"] is None for row in rows):
        return counts
    return (
        *counts,
        Column("latency_s_a", f"latency\n{a}", units.duration),
        Column("latency_s_b", b, units.duration, under=True),
        Column("measured_speedup", "times\nas fast"),
        Column("interval", col.OF_RERUN, under=True),
        Column("verdict", "", left=True),
    )


def _shown(row: dict[str, Any], way: str) -> dict[str, Any]:
    failed = "failed" if row["failure_a"] or row["failure_b"] else None
    return {
        **row,
        "way": way.removeprefix("batch "),
        "measured_speedup": marked(row["measured_speedup"], row["verdict"]),
        "interval": col.of_ratio(row),
        "verdict": row["verdict"] or failed,
    }


def _notes(found: RunChanges, rows: Sequence[dict[str, Any]], a: str, b: str) -> list[str]:
    """Notes: how many changed, and what the intervals do not know."""
    verdicts = [row["verdict"] for row in rows if row["verdict"]]
    counts = ", ".join(
        f"{verdicts.count(verdict)} {verdict}" for verdict in Verdict if verdict in verdicts
    )
    recounted = sum(row["recounted"] for row in rows)
    lines = [
        f"{units.number(len(rows), 'configuration')} in both: "
        f"{counts or 'none timed often enough in both'} in {b}; "
        f"{recounted or 'none'} with other costs"
    ]
    alone = {a: found.only_a, b: found.only_b}
    lines += [f"{number} in {name} alone" for name, number in alone.items() if number]
    if verdicts:
        lines.append(
            "the two were not timed in the same rounds: the interval has the spread from run to "
            "run in it, as each run knew it"
        )
    return lines
