"""Views of a comparison as plain records, under the vocabulary's words, in base units."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from cnnbench.counting.division import By
from cnnbench.studies.comparison.comparison import Comparison, Side
from cnnbench.studies.comparison.explain import explain, shares
from cnnbench.studies.comparison.parts import Part, parts

_COSTS = ("params", "macs", "flops", "activations", "bytes_moved", "intensity")


def record(row: Comparison) -> dict[str, Any]:
    """One row; what was not measured or predicted is None."""
    found = row.measured
    bounded = found is not None and math.isfinite(found.low)
    trace = row.a.trace
    return {
        "a": row.a.network.name,
        "b": row.b.network.name,
        "label": row.label,
        "input": [list(shape) for shape in trace.input_shapes],
        "dtype": trace.dtype,
        **{f"{key}_{end}": value for end, side in _ends(row) for key, value in _side(side)},
        "macs_ratio": row.macs_ratio,
        "bytes_ratio": row.bytes_ratio,
        "closed_form": row.closed_form,
        "predicted_speedup": row.predicted_speedup,
        "measured_speedup": found.median if found else None,
        "ci_low": found.low if found and bounded else None,
        "ci_high": found.high if found and bounded else None,
        "verdict": row.verdict,
        "explanation": explain(row),
        "warnings": [
            {"model": side.name, **asdict(warning)}
            for side in (row.a, row.b)
            for warning in side.warnings
        ],
    }


def _ends(row: Comparison) -> tuple[tuple[str, Side], ...]:
    return ("a", row.a), ("b", row.b)


def _side(side: Side) -> list[tuple[str, Any]]:
    """What a record has of either: costs, bound, times."""
    cost, predicted, latency = side.cost, side.predicted, side.latency
    return [
        *((key, getattr(cost, key)) for key in _COSTS),
        ("predicted_s", predicted.seconds if predicted else None),
        ("latency_s", latency.latency_s if latency else None),
        ("flops_per_s", side.flops_per_s),
        ("bound", predicted.bound if predicted else None),
        ("ridge_point", predicted.ridge_point if predicted else None),
        ("shares", {s.kind: {"macs": s.macs, "time": s.time} for s in shares(side)}),
    ]


def part_records(row: Comparison, by: By | None = None) -> list[dict[str, Any]]:
    """The difference divided: one record a stage or kind."""
    whole = row.a.cost.macs - row.b.cost.macs
    return [_part(part, whole) for part in parts(row, by)]


def _part(part: Part, whole: int) -> dict[str, Any]:
    difference = part.a.macs - part.b.macs
    return {
        "part": part.name,
        "macs_a": part.a.macs,
        "macs_b": part.b.macs,
        "macs_difference": difference,
        "difference_share": difference / whole if whole else None,
        "bytes_moved_a": part.a.bytes_moved,
        "bytes_moved_b": part.b.bytes_moved,
        "predicted_a_s": part.a_seconds,
        "predicted_b_s": part.b_seconds,
    }
