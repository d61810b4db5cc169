"""What the keys of a configuration hold: counts, sizes, tolerances, as they are typed."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import partial
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from cnnbench import units
from cnnbench.counting.metrics import STATIC, Metric
from cnnbench.errors import nearest

_PERCENT = re.compile(r"\d{1,9}(\.\d{1,9})? ?%", re.ASCII)


def _quantity(value: object, *, size: bool) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    try:
        return units.quantity(value if isinstance(value, str) else "", size=size)
    except ValueError:
        example = "'8MiB'" if size else "'500M'"
        raise ValueError(
            f"{value!r} is no {'size' if size else 'count'}; write {example}"
        ) from None


class Tolerance(BaseModel):
    """How far a cost may rise above its baseline: a share of it, or so many units."""

    model_config = ConfigDict(frozen=True)
    share: Fraction = Fraction(0)
    units: int = 0

    def limit(self, baseline: int) -> int:
        """The most that is tolerated, exactly."""
        return math.floor(baseline * (1 + self.share)) + self.units


def _tolerance(metric: Metric, value: object) -> Tolerance:
    """`1%`, `64KiB`, `10k` or a whole number; ValueError where it is none."""
    text = value.strip() if isinstance(value, str) else ""
    if text.endswith("%"):
        if not _PERCENT.fullmatch(text):
            raise ValueError(f"{value!r} is no share; write '1%'")
        return Tolerance(share=Fraction(text.removesuffix("%").strip()) / 100)
    try:
        return Tolerance(units=_quantity(value, size=metric.is_size))
    except ValueError:
        example = "'1%' or '64KiB'" if metric.is_size else "'1%' or '10k'"
        raise ValueError(f"{value!r} is no tolerance; write {example}") from None


def _tolerances(given: object) -> dict[Metric, Tolerance]:
    if not isinstance(given, dict):
        raise ValueError("tolerance is a table by metric: { macs = '0%' }")
    found = {}
    for key, value in given.items():
        if key not in list(STATIC):
            raise ValueError(f"unknown metric {key!r}{nearest(key, STATIC)}; {', '.join(STATIC)}")
        found[Metric(key)] = _tolerance(Metric(key), value)
    return found


def _guard(given: object) -> tuple[Metric, ...]:
    names = given if isinstance(given, list) else [given]
    for name in names:
        if name not in list(STATIC):
            hint = nearest(name, STATIC) if isinstance(name, str) else ""
            raise ValueError(f"guard has no cost {name!r}{hint}; it takes {', '.join(STATIC)}")
    if not names:
        raise ValueError('guard is empty; write guard = ["macs"]')
    return tuple(map(Metric, names))


Count = Annotated[int | None, BeforeValidator(partial(_quantity, size=False))]
Size = Annotated[int | None, BeforeValidator(partial(_quantity, size=True))]
Tolerances = Annotated[dict[Metric, Tolerance], BeforeValidator(_tolerances)]
Held = Annotated[tuple[Metric, ...] | None, BeforeValidator(_guard)]
