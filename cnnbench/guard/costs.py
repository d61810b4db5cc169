"""What the guard keeps of a pass: its totals, and one line a layer."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cnnbench import units
from cnnbench.counting.cost import OpCost, Trace, total
from cnnbench.counting.metrics import STATIC, Metric
from cnnbench.guard.fields import Text
from cnnbench.models.inputs import Shape

Exact = Annotated[int, Field(strict=True, ge=0, lt=2**63)]


class Layer(BaseModel):
    """One module's operators: what they do, what comes out, what they cost together.

    `live_bytes` is the most activation memory that is alive while one of them runs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    layer: Text
    does: Text
    output: Text
    params: Exact = 0
    macs: Exact = 0
    elementwise_flops: Exact = 0
    activations: Exact = 0
    bytes_moved: Exact = 0
    live_bytes: Exact = 0

    def value(self, metric: Metric) -> int:
        """Its part of a cost; of the peak, what is alive at it."""
        found: int = getattr(self, "live_bytes" if metric is Metric.PEAK else metric)
        return found

    @property
    def described(self) -> str:
        """What it does and what comes out: `conv2d 3x3 64→128, 28x28x128`."""
        return f"{self.does}, {self.output}" if self.output else self.does


class Costs(BaseModel):
    """A model's costs as a baseline holds them; the totals are those of its layers."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    input: list[list[Exact]]
    dtype: Text
    macs: Exact
    params: Exact
    peak_activation_bytes: Exact
    activations: Exact
    elementwise_flops: Exact
    bytes_moved: Exact
    uncounted: dict[Text, Exact] = {}
    layers: list[Layer]

    def value(self, metric: Metric) -> int:
        """The total."""
        found: int = getattr(self, metric)
        return found

    @model_validator(mode="after")
    def _adds_up(self) -> Costs:
        for metric in STATIC:
            parts = [layer.value(metric) for layer in self.layers]
            if metric is Metric.PEAK and not parts:
                continue  # it is the input's
            whole = max(parts) if metric is Metric.PEAK else sum(parts)
            if whole != self.value(metric):
                raise ValueError(
                    f"{metric} {self.value(metric)} is not that of its layers, {whole}"
                )
        return self


def costs(trace: Trace) -> Costs:
    """What a baseline keeps of a trace."""
    sums = trace.total
    return Costs(
        input=[list(shape) for shape in trace.input_shapes],
        dtype=trace.dtype,
        macs=sums.macs,
        params=sums.params,
        peak_activation_bytes=trace.peak_activation_bytes,
        activations=sums.activations,
        elementwise_flops=sums.elementwise_flops,
        bytes_moved=sums.bytes_moved,
        uncounted=dict(sorted(trace.uncounted.items())),
        layers=layers(trace),
    )


def layers(trace: Trace) -> list[Layer]:
    """One record a module that ran operators itself, in the order of their first."""
    modules: dict[str, list[OpCost]] = {}
    for op in trace.operators:
        modules.setdefault(op.path, []).append(op)
    return [_layer(path, operators) for path, operators in modules.items()]


def _layer(path: str, operators: list[OpCost]) -> Layer:
    cost = total([op.cost for op in operators])
    return Layer(
        layer=path,
        does=" + ".join(dict.fromkeys(map(_does, operators))),
        output=units.feature_map(operators[-1].output),
        params=cost.params,
        macs=cost.macs,
        elementwise_flops=cost.elementwise_flops,
        activations=cost.activations,
        bytes_moved=cost.bytes_moved,
        live_bytes=max(op.live_bytes for op in operators),
    )


def _does(op: OpCost) -> str:
    """`conv2d 3x3 /2 g32 64→128`: the operator, its window, its groups, its channels."""
    words = [op.operator, units.window(op.kernel, op.stride)]
    words += [f"g{op.groups}"] if op.groups > 1 else []
    if op.weight and op.inputs and not op.backward:
        words.append(f"{_channels(op.inputs[0], op)}→{_channels(op.output, op)}")
    return " ".join(filter(None, words))


def _channels(shape: Shape, op: OpCost) -> int:
    """Of a map the second side, of what a linear layer takes or gives the last."""
    return shape[1] if op.kernel and len(shape) > 2 else shape[-1] if shape else 1
