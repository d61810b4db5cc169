"""Views of a trace: its totals, its layers, its kinds of operator, as plain records."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cnnbench.counting.cost import Cost, Kind, OpCost, Trace, total
from cnnbench.counting.memory import alive

if TYPE_CHECKING:
    import pandas as pd


def summary(trace: Trace) -> dict[str, Any]:
    """Totals under the vocabulary's words, and what a reader must know beside them."""
    return {
        "input": [list(shape) for shape in trace.input_shapes],
        "dtype": trace.dtype,
        **_cost(trace.total),
        "peak_activation_bytes": trace.peak_activation_bytes,
        "peak_operator": _place(trace.operators[trace.peak]) if trace.operators else None,
        "arena_bytes": trace.arena_bytes,
        "frozen_params": trace.frozen_params,
        "unread_params": trace.unread_params,
        "uncounted": trace.uncounted,
        "training": trace.trained,
        **({"forward": _cost(trace.forward)} if trace.trained else {}),
        **({"backward": _cost(trace.backward)} if trace.trained else {}),
    }


def layers(trace: Trace) -> list[dict[str, Any]]:
    """One record an operator, in execution order, with its share of the MACs."""
    macs = trace.total.macs
    held = {buffer.born for buffer in alive(trace.buffers, trace.peak) if buffer.output}
    return [
        {
            **_place(op),
            "kind": str(op.kind),
            "inputs": [list(shape) for shape in op.inputs],
            "output": list(op.output),
            "kernel": list(op.kernel),
            "stride": list(op.stride),
            "groups": op.groups,
            **_cost(op.cost),
            "live_bytes": op.live_bytes,
            "held_at_peak": index in held,
            "is_peak": index == trace.peak,
            "macs_share": _share(op.cost.macs, macs),
        }
        for index, op in enumerate(trace.operators)
    ]


def frame(trace: Trace) -> pd.DataFrame:
    """`layers` as a pandas table."""
    import pandas as pd

    return pd.DataFrame(layers(trace))


def kinds(trace: Trace) -> list[dict[str, Any]]:
    """One record a kind of operator that ran, with its shares.

    `weights` are the elements of kernels and matrices alone, without biases and normalisation:
    what papers count when they split parameters by kind (MobileNet, table 2).
    """
    whole = trace.total
    weights = {kind: sum(_weights(op) for op in _of(trace, kind)) for kind in Kind}
    rows = []
    for kind in Kind:
        if not (ops := _of(trace, kind)):
            continue
        cost = total([op.cost for op in ops])
        rows.append(
            {
                "kind": str(kind),
                "operators": len(ops),
                **_cost(cost),
                "weights": weights[kind],
                "macs_share": _share(cost.macs, whole.macs),
                "params_share": _share(cost.params, whole.params),
                "weights_share": _share(weights[kind], sum(weights.values())),
                "bytes_share": _share(cost.bytes_moved, whole.bytes_moved),
            }
        )
    return rows


def _place(op: OpCost) -> dict[str, str]:
    return {"layer": op.path, "operator": op.operator}


def _of(trace: Trace, kind: Kind) -> list[OpCost]:
    return [op for op in trace.operators if op.kind is kind]


def _weights(op: OpCost) -> int:
    """Kernel elements that this operator was the first to read."""
    return min(math.prod(op.weight), op.cost.params) if op.weight else 0


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "params": cost.params,
        "macs": cost.macs,
        "flops": cost.flops,
        **{k: v for k, v in asdict(cost).items() if k not in ("params", "macs")},
        "intensity": cost.intensity,
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
