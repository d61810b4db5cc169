"""Fit a network to a budget: of all variants the one with the most capacity that keeps within it.

Static costs are exact and decide first. Of what they leave, those that no other beats in both
capacity and predicted time are tried out: the largest that should keep within the latency and its
neighbours are timed in the same rounds, and what that says of predictions decides where to go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from cnnbench.counting.metrics import Metric
from cnnbench.errors import BudgetError, InputError
from cnnbench.studies.budget import Budget, Goal, written
from cnnbench.studies.variants import Variant, front
from cnnbench.timing.latency import Latency
from cnnbench.timing.measure import Timing

_BELOW, _ABOVE = 2, 1  # neighbours that are tried beside the largest that should fit
_PASSES = 4
_GAIN = 1.01  # a limit binds if without it there were more capacity than so many times

Measure = Callable[[list[Variant]], Timing]


@dataclass(frozen=True)
class Choice:
    """A variant of the front, and its measured time."""

    variant: Variant
    latency: Latency | None = None

    @property
    def error(self) -> float | None:
        """Predicted / measured - 1."""
        if self.variant.predicted_s is None or self.seconds is None:
            return None
        return self.variant.predicted_s / self.seconds - 1

    @property
    def seconds(self) -> float | None:
        """Measured."""
        return self.latency.latency_s if self.latency else None

    def meets(self, budget: Budget) -> bool | None:
        """Whether it keeps within all limits, its interval included; None if that is predicted."""
        if not self.variant.within(budget):
            return False
        if budget.latency_s is None:
            return True
        if self.latency is None:
            expected = self.variant.predicted_s
            return None if expected is None or expected <= budget.latency_s else False
        return (self.latency.ci_high_s or float("inf")) <= budget.latency_s


@dataclass(frozen=True)
class Fitting:
    """The choice and its neighbours on the front, best first.

    `meets` is whether the first keeps within every limit, its latency with its interval (None where
    a latency is limited and nothing was measured). `binding` are the limits that keep it from more
    capacity, `without` the capacity there were without each. `correction` is measured / predicted
    time, the median of what was measured.
    """

    choices: list[Choice]
    meets: bool | None
    binding: tuple[Metric, ...]
    without: dict[Metric, int]
    variants: int
    affordable: int
    correction: float | None = None
    timing: Timing | None = None
    interrupted: bool = False


@dataclass
class _Search:
    """The front, what has been measured of it, and how far off predictions were."""

    front: list[Variant]
    limit: float | None
    known: dict[int, Latency] = field(default_factory=dict)
    correction: float = 1.0

    def fits(self, index: int) -> bool:
        """Whether it keeps within the latency: measured, its interval included, or as expected."""
        if index in self.known:
            return self.proven(index)
        return self.limit is None or self.correction * self.front[index].expense <= self.limit

    def proven(self, index: int) -> bool:
        """Whether it was measured, and the interval keeps within the latency."""
        latency = self.known.get(index)
        if latency is None or latency.error:
            return False
        return self.limit is None or (latency.ci_high_s or float("inf")) <= self.limit

    def best(self) -> int:
        """The largest that should fit; the smallest where none does."""
        return max((index for index in range(len(self.front)) if self.fits(index)), default=0)

    def window(self, around: int) -> range:
        """It and its neighbours."""
        above = _ABOVE if self.limit is not None else 0
        return range(max(0, around - _BELOW), min(len(self.front), around + above + 1))

    def settled(self, best: int) -> bool:
        """Whether the largest that fits is known to, and the next one not to."""
        return all(i in self.known for i in (best, best + 1) if i in self.window(best))

    def learn(self, indices: Sequence[int], timing: Timing) -> None:
        """Take in what was measured."""
        self.known |= dict(zip(indices, timing.latencies, strict=True))
        ratios = [
            latency.latency_s / self.front[index].expense
            for index, latency in self.known.items()
            if latency.latency_s
        ]
        self.correction = median(ratios) if ratios else self.correction


def fit(
    of: Sequence[Variant], budget: Budget, goal: Goal, measure: Measure | None = None
) -> Fitting:
    """Choose among variants; BudgetError where none fits, with the smallest there is.

    Without `measure`, predicted times decide. Ctrl-C ends it with what was measured.
    """
    affordable = [one for one in of if one.within(budget)]
    if not affordable:
        raise BudgetError(_impossible(of, budget))
    search = _Search(front(affordable, goal), budget.latency_s)
    if measure is None:
        if not search.fits(search.best()):
            raise BudgetError(_too_slow(search.front[0], budget, search.front[0].expense))
        return _result(of, affordable, search, budget, goal, search.best(), None)
    timing, interrupted = None, False
    for _ in range(_PASSES):
        best = search.best()
        if search.settled(best):
            break
        window = search.window(best)
        timing = measure([search.front[index] for index in window])
        search.learn(window, timing)
        if timing.interrupted:
            interrupted = True
            break
    timed = [index for index, latency in search.known.items() if latency.latency_s]
    if not timed:
        if interrupted:
            raise KeyboardInterrupt
        errors = [latency.error for latency in search.known.values() if latency.error]
        raise InputError(errors[0])
    winner = max(filter(search.proven, timed), default=min(timed))
    if winner == 0 and not search.proven(0) and not interrupted:
        raise BudgetError(_too_slow(search.front[0], budget, search.known[0].latency_s or 0.0))
    return _result(of, affordable, search, budget, goal, winner, timing, interrupted)


def _result(
    of: Sequence[Variant],
    affordable: Sequence[Variant],
    search: _Search,
    budget: Budget,
    goal: Goal,
    winner: int,
    timing: Timing | None,
    interrupted: bool = False,
) -> Fitting:
    """The winner first, then what else fits, then what does not."""
    near = [index for index in search.window(winner) if index != winner]
    near.sort(key=lambda index: (not search.fits(index), -index if search.fits(index) else index))
    choices = [Choice(search.front[i], search.known.get(i)) for i in (winner, *near)]
    best = choices[0]
    binding, without = _binding(of, best.variant, budget, goal, search)
    return Fitting(
        choices,
        best.meets(budget),
        binding,
        without,
        len(of),
        len(affordable),
        search.correction if timing is not None and best.variant.predicted_s is not None else None,
        timing,
        interrupted,
    )


def _binding(
    of: Sequence[Variant], best: Variant, budget: Budget, goal: Goal, search: _Search
) -> tuple[tuple[Metric, ...], dict[Metric, int]]:
    """Limits without which there were more capacity, each alone; else what holds the next one."""
    measured = {id(search.front[index]): search.proven(index) for index in search.known}

    def broken(one: Variant) -> set[Metric]:
        over = {metric for metric, limit in budget.static.items() if one.value(metric) > limit}
        if budget.latency_s is not None:
            expected = search.correction * one.expense <= budget.latency_s
            over |= set() if measured.get(id(one), expected) else {Metric.LATENCY}
        return over

    now = best.capacity(goal)
    larger = [(one, broken(one)) for one in of if one.capacity(goal) > now]
    without = {
        metric: max((one.capacity(goal)[0] for one, over in larger if over == {metric}), default=0)
        for metric in budget.limits
    }
    without = {metric: max(value, now[0]) for metric, value in without.items()}
    binding = tuple(metric for metric, value in without.items() if value > _GAIN * now[0])
    if not binding and larger:
        _, over = min(larger, key=lambda pair: pair[0].capacity(goal))
        binding = tuple(metric for metric in budget.limits if metric in over)
    return binding, without


def _impossible(of: Sequence[Variant], budget: Budget) -> str:
    """Which static limit nothing fits, and the smallest network there is."""
    for metric, limit in budget.static.items():
        least = min(of, key=lambda one: one.value(metric))
        if least.value(metric) > limit:
            return (
                f"nothing fits {written(metric, limit)}: the smallest there is, {least.spec}, has "
                f"{metric.show(least.value(metric))}"
            )

    def worst(one: Variant) -> float:
        return max(one.value(metric) / limit for metric, limit in budget.static.items())

    nearest = min(of, key=worst)
    has = ", ".join(written(metric, nearest.value(metric)) for metric in budget.static)
    return f"nothing fits all of {budget}: the nearest, {nearest.spec}, has {has}"


def _too_slow(fastest: Variant, budget: Budget, seconds: float) -> str:
    limit = budget.latency_s or 0.0
    show = Metric.LATENCY.show
    return (
        f"nothing fits {written(Metric.LATENCY, limit)}: the fastest there is within the other "
        f"limits, {fastest.spec}, takes {show(seconds)}"
    )
