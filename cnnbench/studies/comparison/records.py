"""Views of a comparison as plain records, under the vocabulary's words, in base units."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from cnnbench.counting.cost import OpCost, total
from cnnbench.counting.division import By
from cnnbench.studies.comparison.comparison import Comparison, Side
from cnnbench.studies.comparison.explain import explain, shares
from cnnbench.studies.papers.accuracy import Accuracy, together
from cnnbench.timing.by_layer.causes import NAMES
from cnnbench.timing.samples.statistics import Interval

_COSTS = ("params", "macs", "flops", "activations", "bytes_moved", "intensity")


def record(row: Comparison) -> dict[str, Any]:
    """One row; what was not measured or predicted is None."""
    found = row.measured
    trace, sides = row.a.trace, {"a": row.a, "b": row.b}
    stand = together([side.accuracies for side in sides.values()])
    return {
        "a": row.a.model,
        "b": row.b.model,
        "label": row.label,
        "input": [list(shape) for shape in trace.input_shapes],
        "input_b": [list(shape) for shape in row.b.trace.input_shapes],
        "dtype": row.b.dtype,
        "backend": row.b.run_in.backend,
        **{
            f"{key}_{end}": value
            for (end, side), printed in zip(sides.items(), stand, strict=True)
            for key, value in _side(side, printed).items()
        },
        "macs_ratio": row.macs_ratio,
        "bytes_ratio": row.bytes_ratio,
        "closed_form": row.closed_form,
        "predicted_speedup": row.predicted_speedup,
        "measured_speedup": found.median if found else None,
        **bounds("ci", found),
        **bounds("run", row.run),
        "verdict": row.verdict,
        "failure": row.failure,
        "explanation": explain(row),
        "warnings": [
            {"model": side.name, **asdict(warning)}
            for side in sides.values()
            for warning in side.warnings
        ],
    }


def bounds(name: str, found: Interval | None) -> dict[str, float | None]:
    """The ends of a ratio's interval by their names; None where it has none."""
    bounded = found is not None and found.low > 0 and math.isfinite(found.high)
    ends = (found.low, found.high) if found and bounded else (None, None)
    return dict(zip((f"{name}_low", f"{name}_high"), ends, strict=True))


def _side(side: Side, accuracy: Accuracy | None) -> dict[str, Any]:
    """What a record has of either: costs, bound, times."""
    cost, predicted = side.cost, side.predicted
    return {
        **{key: getattr(cost, key) for key in _COSTS},
        "accuracy": accuracy.record() if accuracy else None,
        "dtype": side.dtype,
        "backend": side.run_in.backend,
        "predicted_s": side.predicted_s,
        "latency_s": side.latency_s,
        "flops_per_s": side.flops_per_s,
        "bound": predicted.bound if predicted else None,
        "ridge_point": predicted.ridge_point if predicted else None,
        **{name: side.causes and getattr(side.causes, name) for name in NAMES},
        "shares": {one.kind: {"macs": one.macs, "time": one.time} for one in shares(side)},
    }


def part_records(row: Comparison, by: By | None = None) -> list[dict[str, Any]]:
    """The difference divided: one record a stage or kind in the order in which they run, a's first.

    By default by stage where the two share their stages, else by kind of operator.
    """
    sides = (row.a, row.b)
    if by is None:
        stages = [{_stage(op) for op in side.trace.operators} for side in sides]
        shared = stages[0] == stages[1] and len(stages[0]) > 1
        by = By.STAGE if shared else By.KIND
    names = dict.fromkeys(_part_of(op, by) for side in sides for op in side.trace.operators)
    return [_part(name, row, by) for name in names]


def _part(name: str, row: Comparison, by: By) -> dict[str, Any]:
    a, b = (
        total([op.cost for op in side.trace.operators if _part_of(op, by) == name])
        for side in (row.a, row.b)
    )
    difference, whole = a.macs - b.macs, row.a.cost.macs - row.b.cost.macs
    return {
        "part": name,
        "macs_a": a.macs,
        "macs_b": b.macs,
        "macs_difference": difference,
        "difference_share": difference / whole if whole else None,
        "bytes_moved_a": a.bytes_moved,
        "bytes_moved_b": b.bytes_moved,
        "predicted_a_s": _seconds(row.a, name, by),
        "predicted_b_s": _seconds(row.b, name, by),
    }


def _seconds(side: Side, name: str, by: By) -> float | None:
    if side.predicted is None:
        return None
    return sum(op.seconds for op in side.predicted.operators if _part_of(op.cost, by) == name)


def _part_of(op: OpCost, by: By) -> str:
    return str(op.kind) if by is By.KIND else _stage(op)


def _stage(op: OpCost) -> str:
    """The top level of the network that it stands in."""
    return op.path.partition(".")[0] or op.operator
