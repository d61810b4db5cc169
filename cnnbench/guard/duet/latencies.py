"""Latencies of the models of a configuration against another revision's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnbench import units
from cnnbench.counting.metrics import Metric
from cnnbench.errors import CnnbenchError, ConfigError
from cnnbench.guard import config as configs
from cnnbench.guard.config import Config, Guarded
from cnnbench.guard.costs import at_home
from cnnbench.guard.duet import revision as revisions
from cnnbench.guard.duet.pair import LOOKS, Duet, OfSide, Side, duet
from cnnbench.guard.duet.revision import Revision
from cnnbench.guard.finding import Finding, Status
from cnnbench.models import sources
from cnnbench.models.spec import SourceSpec
from cnnbench.timing.samples.reruns import again
from cnnbench.timing.session import Session
from cnnbench.timing.setting import check
from cnnbench.timing.workers.order import Job, Order
from cnnbench.timing.workers.origin import Origin, folders


@dataclass(frozen=True)
class _Base:
    """The base's files beside the clone's own, and what the base guarded itself.

    `within` is the configuration's folder in both.
    """

    clone: Path
    files: Path
    within: Path
    names: frozenset[str]

    def sides(self, guarded: Guarded, session: Session) -> tuple[Side, Side]:
        """What the workers of the base and of the working tree are to run."""
        within, given = folders(self.clone), guarded.given
        job = Job(
            guarded.name, None if given is None else given.plain(), guarded.setting, traced=True
        )

        def side(top: Path, **more: str) -> Side:
            order = Order(
                folder=str(top / self.within),
                paths=tuple(str(top / path) for path in within),
                device=str(session.machine.device),
                threads=session.machine.threads.number,
                seed=session.rule.seed,
                origin=Origin(str(top), **more),
            )
            return Side(order, job)

        base = side(self.files, other=str(self.clone), temporary=str(self.files.parent))
        return base, side(self.clone)


def latencies(
    config: Config, chosen: Sequence[Guarded], against: str, session: Session
) -> tuple[Revision, list[Finding]]:
    """Time each model of the working tree against the commit at which it left `against`.

    The session's `max_time` is for each of them; it ends sooner where its limit is decided.

    RevisionError where git does not know it; a model that cannot be timed is a finding that says
    why.
    """
    clone = revisions.top(config.folder)
    revision = revisions.resolve(clone, against)
    within = config.folder.relative_to(clone)
    found = []
    with revisions.files_of(clone, revision) as files:
        base = _Base(clone, files, within, _guarded_at(files / within / config.file.name))
        for guarded in chosen:
            try:
                found.append(_timed(guarded, base, session))
            except CnnbenchError as error:
                found.append(_finding(guarded, Status.UNKNOWN, reason=str(error)))
    return revision, found


def _timed(guarded: Guarded, base: _Base, session: Session) -> Finding:
    spec = guarded.spec
    whose = sources.source_of(spec).library if isinstance(spec, SourceSpec) else "cnnbench"
    if not isinstance(spec, SourceSpec) or whose:
        reason = f"it comes with {whose}, which is the same for both revisions"
        return _finding(guarded, Status.UNTIMED, reason=reason)
    check(guarded.setting, session.machine.device)
    if Path(spec.source).is_absolute():
        reason = f"{spec.source} is the same file for both; name it from the configuration's folder"
        return _finding(guarded, Status.UNKNOWN, reason=reason)
    if not (base.files / base.within).is_dir():
        return _absent(guarded, base, f"there is no folder {base.within}")
    with at_home(base.clone / base.within):
        sources.source_of(spec).find(spec)  # which tells where its modules are
    try:
        done = duet(
            *base.sides(guarded, session),
            limit=guarded.max_latency_ratio,
            max_time=session.rule.max_time,
            say=lambda text: session.progress.say(f"{guarded.label}: {text}"),
        )
    except OfSide as error:
        if not error.new:
            raise
        return _absent(guarded, base, str(error))
    return _finding(
        guarded,
        done.status,
        baseline=done.base_s,
        current=done.head_s,
        layers=done.layers,
        ratio=done.ratio.median,
        ci_low=_finite(again(done.ratio).low),
        ci_high=_finite(again(done.ratio).high),
        run_low=_finite(done.ratio.low),
        run_high=_finite(done.ratio.high),
        pairs=done.pairs,
        reason=_reason(done, session.rule.max_time),
    )


def _finite(bound: float) -> float | None:
    """A bound; None where so few pairs have none."""
    return bound if 0 < bound < math.inf else None


def _reason(done: Duet, seconds: float) -> str:
    """What a person must know beside the ratio."""
    if done.status is Status.SLOWER and not done.layers:
        return "its layers cannot be timed one by one"
    if done.status is not Status.IMPRECISE:
        return ""
    plural = "" if done.pairs == 1 else "s"
    took = f"{done.pairs} pair{plural} of processes in {units.duration(seconds)}"
    if done.pairs < LOOKS[0]:
        return f"{took}, of {LOOKS[0]} at least; raise --max-time"
    return f"{took} do not decide; raise --max-time"


def _absent(guarded: Guarded, base: _Base, reason: str) -> Finding:
    """A model that the base has not: new, unless the base guarded it already."""
    known = guarded.name in base.names
    status = Status.UNKNOWN if known else Status.UNTIMED
    return _finding(guarded, status, reason=reason if known else f"new; {reason}")


def _guarded_at(file: Path) -> frozenset[str]:
    """The names that a revision's own configuration guards; none where it has no such."""
    try:
        return frozenset(guarded.name for guarded in configs.read(file).model)
    except ConfigError:
        return frozenset()


def _finding(guarded: Guarded, status: Status, **more: Any) -> Finding:
    return Finding.of(guarded, Metric.LATENCY, status, limit=guarded.max_latency_ratio, **more)
