"""Views of signals and trainings as plain records, under the vocabulary's words, in base units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cnnbench.studies.depth.signal import Signal, judged
from cnnbench.studies.depth.trainings import Trained
from cnnbench.timing.statistics import Interval


def record(signal: Signal, trained: Sequence[Trained]) -> dict[str, Any]:
    """One network with batch norm or without, its blocks, and its trainings; overflow is None."""
    ratio = signal.gradient_ratio
    return {
        **_head(signal),
        "seeds": list(signal.seeds),
        "gradient_ratio": _finite(ratio.median),
        "ci_low": _finite(ratio.low),
        "ci_high": _finite(ratio.high),
        **_bounded("variance_ratio", signal.variance_ratio),
        "backward": str(judged(ratio)),
        "forward": str(judged(signal.variance_ratio, power=2)),
        "verdict": str(signal.verdict),
        "blocks": [
            {
                "depth": block.depth,
                "block": block.name,
                **_bounded("gradient_norm", block.gradient),
                **_bounded("variance", block.variance),
            }
            for block in signal.blocks
        ],
        "trainings": [_training(one) for one in _of(signal, trained)],
    }


def block_records(signal: Signal, trained: Sequence[Trained]) -> list[dict[str, Any]]:
    """One record a block; of trainings the last, which has the weight decay where there is any."""
    whole = record(signal, trained)
    last = whole["trainings"][-1]["blocks"] if whole["trainings"] else []
    after = {block["block"]: block for block in last}  # auxiliary heads are not there
    keys = {"identity_distance": "identity_distance", "weight_ratio": "weight_ratio"}
    keys["variance_after"] = "variance"
    return [
        {
            **_head(signal),
            **block,
            **{key: after.get(block["block"], {}).get(of) for key, of in keys.items()},
        }
        for block in whole["blocks"]
    ]


def _head(signal: Signal) -> dict[str, Any]:
    return {
        "model": signal.model,
        "input": [list(shape) for shape in signal.input],
        "dtype": signal.dtype,
        "batch_norm": signal.batch_norm,
    }


def _of(signal: Signal, trained: Sequence[Trained]) -> list[Trained]:
    key = (signal.model, signal.batch_norm)
    return [one for one in trained if (one.model, one.batch_norm) == key]


def _training(one: Trained) -> dict[str, Any]:
    return {
        "weight_decay": one.weight_decay,
        "losses": [_finite(loss) for loss in one.training.losses],
        "seconds": one.training.seconds,
        "diverged": one.training.diverged,
        "interrupted": one.training.interrupted,
        "blocks": [
            {
                "depth": block.depth,
                "block": block.name,
                "identity_distance": _finite(block.identity_distance),
                "weight_ratio": _finite(block.weight_ratio),
                "variance": _finite(block.variance),
            }
            for block in one.blocks
        ],
    }


def _bounded(key: str, value: Interval) -> dict[str, float | None]:
    return {
        key: _finite(value.median),
        f"{key}_ci_low": _finite(value.low),
        f"{key}_ci_high": _finite(value.high),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
