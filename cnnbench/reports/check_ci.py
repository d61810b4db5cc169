"""What `cnnbench check` found, as CI systems read it: annotations and test cases."""

from __future__ import annotations

from collections.abc import Sequence

from cnnbench.guard.finding import IMPROVEMENTS, Finding, Status
from cnnbench.reports.check import rows_of, signed
from cnnbench.reports.formats.github import Annotation, Level
from cnnbench.reports.formats.junit import Case


def _summary(finding: Finding) -> str:
    """`MACs 214 M → 278 M (+30%), limit 214 M: over tolerance`."""
    if finding.metric is None or finding.current is None:
        return finding.reason or str(finding.status)
    (row,) = rows_of([finding])
    was = f"{row['baseline']} → " if finding.baseline is not None else ""
    change = f" ({row['change']})".replace("\n", " ") if row["change"] else ""
    limit = f", limit {row['limit']}" if row["limit"] else ""
    return f"{finding.metric.words} {was}{row['current']}{change}{limit}: {finding.status}"


def _cause(finding: Finding) -> str:
    """`features.7.conv conv2d 3x3 128→160, 28x28x160: +12.5 M MACs (reshaped)`; empty for none."""
    if finding.metric is None or not finding.layers:
        return ""
    first, *rest = finding.layers
    what = f"{first.layer or 'the network'} {first.after or first.before}"
    plural = "s" if len(rest) > 1 else ""
    more = f", and {len(rest)} more layer{plural}" if rest else ""
    difference = signed(first.difference, finding.metric)
    return f"{what}: {difference} {finding.metric.words} ({first.change}){more}"


def remarks(findings: Sequence[Finding], strict: bool) -> list[Annotation]:
    """One for each model and level: all its costs, and the layer that did most of the first."""
    found: dict[tuple[Level, str], list[Finding]] = {}
    for finding in findings:
        if finding.violates(strict) or finding.undecided(strict):
            level = Level.ERROR
        elif finding.status in (Status.IMPRECISE, Status.UNGUARDED, Status.UNSEALED):
            level = Level.WARNING
        elif finding.status in IMPROVEMENTS:
            level = Level.NOTICE
        else:
            continue
        found.setdefault((level, finding.label), []).append(finding)
    return [
        Annotation(
            level,
            f"cnnbench: {label}",
            tuple(filter(None, [*map(_summary, same), _first(same)])),
        )
        for (level, label), same in found.items()
    ]


def _first(findings: Sequence[Finding]) -> str:
    return next(filter(None, map(_cause, findings)), "")


def cases(findings: Sequence[Finding], strict: bool) -> list[Case]:
    """One test case a finding."""
    return [_case(finding, strict) for finding in findings]


def _case(finding: Finding, strict: bool) -> Case:
    metric = finding.metric
    text = "; ".join(filter(None, [_summary(finding), _cause(finding)]))
    fails = finding.violates(strict)
    details = tuple(
        f"{change.layer}  {change.change}  {change.before} → {change.after}  "
        f"{signed(change.difference, metric)}"
        for change in finding.layers
        if metric is not None
    )
    return Case(
        group=finding.label,
        name=str(metric or "baseline"),
        failure=text if fails else "",
        error=text if finding.undecided(strict) else "",
        skipped=finding.reason if finding.status in (Status.UNTIMED, Status.UNSEALED) else "",
        details=details,
    )
