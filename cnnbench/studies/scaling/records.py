"""Views of scaled networks as plain records, under the vocabulary's words, in base units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cnnbench.models.scale import Way
from cnnbench.models.spec import Spec, parse
from cnnbench.studies.comparison.comparison import Comparison, Side
from cnnbench.studies.scaling.costs import costs, places
from cnnbench.studies.scaling.family import Scaled
from cnnbench.studies.scaling.spend import Spent
from cnnbench.timing.setting import Setting


def scaled(row: Scaled, base: int, setting: Setting) -> dict[str, Any]:
    """One network of a family; `base` are the MACs of the first."""
    return {
        "model": row.released or str(row.spec),
        "released": row.released is not None,
        "phi": row.phi,
        **places(row.spec, setting),
        "blocks": row.blocks,
        "ideal_blocks": row.ideal_blocks,
        **costs(row.costs.cost, row.costs.peak_activation_bytes),
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
    first = rows[0].a
    return [
        _way(None, None, first, first, None, setting),
        *(
            _way(one.way, one.phi, row.b, first, row, setting)
            for row, one in zip(rows, found, strict=True)
        ),
    ]


def _way(
    way: Way | None,
    phi: float | None,
    side: Side,
    first: Side,
    row: Comparison | None,
    setting: Setting,
) -> dict[str, Any]:
    spec, latency = parse(side.network.name), side.latency
    assert isinstance(spec, Spec)
    now, base = (costs(of.cost, of.trace.peak_activation_bytes) for of in (side, first))
    found = row.measured if row else None
    bounded = found is not None and math.isfinite(found.low) and found.low > 0
    return {
        "model": str(spec),
        "way": way,
        "phi": phi,
        **places(spec, setting),
        **now,
        "predicted_s": _predicted(side),
        "latency_s": latency.latency_s if latency else None,
        "ci_low_s": latency.ci_low_s if latency else None,
        "ci_high_s": latency.ci_high_s if latency else None,
        **{f"{key}_ratio": value / base[key] for key, value in now.items()},
        "predicted_ratio": _quotient(_predicted(side), _predicted(first)),
        # A comparison has time of the first / time of this one.
        "measured_ratio": 1 / found.median if found else None,
        "ci_low": 1 / found.high if found and bounded else None,
        "ci_high": 1 / found.low if found and bounded else None,
        "verdict": row.verdict if row else None,
        "warnings": [asdict(warning) for warning in side.warnings],
    }


def _predicted(side: Side) -> float | None:
    return side.predicted.seconds if side.predicted else None


def _quotient(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b else None
