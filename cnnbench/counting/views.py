"""Views of a trace: its totals, its layers, its kinds of operator, as plain records."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cnnbench.counting.cost import Kind, OpCost, Trace, total
from cnnbench.counting.division import names
from cnnbench.counting.memory import alive
from cnnbench.counting.totals import place, totals

if TYPE_CHECKING:
    import pandas as pd


def summary(trace: Trace) -> dict[str, Any]:
    """Totals under the vocabulary's words, and what a reader must know beside them."""
    return totals(trace).record()


def layers(trace: Trace) -> list[dict[str, Any]]:
    """One record an operator, in execution order, with its share of the MACs."""
    macs = trace.total.macs
    held = {buffer.born for buffer in alive(trace.buffers, trace.peak) if buffer.output}
    called = names(trace.operators)
    return [
        {
            **place(op),
            "name": called[index],
            "kind": str(op.kind),
            "inputs": [list(shape) for shape in op.inputs],
            "output": list(op.output),
            "kernel": list(op.kernel),
            "stride": list(op.stride),
            "dilation": list(op.dilation),
            "groups": op.groups,
            **op.cost.record(),
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
                **cost.record(),
                "weights": weights[kind],
                "macs_share": _share(cost.macs, whole.macs),
                "params_share": _share(cost.params, whole.params),
                "weights_share": _share(weights[kind], sum(weights.values())),
                "bytes_share": _share(cost.bytes_moved, whole.bytes_moved),
                "live_bytes": max(op.live_bytes for op in ops),
            }
        )
    return rows


def _of(trace: Trace, kind: Kind) -> list[OpCost]:
    return [op for op in trace.operators if op.kind is kind]


def _weights(op: OpCost) -> int:
    """Kernel elements that this operator was the first to read."""
    return min(math.prod(op.weight), op.cost.params) if op.weight else 0


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
