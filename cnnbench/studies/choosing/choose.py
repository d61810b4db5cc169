"""Choose among published networks: the most accurate that keeps within a budget, and its front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cnnbench.counting.metrics import Metric
from cnnbench.studies.choosing.published import Published
from cnnbench.studies.scaling.budget import Budget, Goal
from cnnbench.studies.scaling.fit import Choice, Fitting, fit
from cnnbench.studies.scaling.search import Measure

COSTS = (Metric.PARAMS, Metric.MACS, Metric.PEAK, Metric.LATENCY)  # that have a front each


@dataclass(frozen=True)
class Choosing:
    """The most accurate network within a budget, and what there is beside it.

    `fitting` has the choice and how it was found. `main` is the cost that the budget names first;
    `steps` are the networks that no other beats in accuracy and in that, the cheapest first, with
    their times where they were measured. `better` is the next step, beyond the budget. `fronts` are
    the keys of those that none beats in a cost; in time, of those that run in the same back end.
    """

    fitting: Fitting
    main: Metric
    steps: list[Choice]
    better: Choice | None
    fronts: dict[Metric, frozenset[tuple[str, str]]]

    @property
    def best(self) -> Choice:
        """The choice."""
        return self.fitting.choices[0]


def choose(of: Sequence[Published], budget: Budget, measure: Measure | None = None) -> Choosing:
    """Choose; BudgetError where none fits, with the smallest there is."""
    main = next(iter(budget.limits))
    fitting = fit(of, budget, Goal.MACS, measure)
    timed = {
        choice.variant.key: choice
        for choice in fitting.choices
        if isinstance(choice.variant, Published)
    }
    fronts: dict[Metric, frozenset[tuple[str, str]]] = {
        metric: _alike(of, front_of(of, metric)) for metric in COSTS if metric is not Metric.LATENCY
    }
    if of[0].predicted_s is not None:
        ways = dict.fromkeys(one.backend for one in of)
        alike = [[one for one in of if one.backend == way] for way in ways]
        fronts[Metric.LATENCY] = frozenset(
            one.key for group in alike for one in front_of(group, Metric.LATENCY)
        )
    steps = [timed.get(one.key, Choice(one)) for one in front_of(of, main)]
    best = fitting.choices[0]
    now, _ = best.variant.capacity(Goal.MACS)
    more = (one for one in steps if one.variant.capacity(Goal.MACS)[0] > now)
    return Choosing(fitting, main, steps, next(more, None), fronts)


def _alike(of: Sequence[Published], front: Sequence[Published]) -> frozenset[tuple[str, str]]:
    """The keys of networks on a front of what is counted, in every back end."""
    names = {str(one.spec) for one in front}
    return frozenset(one.key for one in of if str(one.spec) in names)


def front_of(of: Sequence[Published], metric: Metric) -> list[Published]:
    """The networks that no other beats in accuracy and one cost, the cheapest first."""
    found: list[Published] = []
    cheapest = sorted(of, key=lambda one: (expense(one, metric), -one.accuracy.percent))
    for one in cheapest:
        if not found or one.accuracy.percent > found[-1].accuracy.percent:
            found.append(one)
    return found


def expense(one: Published, metric: Metric) -> float:
    """What it costs: of a latency the predicted one."""
    return (one.predicted_s or 0.0) if metric is Metric.LATENCY else one.value(metric)
