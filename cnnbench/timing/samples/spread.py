"""Why times of one network differ: within a process, between processes, and by the allocator."""

from __future__ import annotations

import math
from contextlib import closing, suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cnnbench.errors import CnnbenchError
from cnnbench.roofline.profile import Spread
from cnnbench.timing.lineup import order
from cnnbench.timing.samples.sampling import take
from cnnbench.timing.session import Session, StopRule
from cnnbench.timing.setting import Setting
from cnnbench.timing.workers.crew import Crew
from cnnbench.timing.workers.order import Job

MODEL = "mobilenet_v2"
_PINNED, _OTHERS = 4, 2  # workers with our allocator's settings, and with the system's
_SECONDS = 6.0
NEVER = 1e-9  # a precision that no sample reaches
_DEVIATION = 1.4826  # a normal distribution's standard deviation over its median deviation
_OF_MEDIAN = math.pi / 2  # variance of a median over that of a mean


def spread(session: Session) -> Spread | None:
    """Standard deviations by source, as shares of the time; None where workers are not used."""
    if not session.rule.processes:
        return None
    session.progress.say(f"timing {MODEL} in {_PINNED + _OTHERS} processes")
    ours, device = order(session), session.machine.device
    theirs, job = replace(ours, pinned=False), Job(MODEL, None, Setting())
    rule = StopRule(NEVER, _SECONDS)
    with (
        suppress(CnnbenchError),
        closing(Crew(ours, device, _PINNED)) as pinned,
        closing(Crew(theirs, device, _OTHERS)) as usual,
    ):
        first, second = pinned.prepare(job), usual.prepare(job)
        teams = [*pinned.teams([first]), *usual.teams([second])]
        session.progress.say("")
        sampled = take(teams, rule, progress=session.progress)
        sampled.raise_failure()
        if sampled.interrupted:
            raise KeyboardInterrupt
        whose, logs = np.array(sampled.teams), np.log(sampled.rows[:, 0])
        columns = [logs[whose == team] for team in range(len(teams))]
        own, other = columns[: len(pinned.members)], columns[len(pinned.members) :]
        return Spread(
            model=MODEL,
            processes=len(own),
            rounds=len(logs),
            within=(within := _within(own)),
            between=_between(own, within),
            allocator=float(np.exp(np.mean(_medians(other)) - np.mean(_medians(own)))),
            page_faults=first.passes.each(first.passes.page_faults),
            page_faults_usual=second.passes.each(second.passes.page_faults),
        )
    return None


def _medians(columns: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.array([np.median(column) for column in columns])


def _within(columns: list[NDArray[np.float64]]) -> float:
    """Standard deviation of a pass's logarithm within a process, by the median deviation."""
    return float(np.mean([_DEVIATION * np.median(np.abs(one - np.median(one))) for one in columns]))


def _between(columns: list[NDArray[np.float64]], within: float) -> float:
    """Standard deviation of processes beyond what their own passes explain; at least 0."""
    number = sum(map(len, columns)) / len(columns)
    beyond = float(np.var(_medians(columns), ddof=1)) - _OF_MEDIAN * within**2 / number
    return math.sqrt(max(0.0, beyond))
