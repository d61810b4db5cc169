"""Views of a measurement as plain records, under the vocabulary's words, in base units."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cnnbench.timing.latency import Latency
from cnnbench.timing.measure_layers import LayerTimes


def record(latency: Latency, *, raw: bool = False) -> dict[str, Any]:
    """One latency; with `raw` every sample too."""
    whole = asdict(latency)
    setting, sample = whole.pop("setting"), whole.pop("sample")
    head = {key: whole.pop(key) for key in ("model", "input", "dtype", "device")}
    head["input"] = [list(shape) for shape in latency.input]
    head["dtype"] = head["dtype"] or setting["dtype"]
    whole["warnings"] = [asdict(warning) for warning in latency.warnings]
    ways = {key: value for key, value in setting.items() if key != "dtype"}
    samples = {"samples_s": list(sample["seconds"]) if sample else []} if raw else {}
    return {**head, **ways, **whole, **samples}


def layers(times: LayerTimes) -> list[dict[str, Any]]:
    """One record an operator, in execution order; `share` is of the whole pass."""
    whole = times.whole.latency_s or 0.0
    return [
        {
            "layer": op.cost.path,
            "operator": op.cost.operator,
            "kind": str(op.cost.kind),
            "output": list(op.cost.output),
            "time_s": op.time_s,
            "share": op.time_s / whole if whole else 0.0,
            "macs": op.cost.cost.macs,
            "flops": op.cost.cost.flops,
            "elementwise_flops": op.cost.cost.elementwise_flops,
            "bytes_moved": op.cost.cost.bytes_moved,
            "intensity": op.cost.cost.intensity,
            "flops_per_s": op.flops_per_s,
            "bound": op.bound,
            "fraction_of_bound": op.fraction_of_bound,
        }
        for op in times.operators
    ]
