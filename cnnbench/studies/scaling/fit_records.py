"""Views of a fit as plain records, under the vocabulary's words, in base units."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cnnbench.counting.metrics import Metric
from cnnbench.studies.scaling.budget import Budget, Goal
from cnnbench.studies.scaling.costs import costs, places
from cnnbench.studies.scaling.fit import Choice, Fitting
from cnnbench.timing.setting import Setting


def record(choice: Choice, done: Fitting, budget: Budget, setting: Setting) -> dict[str, Any]:
    """One choice: its scale, its costs, its times, and each limit beside what it achieves."""
    variant, latency = choice.variant, choice.latency
    return {
        "model": str(variant.spec),
        "chosen": choice is done.choices[0],
        **places(variant.spec, setting),
        **costs(variant.costs.cost, variant.costs.peak_activation_bytes),
        "predicted_s": variant.predicted_s,
        "latency_s": choice.seconds,
        "ci_low_s": latency.ci_low_s if latency else None,
        "ci_high_s": latency.ci_high_s if latency else None,
        "converged": latency.converged if latency else None,
        "error": choice.error,
        "failure": latency.error if latency else None,
        "asked": {str(metric): limit for metric, limit in budget.limits.items()},
        "achieved": {str(metric): achieved(choice, metric) for metric in budget.limits},
        "meets": choice.meets(budget),
        **_held(choice, done),
        "warnings": [asdict(warning) for warning in latency.warnings] if latency else [],
    }


def _held(choice: Choice, done: Fitting) -> dict[str, Any]:
    """The first choice's limits that bind, and the capacity there were without each."""
    if choice is not done.choices[0]:
        return {"binding": [], "without": {}}
    return {
        "binding": [str(metric) for metric in done.binding],
        "without": {str(metric): value for metric, value in done.without.items()},
    }


def achieved(choice: Choice, metric: Metric) -> float | None:
    """What it has: of a latency the measured one, else the predicted."""
    if metric is not Metric.LATENCY:
        return choice.variant.value(metric)
    return choice.variant.predicted_s if choice.latency is None else choice.seconds


def limits(done: Fitting, budget: Budget, goal: Goal) -> list[dict[str, Any]]:
    """One record a limit of the first choice; `without` is the capacity there were without it."""
    best = done.choices[0]
    rows = []
    for metric, asked in budget.limits.items():
        value = achieved(best, metric)
        more = done.without[metric]
        rows.append(
            {
                "metric": metric,
                "asked": asked,
                "achieved": value,
                "share": value / asked if value is not None else None,
                "binds": metric in done.binding,
                "without": more if more > best.variant.capacity(goal)[0] else None,
            }
        )
    return rows
