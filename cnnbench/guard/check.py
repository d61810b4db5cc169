"""Compare what models cost now with what was recorded, and with what they may cost at most."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from cnnbench import units
from cnnbench.counting.metrics import STATIC, Metric
from cnnbench.devices.machine import Machine
from cnnbench.errors import BaselineError, CnnbenchError
from cnnbench.guard import baseline as baselines
from cnnbench.guard import config as configs
from cnnbench.guard.baseline import RECORD, Baseline
from cnnbench.guard.changes import Pair, changes, pairs
from cnnbench.guard.config import Config, Guarded
from cnnbench.guard.costs import Costs, Layer, at_home, count_guarded
from cnnbench.guard.duet.latencies import latencies
from cnnbench.guard.finding import Finding, Status
from cnnbench.progress import SILENT, Progress
from cnnbench.timing.session import Session, StopRule

_UNSEALED = f"recorded by an older cnnbench, so a change by hand is not seen; record it: {RECORD}"
_UNGUARDED = "in the baseline, but no longer guarded; record that"


def check(
    config: str | Path | None = None,
    *,
    only: str | Sequence[str] = (),
    strict: bool = False,
    against: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    max_time: float = 120.0,
) -> list[Finding]:
    """Check the costs of the models that `config` guards; return what violates.

    `config` is a pyproject.toml or cnnbench.toml, by default the nearest one here or above; `only`
    names some of its models. `strict` also returns what fell without being recorded. `against` is
    a git revision with which latencies are compared, each for at most `max_time` seconds.
    CnnbenchError where it cannot be told. It prints nothing itself; what has been imported of a
    network stays imported, so that a change of its code needs a new process.
    """
    rule = StopRule(max_time=max_time)
    if against is None and (device is not None or threads is not None):
        raise CnnbenchError("device and threads are for timing; give against=REVISION, too")
    found = configs.find(Path(config) if config is not None else None)
    chosen = found.chosen([only] if isinstance(only, str) else list(only))
    findings = static(found, chosen, whole=not only)
    if against is not None:
        session = Session(Machine.find(device, threads), rule)
        findings += latencies(found, chosen, against, session)[1]
    raise_unknown(findings, strict)
    return [finding for finding in findings if finding.violates(strict)]


def raise_unknown(findings: Iterable[Finding], strict: bool) -> None:
    """CnnbenchError for what cannot be told; to a strict check that is imprecision, too."""
    found = [finding for finding in findings if finding.undecided(strict)]
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise CnnbenchError(_named(found[0].label, found[0].reason) + more)


def _named(label: str, reason: str) -> str:
    """The reason behind the label, unless it begins with it."""
    return reason if reason.startswith(label) else f"{label}: {reason}"


def static(
    config: Config, chosen: Sequence[Guarded], *, whole: bool, progress: Progress = SILENT
) -> list[Finding]:
    """Every static cost of the chosen models; `whole` also what only the baseline still has.

    BaselineError where there is no baseline that can be trusted.
    """
    recorded, name = baselines.read(config.baseline_file), config.baseline
    findings: list[Finding] = []
    if not recorded.digest:
        findings.append(Finding(name, name, None, Status.UNSEALED, reason=_UNSEALED))
    with at_home(config.folder):
        for guarded in chosen:
            progress.say(f"counting {guarded.label}")
            findings += _of_model(config, guarded, recorded)
    if whole:
        known = {guarded.label for guarded in config.model}
        findings += [
            Finding(label, label, None, Status.UNGUARDED, reason=f"{_UNGUARDED}: {RECORD}")
            for label in recorded.models
            if label not in known
        ]
    return findings


def _of_model(config: Config, guarded: Guarded, recorded: Baseline) -> list[Finding]:
    label = guarded.label
    before = recorded.models.get(label)
    try:
        now = count_guarded(guarded)
    except CnnbenchError as error:
        return [Finding.of(guarded, None, Status.UNKNOWN, reason=str(error))]
    reason = _incomparable(config, label, before, now)
    if before is None or reason:
        over = [_over(guarded, metric, now) for metric in STATIC]
        unknown = Finding.of(guarded, None, Status.UNKNOWN, reason=reason)
        return [unknown, *(finding for finding in over if finding)]
    paired = pairs(before.layers, now.layers) if before.layers != now.layers else []
    found = [_compared(config, guarded, metric, before, now) for metric in STATIC]
    reason = _versions(recorded)
    return [
        finding
        if finding.status is Status.UNCHANGED
        else replace(_with_layers(finding, before, now, paired), reason=reason)
        for finding in found
    ]


def _versions(recorded: Baseline) -> str:
    """What may have changed beside the network; empty for nothing."""
    then, now = (
        f"cnnbench {one.cnnbench} and torch {one.torch}" for one in (recorded, Baseline(models={}))
    )
    return "" if then == now else f"recorded with {then}, counted with {now}"


def _incomparable(config: Config, label: str, before: Costs | None, now: Costs) -> str:
    """Why two counts cannot be compared, and what to type; empty where they can."""
    mend = f"record it: {RECORD} --only '{label}'"
    if before is None:
        return f"not in {config.baseline_file.name} yet; {mend}"
    if (before.input, before.dtype) != (now.input, now.dtype):
        inputs = " ".join(units.shape(tuple(shape)) for shape in before.input)
        return f"recorded with an input of {inputs} {before.dtype}, which has changed; {mend}"
    if now.uncounted != before.uncounted:
        names = ", ".join(now.uncounted) or "none any more"
        return f"operators that the convention does not know have changed ({names}); {mend}"
    return ""


def _over(guarded: Guarded, metric: Metric, now: Costs) -> Finding | None:
    """A cost over the limit that has nothing to do with a baseline."""
    value = now.value(metric)
    if (limit := guarded.exceeded(metric, value)) is None:
        return None
    return Finding.of(guarded, metric, Status.OVER, current=value, limit=limit)


def _compared(
    config: Config, guarded: Guarded, metric: Metric, before: Costs, now: Costs
) -> Finding:
    was, value = before.value(metric), now.value(metric)
    limit = config.tolerated(guarded, metric).limit(was)
    if (most := guarded.exceeded(metric, value)) is not None:
        status, limit = Status.OVER, most
    elif value == was:
        status = Status.UNCHANGED
    elif not config.holds(guarded, metric):
        status = Status.UNHELD
    elif value < was:
        status = Status.FELL
    else:
        status = Status.ROSE if value > limit else Status.TOLERATED
    return Finding.of(guarded, metric, status, baseline=was, current=value, limit=limit)


def _with_layers(finding: Finding, before: Costs, now: Costs, paired: Sequence[Pair]) -> Finding:
    """The finding with the layers that changed its cost; of a peak, those that reach it."""
    metric = finding.metric
    assert metric is not None
    was, value = before.value(metric), now.value(metric)
    if was == value:
        return finding

    def cost(layer: Layer) -> int:
        return layer.value(metric)

    found = changes(paired, cost, cost, rising=value > was)
    if metric is Metric.PEAK:
        found = [c for c in found if max(c.baseline, c.current) > min(was, value)]
    return replace(finding, layers=tuple(found))


def record(
    config: Config, chosen: Sequence[Guarded], *, whole: bool, progress: Progress = SILENT
) -> tuple[Baseline, dict[str, str]]:
    """Count the chosen models anew; others of the baseline stay, where not the `whole` is meant.

    A model that cannot be counted keeps what is recorded of it; with the baseline comes why not,
    by label. BaselineError where none can be counted, or what should stay cannot be read.
    """
    recorded, failures = {}, {}
    if config.baseline_file.exists():
        # One that cannot be read is recorded anew, where nothing of it is to stay.
        with contextlib.suppress(BaselineError) if whole else contextlib.nullcontext():
            recorded = baselines.read(config.baseline_file).models
    stay = set() if whole else {guarded.label for guarded in config.model}
    kept = {label: costs for label, costs in recorded.items() if label in stay}
    with at_home(config.folder):
        for guarded in chosen:
            progress.say(f"counting {guarded.label}")
            try:
                kept[guarded.label] = count_guarded(guarded)
            except CnnbenchError as error:
                failures[guarded.label] = _named(guarded.label, str(error))
                if guarded.label in recorded:
                    kept[guarded.label] = recorded[guarded.label]
    if len(failures) == len(chosen):
        raise BaselineError(f"{'; '.join(failures.values())}; nothing is recorded")
    return Baseline(models=kept), failures
