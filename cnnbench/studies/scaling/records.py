"""Views of scaled and fitted networks as plain records: the vocabulary's words, in base units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cnnbench.counting.cost import Cost
from cnnbench.counting.metrics import Metric
from cnnbench.models.scale import Axis, at, axes, scalable
from cnnbench.models.spec import Spec, parse
from cnnbench.studies.comparison.comparison import Comparison
from cnnbench.studies.comparison.records import bounds
from cnnbench.studies.papers.accuracy import of_network, together
from cnnbench.studies.scaling.budget import Budget, Goal
from cnnbench.studies.scaling.family import Scaled
from cnnbench.studies.scaling.fit import Choice, Fitting
from cnnbench.studies.scaling.spend import Spent
from cnnbench.timing.latency import Latency
from cnnbench.timing.setting import Setting


def scaled(rows: Sequence[Scaled], base: int, setting: Setting) -> list[dict[str, Any]]:
    """Networks of a family; `base` are the first's MACs. Accuracies are of one test if they can."""
    known = together([of_network(parse(row.released or str(row.spec))) for row in rows])
    pairs = zip(rows, known, strict=True)
    return [
        {**_scaled(row, base, setting), "accuracy": printed.record() if printed else None}
        for row, printed in pairs
    ]


def _scaled(row: Scaled, base: int, setting: Setting) -> dict[str, Any]:
    return {
        "model": row.released or str(row.spec),
        "released": row.released is not None,
        "phi": row.phi,
        **_places(row.spec, setting),
        "blocks": row.blocks,
        "ideal_blocks": row.ideal_blocks,
        **_costs(row.costs.cost, row.costs.peak_activation_bytes),
        "predicted_s": row.costs.predicted_s,
        "macs_ratio": row.macs / base,
        "ideal_macs_ratio": row.ideal_macs / base,
        "difference": row.macs / row.ideal_macs - 1,
        "growth": row.growth,
    }


def spent(
    rows: Sequence[Comparison], found: Sequence[Spent], setting: Setting
) -> list[dict[str, Any]]:
    """The network as it was, then each way: costs, times, and each as a ratio to the first's."""
    ways = zip(rows, found, strict=True)
    return [_way(rows[0], None, setting), *(_way(row, one, setting) for row, one in ways)]


def _way(row: Comparison, one: Spent | None, setting: Setting) -> dict[str, Any]:
    side, first = row.b if one else row.a, row.a
    spec = scalable(parse(side.model))
    now, base = (_costs(of.cost, of.trace.peak_activation_bytes) for of in (side, first))
    found = row.measured if one else None
    return {
        "model": str(spec),
        "way": one.way if one else None,
        "phi": one.phi if one else None,
        **_places(spec, setting),
        **now,
        "predicted_s": side.predicted_s,
        **_measured(side.latency),
        **{f"{key}_ratio": value / base[key] for key, value in now.items()},
        "predicted_ratio": side.predicted_s / first.predicted_s
        if side.predicted_s and first.predicted_s
        else None,
        "measured_ratio": 1 / found.median if found else None,
        **bounds("ci", found and found.inverse),
        **bounds("run", row.run.inverse if one and row.run else None),
        "verdict": row.verdict if one else None,
        "failure": side.latency.error if side.latency else None,
        "warnings": [asdict(warning) for warning in side.warnings],
    }


def chosen(choice: Choice, done: Fitting, budget: Budget, setting: Setting) -> dict[str, Any]:
    """One choice: its scale, its costs, its times, and each limit beside what it achieves.

    Of the first also the limits that bind, and the capacity there were without each.
    """
    variant, latency, first = choice.variant, choice.latency, choice is done.choices[0]
    return {
        "model": str(variant.spec),
        "chosen": first and not done.unusable,
        **_places(variant.spec, setting),
        **_costs(variant.costs.cost, variant.costs.peak_activation_bytes),
        "predicted_s": variant.predicted_s,
        **_measured(latency),
        "converged": latency.converged if latency else None,
        "error": choice.error,
        "failure": latency.error if latency else None,
        "asked": {str(metric): limit for metric, limit in budget.limits.items()},
        "achieved": {str(metric): _achieved(choice, metric) for metric in budget.limits},
        "meets": None if done.unusable else choice.meets(budget),
        "binding": [str(metric) for metric in done.binding] if first and not done.unusable else [],
        "without": {str(metric): n for metric, n in done.without.items()} if first else {},
        "warnings": [asdict(warning) for warning in latency.warnings] if latency else [],
    }


def limits(done: Fitting, budget: Budget, goal: Goal) -> list[dict[str, Any]]:
    """One record a limit of the first choice; `without` is the capacity there were without it."""
    best = done.choices[0]
    rows = []
    for metric, asked in budget.limits.items():
        value = None if done.unusable else _achieved(best, metric)
        more = 0 if done.unusable else done.without[metric]
        rows.append(
            {
                "metric": metric,
                "asked": asked,
                "achieved": value,
                "share": value / asked if value is not None else None,
                "binds": metric in done.binding and not done.unusable,
                "without": more if more > best.variant.capacity(goal)[0] else None,
            }
        )
    return rows


def _achieved(choice: Choice, metric: Metric) -> float | None:
    """What it has: of a latency the measured one, else the predicted."""
    if metric is not Metric.LATENCY:
        return choice.variant.value(metric)
    return choice.variant.predicted_s if choice.latency is None else choice.seconds


def _places(spec: Spec, setting: Setting) -> dict[str, Any]:
    """What goes in, and where the network stands on each axis: None where it has none."""
    stands = {str(axis): at(spec, axis) for axis in axes(spec)}
    return {
        "input": [[setting.batch, *spec.input_shape]],
        "dtype": setting.dtype or "float32",
        "batch": setting.batch,
        **{str(axis): stands.get(axis) for axis in Axis},
        "resolution": spec.input_shape[1],
    }


def _costs(of: Cost, peak_activation_bytes: int) -> dict[str, int]:
    own = {key: value for key, value in of.record().items() if key != "intensity"}
    return {**own, "peak_activation_bytes": peak_activation_bytes}


def _measured(latency: Latency | None) -> dict[str, float | bool | None]:
    """Measured seconds of a pass, where another run's are expected, and this run's interval."""
    keys = ("latency_s", "ci_low_s", "ci_high_s", "run_low_s", "run_high_s", "reliable")
    return {key: getattr(latency, key, None) for key in keys}
