"""Two revisions of a network timed against each other: pairs of processes, interleaved in rounds.

A process keeps what it got by chance for as long as it runs: where its memory lies, which
algorithm it chose. So one pair of processes gives one ratio, and the verdict is on several.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from cnnbench.counting.totals import TRACE
from cnnbench.errors import InputError
from cnnbench.guard.changes import LayerChange, changes, pairs
from cnnbench.guard.costs import Layer, layers
from cnnbench.guard.finding import Status
from cnnbench.timing.by_layer.by_operator import Medians
from cnnbench.timing.samples.pairing import ratio, widest
from cnnbench.timing.samples.sampling import Rounds, take
from cnnbench.timing.samples.statistics import Interval
from cnnbench.timing.session import StopRule
from cnnbench.timing.workers.conditions import decided
from cnnbench.timing.workers.order import Job, Order
from cnnbench.timing.workers.remote import RemoteEntry, WorkerError, started

# Pairs of processes after which to look. At Pocock's level for five looks, the interval of the
# median ratio leaves out 0, 1, 3, 5 and 8 pairs at either end: one pair that was disturbed makes
# the first look undecided, and does not decide a later one. A look has the most power for its
# pairs just where the interval may leave out one more.
LOOKS = (7, 11, 17, 23, 31)
BETWEEN = "(between its layers)"
_PAIR_S = 0.5  # of sampling, for each of a pair
_PAIR_PRECISION = 0.01
_LAYERS = StopRule(precision=0.05, max_time=1.0, processes=0)
_NOISE = 0.1  # of the largest difference of a layer


class OfSide(InputError):
    """What a side cannot do; `new` tells that the base has no such network."""

    def __init__(self, error: WorkerError, *, new: bool) -> None:
        """The worker's own words."""
        super().__init__(str(error))
        self.new = new


@dataclass(frozen=True)
class Side:
    """One revision's worker, and the network that it is to run."""

    order: Order
    job: Job

    @property
    def is_base(self) -> bool:
        """Whether it is the other revision, not the working tree."""
        return self.order.origin is not None and self.order.origin.other is not None


@dataclass(frozen=True)
class Duet:
    """What came of it: the base's and the head's median seconds, the ratio head / base by pairs."""

    status: Status
    ratio: Interval
    pairs: int
    base_s: float
    head_s: float
    layers: tuple[LayerChange, ...] = ()


def verdict(ratios: Sequence[float], limit: float) -> tuple[Status, Interval]:
    """What the ratios of pairs say: slower where their interval lies above the limit.

    Indistinguishable where it holds 1 and lies below the limit; a ratio that is told from 1 and
    within the limit is tolerated, or faster.
    """
    found = ratio(ratios, np.ones(len(ratios)))
    if found.low > limit:
        return Status.SLOWER, found
    if found.high > limit:
        return Status.IMPRECISE, found
    if found.holds(1.0):
        return Status.INDISTINGUISHABLE, found
    return (Status.FASTER if found.high < 1 else Status.TOLERATED), found


def duet(base: Side, head: Side, limit: float, max_time: float, say: Callable[[str], None]) -> Duet:
    """Time head against base until the limit is decided, for at most `max_time` seconds.

    OfSide where either cannot be run, WorkerError where it fails later.
    """
    order = random.Random(head.order.seed)
    start = perf_counter()
    seconds: list[tuple[float, float]] = []  # of the base and of the head, a pair each
    status, found = Status.IMPRECISE, Interval(math.nan, 0.0, math.inf)
    while True:
        say(_progress(len(seconds), found))
        seed = head.order.seed + len(seconds)
        seconds.append(_pair(base, head, order, seed))
        spent = perf_counter() - start
        late = spent + spent / len(seconds) > max_time
        if len(seconds) in LOOKS or late:
            status, found = verdict([b / a for a, b in seconds], limit)
        if status is not Status.IMPRECISE or late or len(seconds) == LOOKS[-1]:
            break
    changed: tuple[LayerChange, ...] = ()
    if status is Status.SLOWER:
        say("looking for the layer")
        with contextlib.suppress(InputError):  # that it is slower is known without
            changed = _layers(base, head, order)
    base_s, head_s = (float(np.median(side)) for side in zip(*seconds, strict=True))
    return Duet(status, found, len(seconds), base_s, head_s, changed)


