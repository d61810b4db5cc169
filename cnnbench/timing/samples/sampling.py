"""Rounds of samples: every entry once a round, in random order, so that drift hits all alike."""

from __future__ import annotations

import gc
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cnnbench.errors import CnnbenchError
from cnnbench.models.foreign import forgotten
from cnnbench.progress import SILENT, Progress
from cnnbench.timing.samples import statistics
from cnnbench.timing.session import StopRule

SHORTEST_S = 1e-3  # of a sample, so that the clock's own grain does not show
FIRST_LOOK = 8  # samples; then twice as many each time
_LAZY_CALLS = 3
_AGREE = 0.05  # of two halves of a warm-up
_WARM_UP_S = 1.0

Rows = NDArray[np.float64]  # [rounds, entries], seconds of one forward pass


class Entry(Protocol):
    """What can be timed."""

    def seconds(self, repeats: int, counts: bool = True) -> float:
        """Seconds of that many passes; CnnbenchError where one fails.

        Those that do not count warm up.
        """
        ...


@dataclass(frozen=True)
class Rounds:
    """What was measured: raw seconds by round, the team of each round, and how it ended.

    An entry that failed has its reason in `failures` and no rows that count.
    """

    rows: Rows
    repeats: tuple[int, ...]
    converged: bool
    interrupted: bool = False
    seconds: float = 0.0
    failures: dict[int, CnnbenchError] = field(default_factory=dict)
    teams: tuple[int, ...] = ()

    def raise_failure(self) -> None:
        """Raise the first entry's error where one failed."""
        for failure in self.failures.values():
            raise failure


Width = Callable[[Rows], float]  # of the widest interval that matters, as a share


def widest(rows: Rows) -> float:
    """The widest interval of an entry's median, relative to it; of no entries, 0."""
    return max((statistics.interval(column).precision for column in rows.T), default=0.0)


def looks() -> Iterator[int]:
    """Numbers of samples at which to look whether it is enough.

    Looking after every sample would stop at a lucky one: with looks at doubled numbers alone the
    interval keeps its 95%, which a simulation in the tests holds.
    """
    number = FIRST_LOOK
    while True:
        yield number
        number *= 2


def take(
    teams: Sequence[Sequence[Entry]],
    plan: StopRule,
    *,
    width: Width = widest,
    progress: Progress = SILENT,
) -> Rounds:
    """Warm up and sample in rounds until every interval is within the precision, or time is up.

    `teams` are the same entries in several processes: each round is one team's, and they take
    turns in random order. An entry that fails leaves the rounds, the others go on. Ctrl-C ends it
    with the rounds so far.
    """
    failures: dict[int, CnnbenchError] = {}
    number = len(teams[0])
    repeats = [1] * number
    rows: list[list[float]] = []
    turns: list[int] = []
    converged = interrupted = False
    start = perf_counter()
    try:
        limit = min(_WARM_UP_S, plan.max_time / 5) / len(teams)
        for index in range(number):
            progress.rounds(0, 0.0, None, None)
            with _noted(failures, index):
                repeats[index] = max(warm_up(team[index], limit) for team in teams)
        start = perf_counter()
        with _no_garbage():
            converged = _rounds(teams, plan, width, progress, repeats, rows, turns, failures)
    except KeyboardInterrupt:
        interrupted = True
    taken = np.array(rows, dtype=float).reshape(len(rows), number)
    seconds = perf_counter() - start
    whose = tuple(turns[: len(rows)])
    return Rounds(taken, tuple(repeats), converged, interrupted, seconds, failures, whose)


def _rounds(
    teams: Sequence[Sequence[Entry]],
    plan: StopRule,
    width: Width,
    progress: Progress,
    repeats: list[int],
    rows: list[list[float]],
    turns: list[int],
    failures: dict[int, CnnbenchError],
) -> bool:
    """Append rounds to `rows` until it has converged, or time is up; return which."""
    order = random.Random(plan.seed)
    number = len(repeats)
    alive = [index for index in range(number) if index not in failures]
    limit = plan.max_time * len(alive)
    look = looks()
    next_look, narrowest, median = next(look), None, None
    start = perf_counter()
    while alive:
        if len(turns) == len(rows):
            turns += order.sample(range(len(teams)), len(teams))
        entries = teams[turns[len(rows)]]
        row = [math.nan] * number
        order.shuffle(alive)
        for index in tuple(alive):
            with _noted(failures, index):
                if (
                    len(alive) > 1 or len(teams) > 1
                ):  # none pays for what another has left in the caches
                    entries[index].seconds(1, False)
                row[index] = entries[index].seconds(repeats[index]) / repeats[index]
            if index in failures:
                alive.remove(index)
        rows.append(row)
        spent = perf_counter() - start
        if number == 1 and alive and len(rows) in (*range(1, FIRST_LOOK), next_look):
            median = float(np.median(rows))
        if alive and len(rows) == next_look:
            next_look = next(look)
            narrowest = width(np.array(rows)[:, sorted(alive)])
            gc.collect()
        progress.rounds(len(rows), spent, narrowest, median)
        if narrowest is not None and narrowest <= plan.precision:
            return True
        if spent >= limit:
            return False
    return False


def warm_up(entry: Entry, limit: float) -> int:
    """Run until the later half of the runs takes as long as the earlier; at most `limit` seconds.

    The first calls choose algorithms and take memory, and do not count. Returns how often a sample
    must repeat the pass to be long enough for the clock.
    """
    start = perf_counter()
    taken = [entry.seconds(1, False) for _ in range(2)]
    while len(taken) < _LAZY_CALLS and perf_counter() - start < limit:
        taken.append(entry.seconds(1, False))
    del taken[:-1]
    while perf_counter() - start < limit:
        taken.append(entry.seconds(1, False))
        if len(taken) < FIRST_LOOK or len(taken).bit_count() > 1:
            continue
        earlier, later = map(np.median, statistics.halves(np.array(taken)))
        if earlier > 0 and later > 0 and abs(math.log(later / earlier)) <= _AGREE:
            break
    usual = float(np.median(taken[len(taken) // 2 :]))
    return max(1, math.ceil(SHORTEST_S / usual)) if usual > 0 else 1


@contextmanager
def _noted(failures: dict[int, CnnbenchError], index: int) -> Iterator[None]:
    try:
        yield
    except CnnbenchError as error:
        failures[index] = forgotten(error)


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Keep the collector from running inside a sample."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
