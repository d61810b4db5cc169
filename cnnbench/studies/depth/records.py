"""Views of signals and trainings as plain records, under the vocabulary's words, in base units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cnnbench.studies.depth.signal import Signal, judged
from cnnbench.studies.depth.trainings import Trained
from cnnbench.timing.samples.statistics import Interval


def record(signal: Signal, trained: Sequence[Trained]) -> dict[str, Any]:
    """One network with batch norm or without, its blocks, and its trainings; overflow is None."""
    ratio = signal.gradient_ratio
    found: dict[str, Any] = _finite(
        {
            **_head(signal),
            "seeds": list(signal.seeds),
            "gradient_ratio": ratio.median,
            "ci_low": ratio.low,
            "ci_high": ratio.high,
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
            "trainings": [
                _training(one)
                for one in trained
                if (one.model, one.batch_norm) == (signal.model, signal.batch_norm)
            ],
        }
    )
    return found


def block_records(signal: Signal, trained: Sequence[Trained]) -> list[dict[str, Any]]:
    """One record a block; of trainings the last, which has the weight decay where there is any."""
    whole = record(signal, trained)
    last = whole["trainings"][-1]["blocks"] if whole["trainings"] else []
    after = {block["block"]: block for block in last}  # auxiliary heads are not there
    rows = []
    for block in whole["blocks"]:
        then = after.get(block["block"], {})
        kept = {key: then.get(key) for key in ("identity_distance", "weight_ratio")}
        rows.append({**_head(signal), **block, **kept, "variance_after": then.get("variance")})
    return rows


def _head(signal: Signal) -> dict[str, Any]:
    return {
        "model": signal.model,
        "input": [list(shape) for shape in signal.input],
        "dtype": signal.dtype,
        "batch_norm": signal.batch_norm,
    }


def _training(one: Trained) -> dict[str, Any]:
    done = one.training
    return {
        "weight_decay": one.weight_decay,
        "losses": list(done.losses),
        "seconds": done.seconds,
        "diverged": done.diverged,
        "interrupted": done.interrupted,
        "blocks": [
            {
                "depth": block.depth,
                "block": block.name,
                "identity_distance": block.identity_distance,
                "weight_ratio": block.weight_ratio,
                "variance": block.variance,
            }
            for block in one.blocks
        ],
    }


def _bounded(key: str, value: Interval) -> dict[str, float]:
    return {key: value.median, f"{key}_ci_low": value.low, f"{key}_ci_high": value.high}


def _finite(value: Any) -> Any:
    """The same, None for every number that is none."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