def _progress(done: int, found: Interval) -> str:
    so_far = f", {found.low:.3f} … {found.high:.3f}" if found.high < math.inf else ""
    return f"pair {done + 1}{so_far}"


def _pair(base: Side, head: Side, order: random.Random, seed: int) -> tuple[float, float]:
    """Median seconds of both in two fresh processes; their ratio is the median of the rounds'."""
    turn = order.choice((1, -1))  # neither is always started first
    plan = StopRule(_PAIR_PRECISION, _PAIR_S, seed, 0)
    with _ready(_bound(base, head, order, seed)[::turn]) as entries:
        sampled = take([entries], plan, width=widest)
    _raise(sampled)
    of_base, of_head = sampled.rows.T[::turn]
    base_s = float(np.median(of_base))
    return base_s, base_s * ratio(of_head, of_base).median


@contextmanager
def _ready(sides: Sequence[Side]) -> Iterator[list[RemoteEntry]]:
    """Workers with their networks, ended afterwards.

    What the head cannot do is nothing to ask of the base.
    """
    where = ["at the base" if side.is_base else "" for side in sides]
    with started([side.order for side in sides], where) as remotes:
        both = list(zip(sides, remotes, strict=True))
        for side, remote in both:
            remote.begin(side.job)
        found: dict[int, RemoteEntry] = {}
        for side, remote in sorted(both, key=lambda one: one[0].is_base):
            try:
                found[id(remote)] = remote.ready()
            except WorkerError as error:
                raise OfSide(error, new=side.is_base and error.missing) from error
        yield [found[id(remote)] for remote in remotes]


def _bound(base: Side, head: Side, order: random.Random, seed: int) -> list[Side]:
    """Both on the same cores, with the same random weights and input."""
    cores = _cores(head.order.threads, order)
    return [
        replace(side, order=replace(side.order, seed=seed, cores=cores)) for side in (base, head)
    ]


def _cores(threads: int, order: random.Random) -> tuple[int, ...]:
    """The cores that both of a pair are bound to, a thread each; none where that is not ours.

    A process whose threads lie better than the other's is faster for as long as it runs: unbound,
    the ratios of equal pairs spread several times as far.
    """
    if decided() or not hasattr(os, "sched_getaffinity"):
        return ()
    allowed = sorted(os.sched_getaffinity(0))
    return tuple(order.sample(allowed, threads)) if threads <= len(allowed) else ()


def _raise(sampled: Rounds) -> None:
    sampled.raise_failure()
    if sampled.interrupted:
        raise KeyboardInterrupt


def _layers(base: Side, head: Side, order: random.Random) -> tuple[LayerChange, ...]:
    """The layers that take longer, of one more pair timed operator by operator beside itself.

    What is far below the largest is noise.
    """
    with _ready(_bound(base, head, order, head.order.seed)) as wholes:
        parts = [replace(entry, watched=True) for entry in wholes]
        sampled = take([[*wholes, *parts]], replace(_LAYERS, seed=order.randrange(2**31)))
        _raise(sampled)
        times = [_by_layer(entry.operators()) for entry in wholes]
        of = [layers(TRACE.validate_python(entry.trace)) for entry in wholes]
    medians = np.median(sampled.rows[:, :2], axis=0)
    for seconds, side, whole in zip(times, of, medians, strict=True):
        seconds[BETWEEN] = max(0.0, float(whole) - sum(seconds.values()))
        side.append(Layer(layer=BETWEEN, does="Python, waiting", output=""))
    found = changes(
        pairs(of[0], of[1]),
        lambda layer: times[0].get(layer.layer, 0.0),
        lambda layer: times[1].get(layer.layer, 0.0),
    )
    least = max((change.difference for change in found), default=0.0) * _NOISE
    return tuple(change for change in found if change.difference > least)


def _by_layer(operators: Medians) -> dict[str, float]:
    found: dict[str, float] = {}
    for op, seconds, _ in operators:
        found[op.path] = found.get(op.path, 0.0) + seconds
    return found
