"""Two revisions of a network timed against each other: pairs of processes, interleaved in rounds.

A process keeps what it got by chance for as long as it runs: where its memory lies, which
algorithm it chose. So one pair of processes gives one ratio, and the verdict is on several.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from cnnbench.guard.changes import LayerChange, changes, pairs
from cnnbench.guard.costs import Layer
from cnnbench.guard.duet.remote import RemoteByOperator, WorkerError, started
from cnnbench.guard.duet.worker import Order
from cnnbench.guard.finding import Status
from cnnbench.timing.pairing import ratio, widest
from cnnbench.timing.sampling import Entry, Rounds, take
from cnnbench.timing.session import StopRule
from cnnbench.timing.statistics import Interval

# Pairs of processes after which to look. At Pocock's level for five looks, the interval of the
# median ratio leaves out 0, 1, 2, 3 and 4 pairs at either end: one pair that was disturbed makes
# the first look undecided, and does not decide a later one.
LOOKS = (7, 11, 14, 17, 20)
BETWEEN = "(between its layers)"
_PAIR_S = 0.5  # of sampling, for each of a pair
_PAIR_PRECISION = 0.01
_LAYERS = StopRule(precision=0.05, max_time=1.0)
_NOISE = 0.1  # of the largest difference of a layer


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


def duet(
    base: Order, head: Order, limit: float, max_time: float, say: Callable[[str], None]
) -> Duet:
    """Time head against base until the limit is decided, for at most `max_time` seconds.

    WorkerError where either cannot be run.
    """
    order = random.Random(head.seed)
    start = perf_counter()
    seconds: list[tuple[float, float]] = []  # of the base and of the head, a pair each
    status, found = Status.IMPRECISE, Interval(math.nan, 0.0, math.inf)
    while True:
        say(_progress(len(seconds), found))
        seed = head.seed + len(seconds)
        seconds.append(_pair(base, head, order, seed))
        spent = perf_counter() - start
        late = spent + spent / len(seconds) > max_time
        if len(seconds) in LOOKS or late:
            status, found = verdict([b / a for a, b in seconds], limit)
        if status is not Status.IMPRECISE or late or len(seconds) == LOOKS[-1]:
            break
    layers: tuple[LayerChange, ...] = ()
    if status is Status.SLOWER:
        say("looking for the layer")
        with contextlib.suppress(WorkerError):  # that it is slower is known without
            layers = _layers(base, head, order)
    base_s, head_s = (float(np.median(side)) for side in zip(*seconds, strict=True))
    return Duet(status, found, len(seconds), base_s, head_s, layers)


def _progress(done: int, found: Interval) -> str:
    so_far = f", {found.low:.3f} … {found.high:.3f}" if found.high < math.inf else ""
    return f"pair {done + 1}{so_far}"


def _pair(base: Order, head: Order, order: random.Random, seed: int) -> tuple[float, float]:
    """Median seconds of both in two fresh processes; their ratio is the median of the rounds'."""
    turn = order.choice((1, -1))  # neither is always started first
    plan = StopRule(_PAIR_PRECISION, _PAIR_S, seed)
    with started(_bound(base, head, order, seed)[::turn]) as remotes:
        sampled = take(remotes, plan, width=widest)
    _raise(sampled)
    of_base, of_head = sampled.rows.T[::turn]
    base_s = float(np.median(of_base))
    return base_s, base_s * ratio(of_head, of_base).median


def _bound(base: Order, head: Order, order: random.Random, seed: int) -> list[Order]:
    """Both on the same cores, with the same random weights and input."""
    cores = _cores(head.threads, order)
    return [replace(side, seed=seed, cores=cores) for side in (base, head)]


def _cores(threads: int, order: random.Random) -> tuple[int, ...]:
    """The cores that both of a pair are bound to, a thread each; none where that is not ours.

    A process whose threads lie better than the other's is faster for as long as it runs: unbound,
    the ratios of equal pairs spread several times as far.
    """
    decided = {"OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY"} & set(os.environ)
    if decided or not hasattr(os, "sched_getaffinity"):
        return ()
    allowed = sorted(os.sched_getaffinity(0))
    return tuple(order.sample(allowed, threads)) if threads <= len(allowed) else ()


def _raise(sampled: Rounds) -> None:
    sampled.raise_failure()
    if sampled.interrupted:
        raise KeyboardInterrupt


def _layers(base: Order, head: Order, order: random.Random) -> tuple[LayerChange, ...]:
    """The layers that take longer, of one more pair timed operator by operator beside itself.

    What is far below the largest is noise.
    """
    with started(_bound(base, head, order, head.seed)) as remotes:
        entries: list[Entry] = [*remotes, *map(RemoteByOperator, remotes)]
        sampled = take(entries, replace(_LAYERS, seed=order.randrange(2**31)))
        _raise(sampled)
        times = [remote.seconds_of_layers() for remote in remotes]
        layers = [remote.layers for remote in remotes]
    wholes = np.median(sampled.rows[:, :2], axis=0)
    for seconds, side, whole in zip(times, layers, wholes, strict=True):
        seconds[BETWEEN] = max(0.0, float(whole) - sum(seconds.values()))
        side.append(Layer(layer=BETWEEN, does="Python, waiting", output=""))
    found = changes(
        pairs(layers[0], layers[1]),
        lambda layer: times[0].get(layer.layer, 0.0),
        lambda layer: times[1].get(layer.layer, 0.0),
    )
    least = max((change.difference for change in found), default=0.0) * _NOISE
    return tuple(change for change in found if change.difference > least)
