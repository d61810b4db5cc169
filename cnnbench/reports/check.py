"""What `cnnbench check` found, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from cnnbench import units
from cnnbench.counting.metrics import Metric
from cnnbench.guard.baseline import RECORD
from cnnbench.guard.changes import LayerChange
from cnnbench.guard.duet.revision import Revision
from cnnbench.guard.finding import IMPROVEMENTS, QUIET, VIOLATIONS, Finding, Status
from cnnbench.reports.environment import software
from cnnbench.reports.report import Column, Report, Table

_MOST = 10  # layers of a table


def _style(status: Any) -> str:
    if status in VIOLATIONS:
        return "bold red"
    if status is Status.IMPRECISE:
        return "yellow"
    return "green" if status in IMPROVEMENTS else ""


SUMMARY = (
    Column("words", "cost", left=True),
    Column("baseline", "baseline"),
    Column("current", "current"),
    Column("change", "change"),
    Column("limit", "limit"),
    Column("status", "status", left=True, style=_style),
)
LAYERS = (
    Column("layer", "layer", left=True),
    Column("change", "", left=True, under=True),
    Column("before", "before", left=True),
    Column("after", "after", left=True, under=True),
    Column("baseline", "baseline"),
    Column("current", "current", under=True),
    Column("difference", "difference"),
)


def report_of(findings: Sequence[Finding], revision: Revision | None) -> Report:
    """All of it: every finding for programs, for people what is not as it was."""
    shown = [f for f in findings if f.status not in QUIET or _timed(f)]
    tables = []
    for label in dict.fromkeys(finding.label for finding in shown):
        same = [finding for finding in shown if finding.label == label]
        if rows := rows_of([finding for finding in same if finding.current is not None]):
            tables += [Table(SUMMARY, rows, label), *_layer_tables(same)]
    return Report(
        command="check",
        results=list(map(_result, findings)),
        records=list(map(_record, findings)),
        tables=tables,
        findings=_notes(findings, revision),
        environment={**software(), "against": str(revision) if revision else None},
    )


def _timed(finding: Finding) -> bool:
    return finding.metric is Metric.LATENCY


def _result(finding: Finding) -> dict[str, Any]:
    record = {**asdict(finding), "change": finding.change}
    layers = [{**asdict(c), "difference": c.difference} for c in finding.layers]
    return {**record, "layers": layers}


def _record(finding: Finding) -> dict[str, Any]:
    """A line of CSV, with the layers by name."""
    names = " ".join(change.layer for change in finding.layers)
    return {**_result(finding), "layers": names}


def rows_of(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The cells of findings that have a cost; every digit where fewer would look the same."""
    exact = any(map(_looks_the_same, findings))
    return [_row(finding, exact and not _timed(finding)) for finding in findings]


def _looks_the_same(finding: Finding) -> bool:
    """Whether two different values of a cost read alike when they are rounded."""
    if finding.metric is None or _timed(finding):
        return False
    values = {v for v in (finding.baseline, finding.current, finding.limit) if v is not None}
    return len(set(map(finding.metric.show, values))) < len(values)


def _row(finding: Finding, exact: bool) -> dict[str, Any]:
    metric = finding.metric
    assert metric is not None
    show = _exact if exact else metric.show
    row: dict[str, Any] = {"words": metric.words, "status": finding.status}
    for key in ("baseline", "current", "limit"):
        value = getattr(finding, key)
        row[key] = "" if value is None else show(value)
    if finding.ratio is not None:
        row["limit"] = "" if finding.limit is None else units.ratio(finding.limit)
        row["change"] = _interval(finding)
    else:
        row["change"] = "" if finding.change is None else units.difference(finding.change)
    return row


def _exact(value: float) -> str:
    return units.exact(int(value))


def _interval(finding: Finding) -> str:
    """A ratio with its bounds below: 1.080x, [1.060, 1.110]."""
    ends = (finding.run_low, finding.run_high)
    low, high = ("?" if end is None else f"{end:.3f}" for end in ends)
    return f"{finding.ratio:.3f}x\n[{low}, {high}]"


def _layer_tables(findings: Sequence[Finding]) -> list[Table]:
    """The layers of a model, by what they can be ranked by: work, peak memory, latency.

    Of work, the first cost that rose stands for all.
    """
    tables = []
    seen: set[Metric | None] = set()
    for finding in sorted(findings, key=lambda finding: finding.status not in VIOLATIONS):
        metric = finding.metric
        ranked = metric if metric in (Metric.PEAK, Metric.LATENCY) else None  # the rest go together
        if not finding.layers or metric is None or ranked in seen:
            continue
        seen.add(ranked)
        rows = [_layer_row(change, metric) for change in finding.layers[:_MOST]]
        number = len(finding.layers)
        few = f", the first {_MOST} of {number}" if number > _MOST else ""
        tables.append(Table(LAYERS, rows, f"{metric.words} by layer{few}"))
    return tables


def _layer_row(change: LayerChange, metric: Metric) -> dict[str, Any]:
    return {
        "layer": change.layer or "the network",
        "change": str(change.change),
        "before": change.before,
        "after": change.after if change.after != change.before else "the same",
        "baseline": metric.show(change.baseline),
        "current": metric.show(change.current),
        "difference": signed(change.difference, metric),
    }


def signed(difference: float, metric: Metric) -> str:
    """A difference with its sign: +12.5 M."""
    return f"{'+' if difference > 0 else '-'}{metric.show(abs(difference))}"


def _notes(findings: Sequence[Finding], revision: Revision | None) -> list[str]:
    """Why something cannot be told or was not done, how many were checked, what to type."""
    reasons: dict[str, list[str]] = {}
    for finding in findings:
        if finding.reason:
            reasons.setdefault(finding.reason, []).append(finding.label)
    notes = [f"{_named(dict.fromkeys(same))}: {reason}" for reason, same in reasons.items()]
    checked = {f.label for f in findings if f.metric is not None or f.status is Status.UNKNOWN}
    changed = {f.label for f in findings if f.change and not _timed(f)}
    plural = "" if len(checked) == 1 else "s"
    notes.append(f"{len(checked)} model{plural} checked, {len(changed) or 'none'} with other costs")
    for label in dict.fromkeys(f.label for f in findings if f.status is Status.UNHELD):
        same = [f for f in findings if f.label == label and f.status is Status.UNHELD]
        costs = ", ".join(
            f"{f.metric.words} {units.difference(f.change or 0)}" for f in same if f.metric
        )
        notes.append(f"{label}: changed, but not guarded: {costs}")
    if revision is not None:
        notes.append(f"latency: ratio of the working tree's to that of {revision}")
    recordable = [
        finding.label
        for finding in findings
        if finding.status in (Status.ROSE, Status.FELL) and not _timed(finding)
    ]
    if any(finding.status is Status.OVER for finding in findings):
        notes.append(
            "over limit: above what max_… in the configuration allows; a new baseline does not help"
        )
    if names := list(dict.fromkeys(recordable)):
        only = f" --only '{names[0]}'" if len(names) == 1 < len(checked) else ""
        notes.append(f"If this is intended, run '{RECORD}{only}' and commit the file.")
    return notes


def _named(labels: Iterable[str]) -> str:
    first, *rest = labels
    return first + (f" and {len(rest)} more" if rest else "")
