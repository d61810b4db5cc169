"""How claims read: what was promised, what was found, the verdict, how it comes about."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from cnnbench.counting.rules import convention
from cnnbench.devices.environment import Environment
from cnnbench.reports.environment import software, where
from cnnbench.reports.report import Column, Report, Table
from cnnbench.studies.papers.claims.study import Findings, record

_STYLES = {"confirmed": "green", "qualified": "yellow", "refuted": "red"}
TABLE = (
    Column("claim", "claim", left=True),
    Column("source", "source", left=True, under=True),
    Column("promised", "promised"),
    Column("shown", "found"),
    Column("verdict", "verdict", left=True, style=lambda verdict: _STYLES.get(verdict, "")),
)
DETAILED = (*TABLE, Column("threshold", "by", left=True), Column("detail", "in detail", left=True))


def report_of(done: Findings, about: Environment | None, seed: int, *, detailed: bool) -> Report:
    """The table, and how each verdict comes about: `detailed` in it, else below it."""
    results = [record(row) for row in done.rows]
    verdicts = Counter(row["verdict"] for row in results if row["verdict"])
    findings = [", ".join(f"{number} {verdict}" for verdict, number in verdicts.items())]
    if not detailed:
        shown = (row for row in results if row["detail"])
        findings += [f"{row['name']}: {row['detail']} ({row['threshold']})" for row in shown]
    findings += [f"{row['name']}: not found: {row['failure']}" for row in results if row["failure"]]
    if done.interrupted:
        findings.append("Interrupted: this is what was measured by then.")
    notes = []
    if about is not None:
        notes.append(f"timed on {where(about, ['float32'])}")
        notes.append(f"trainings and gradients ran on the CPU, from seed {seed} on")
    return Report(
        command="claims",
        results=results,
        records=[_flat(row) for row in results],
        tables=[Table(DETAILED if detailed else TABLE, results)],
        findings=findings,
        notes=[*notes, convention.FOOTER],
        environment={
            **software(),
            **(asdict(about) if about else {}),
            "seed": seed,
            "interrupted": done.interrupted,
        },
    )


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A record whose ranges have a cell for each end."""
    flat = dict(row)
    for key in ("confirms", "qualifies"):
        flat[f"{key}_from"], flat[f"{key}_to"] = flat.pop(key)
    return flat
