"""Fit a network to a budget: of all variants the one with the most capacity that keeps within it.

Static costs are exact and decide first. Of what they leave, those that no other beats in both
capacity and predicted time are tried out: the largest that should keep within the latency and its
neighbours are timed in the same rounds, and what that says of predictions decides where to go on.
So the answer is the largest of those timed: what is predicted far too slow is not tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cnnbench import units
from cnnbench.counting.count import count
from cnnbench.counting.metrics import Metric
from cnnbench.devices.warnings import Warning, unusable
from cnnbench.errors import BudgetError, InputError
from cnnbench.roofline.predict import Predictor
from cnnbench.studies.scaling.budget import Budget, Goal, written
from cnnbench.studies.scaling.search import Measure, Search
from cnnbench.studies.scaling.variants import Variant, front
from cnnbench.timing.latency import Latency
from cnnbench.timing.measure import Timing

_GAIN = 1.01  # a limit binds if without it there were more capacity than so many times


@dataclass(frozen=True)
class Choice:
    """A variant of the front, and its measured time."""

    variant: Variant
    latency: Latency | None = None

    @property
    def error(self) -> float | None:
        """Predicted / measured - 1."""
        predicted, measured = self.variant.predicted_s, self.seconds
        return predicted / measured - 1 if predicted is not None and measured else None

    @property
    def seconds(self) -> float | None:
        """Measured."""
        return self.latency.latency_s if self.latency else None

    def meets(self, budget: Budget) -> bool | None:
        """Whether it keeps within all limits, its interval included; None if that is predicted."""
        if not self.variant.within(budget) or (self.latency and self.latency.error):
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
    capacity, `without` the capacity there were without each; `largest`: no variant has more.
    `failures` say of networks that could not run why. `correction` is measured / predicted time,
    the median of what was measured; `timings` are the passes of timing, in their order. `likely` is
    how sure predictions alone were that the first keeps within the latency.
    """

    choices: list[Choice]
    meets: bool | None
    binding: tuple[Metric, ...]
    without: dict[Metric, float]
    largest: bool
    variants: int
    affordable: int
    correction: float | None = None
    timings: list[Timing] = field(default_factory=list)
    measured: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    likely: float | None = None

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the timing."""
        return any(timing.interrupted for timing in self.timings)

    @property
    def unusable(self) -> str:
        """Why its times are not usable, so that nothing is chosen; nothing where they are."""
        return unusable(self.warnings)

    @property
    def warnings(self) -> list[Warning]:
        """What disturbed any of the timings, each once."""
        found = [warning for timing in self.timings for warning in timing.warnings]
        return list({warning.text: warning for warning in found}.values())


def fit(
    of: Sequence[Variant], budget: Budget, goal: Goal, measure: Measure | None = None
) -> Fitting:
    """Choose among variants; BudgetError where none fits, with the smallest there is.

    Without `measure`, predicted times decide. Ctrl-C ends it with what was measured.
    """
    affordable = [one for one in of if one.within(budget)]
    if not affordable:
        raise BudgetError(_impossible(of, budget))
    search = Search(front(affordable, goal), budget.latency_s)
    if measure is None:
        if not search.fits(search.best()):
            raise BudgetError(_too_slow(search.front[0], budget, None))
        return _result(of, affordable, search, budget, goal, search.best())
    interrupted = search.run(measure)
    if not search.timed:
        if interrupted:
            raise KeyboardInterrupt
        errors = [latency.error for latency in search.known.values() if latency.error]
        raise InputError(errors[0])
    proven = [index for index in search.timed if search.proven(index)]
    usable = not any(timing.unusable for timing in search.timings)
    if not proven and not interrupted and usable:
        least = min(search.timed)
        raise BudgetError(_too_slow(search.front[least], budget, search.known[least]))
    winner = max(proven, default=min(search.timed))
    return _result(of, affordable, search, budget, goal, winner)


def foretold(
    done: Fitting, budget: Budget, predictor: Predictor, batch: int, dtype: str
) -> Fitting:
    """The fitting with how sure predictions are of its choice's latency, where that is limited."""
    if budget.latency_s is None:
        return done
    trace = count(done.choices[0].variant.spec, batch=batch, dtype=dtype)
    return replace(done, likely=predictor(trace).within(budget.latency_s))


def _result(
    of: Sequence[Variant],
    affordable: Sequence[Variant],
    search: Search,
    budget: Budget,
    goal: Goal,
    winner: int,
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
        not any(one.capacity(goal) > best.variant.capacity(goal) for one in of),
        len(of),
        len(affordable),
        search.correction if search.timed and best.variant.predicted_s is not None else None,
        search.timings,
        len(search.timed),
        {
            search.front[index].name: latency.error
            for index, latency in sorted(search.known.items())
            if latency.error
        },
    )


def _binding(
    of: Sequence[Variant], best: Variant, budget: Budget, goal: Goal, search: Search
) -> tuple[tuple[Metric, ...], dict[Metric, float]]:
    """Limits without which there were more capacity, each alone; else what holds the next one."""
    measured = {id(search.front[index]): search.proven(index) for index in search.timed}
    failed = {id(search.front[index]) for index in search.known.keys() - set(search.timed)}

    def broken(one: Variant) -> set[Metric]:
        over = {metric for metric, limit in budget.static.items() if one.value(metric) > limit}
        if budget.latency_s is not None:
            expected = search.correction * one.expense <= budget.latency_s
            over |= set() if measured.get(id(one), expected) else {Metric.LATENCY}
        return over

    now = best.capacity(goal)
    larger = [
        (one, broken(one)) for one in of if one.capacity(goal) > now and id(one) not in failed
    ]
    without = {
        metric: max((one.capacity(goal)[0] for one, over in larger if over == {metric}), default=0)
        for metric in budget.limits
    }
    without = {metric: max(value, now[0]) for metric, value in without.items()}
    binding = tuple(metric for metric, value in without.items() if value > _GAIN * now[0])
    held = [pair for pair in larger if pair[1]]
    if not binding and held:
        _, over = min(held, key=lambda pair: pair[0].capacity(goal))
        binding = tuple(metric for metric in budget.limits if metric in over)
    return binding, without


def _impossible(of: Sequence[Variant], budget: Budget) -> str:
    """Which static limit nothing fits, and the smallest network there is."""
    for metric, limit in budget.static.items():
        least = min(of, key=lambda one: one.value(metric))
        if least.value(metric) > limit:
            return (
                f"nothing fits {written(metric, limit)}: the smallest tried, {least.name}, has "
                f"{metric.show(least.value(metric))}"
            )

    def worst(one: Variant) -> float:
        return max(one.value(metric) / limit for metric, limit in budget.static.items())

    nearest = min(of, key=worst)
    has = ", ".join(written(metric, nearest.value(metric)) for metric in budget.static)
    return f"nothing fits all of {budget}: the nearest, {nearest.name}, has {has}"


def _too_slow(fastest: Variant, budget: Budget, latency: Latency | None) -> str:
    """What the network that is predicted to be the fastest takes."""
    if latency is None:
        takes = f"is predicted to take {units.duration(fastest.expense)}"
    else:
        takes = f"took {units.duration(latency.latency_s or 0.0)}"
        if latency.ci_high_s is not None:
            takes += f", by its interval up to {units.duration(latency.ci_high_s)}"
    return (
        f"nothing fits {written(Metric.LATENCY, budget.latency_s or 0.0)}: the fastest within the "
        f"other limits by prediction, {fastest.name}, {takes}"
    )
