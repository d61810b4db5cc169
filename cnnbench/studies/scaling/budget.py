"""A budget: the most that a network may cost, and take, and what is tried. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cnnbench import units
from cnnbench.counting.metrics import Metric
from cnnbench.errors import BudgetError, nearest

_LATENCY = "latency"
_KEYS = {_LATENCY if metric is Metric.LATENCY else str(metric): metric for metric in Metric}
_EXAMPLE = "macs=400M,params=6M,peak_activation_bytes=8MiB,latency=20ms"


class Goal(StrEnum):
    """What capacity is, of which there shall be the most."""

    MACS = "macs"
    PARAMS = "params"
    RESOLUTION = "resolution"

    @property
    def words(self) -> str:
        """How a person calls it."""
        return "resolution" if self is Goal.RESOLUTION else Metric(self).words


class Rule(StrEnum):
    """What networks may be made of a named one.

    `near`: not far from published ones; `compound`: by the rule of its paper; `any`: widths, depths
    and resolutions in every combination.
    """

    NEAR = "near"
    COMPOUND = "compound"
    ANY = "any"


@dataclass(frozen=True)
class Budget:
    """The most of each cost, in base units; what is not named is not limited."""

    limits: dict[Metric, float]

    @property
    def latency_s(self) -> float | None:
        """The most seconds of a pass."""
        return self.limits.get(Metric.LATENCY)

    @property
    def static(self) -> dict[Metric, float]:
        """Limits of what is counted."""
        return {m: limit for m, limit in self.limits.items() if m is not Metric.LATENCY}

    def __str__(self) -> str:
        """`macs=400 M, latency=20.0 ms`."""
        return ", ".join(written(metric, limit) for metric, limit in self.limits.items())


def key_of(metric: Metric) -> str:
    """How a budget calls it: `latency` for `latency_s`."""
    return _LATENCY if metric is Metric.LATENCY else str(metric)


def written(metric: Metric, value: float) -> str:
    """`macs=400 M`."""
    return f"{key_of(metric)}={metric.show(value)}"


def parse_budget(text: str) -> Budget:
    """Read `macs=400M,latency=20ms`; BudgetError says what is wrong and what would do."""
    limits: dict[Metric, float] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not value:
            raise BudgetError(f"malformed limit {item!r}; write KEY=VALUE: --budget {_EXAMPLE}")
        metric = _KEYS.get(key)
        if metric is None:
            other = "; flops are 2 x macs" if key == "flops" else nearest(key, _KEYS)
            raise BudgetError(f"unknown limit {key!r}{other}; use {', '.join(_KEYS)}")
        if metric in limits:
            raise BudgetError(f"{key} is given twice in --budget")
        limits[metric] = _value(metric, value)
    if not limits:
        raise BudgetError(f"the budget is empty; write --budget {_EXAMPLE}")
    return Budget(limits)


def _value(metric: Metric, text: str) -> float:
    """Read a count, a size or a time, of more than nothing."""
    try:
        if metric is Metric.LATENCY:
            value = units.seconds(text)
        else:
            value = units.quantity(text, size=metric.is_size)
    except ValueError:
        what, example = "count", "400M, 1.5G or 60000"
        if metric.is_size:
            what, example = "size", "8MiB, 500kB or 4096"
        if metric is Metric.LATENCY:
            what, example = "time", "20ms, 1.5s or 800us"
        raise BudgetError(
            f"{key_of(metric)}={text}: that is no {what}; write one such as {example}"
        ) from None
    if value <= 0:
        raise BudgetError(f"{key_of(metric)}={text} leaves room for nothing; give more")
    return value
