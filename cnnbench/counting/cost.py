"""The one cost type, what one operator costs, and the trace that everything static is a view of."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field

from cnnbench import units
from cnnbench.counting.memory import Buffer, arena
from cnnbench.models.given import On
from cnnbench.models.inputs import Shape


class Kind(StrEnum):
    """What an operator is, as papers divide a network's cost."""

    POINTWISE = "1x1 convolution"
    DEPTHWISE = "depthwise convolution"
    CONVOLUTION = "k x k convolution"
    LINEAR = "linear"
    MATMUL = "matrix product"
    NORMALISATION = "normalisation"
    ACTIVATION = "activation"
    POOLING = "pooling"
    OTHER = "other"


# Within bounds that any pass keeps, so that no file makes nonsense of a page.
Count = Annotated[int, Field(strict=True, ge=0, le=10**24)]


@dataclass(frozen=True, slots=True)
class Cost:
    """What adds up over operators; exact integers. Peak memory does not add and is not here.

    params: elements of parameters first read here; macs: multiply-accumulates; elementwise_flops:
    by the convention table; activations: output elements of convolutions and linear layers;
    bytes_moved: inputs + weights + outputs, unfused.
    """

    params: Count = 0
    macs: Count = 0
    elementwise_flops: Count = 0
    activations: Count = 0
    bytes_moved: Count = 0

    def __add__(self, other: Cost) -> Cost:
        """Add field by field."""
        return Cost(
            self.params + other.params,
            self.macs + other.macs,
            self.elementwise_flops + other.elementwise_flops,
            self.activations + other.activations,
            self.bytes_moved + other.bytes_moved,
        )

    def record(self) -> dict[str, Any]:
        """The fields and what follows from them, under the vocabulary's words."""
        own = {field.name: getattr(self, field.name) for field in fields(Cost)}
        head = {"params": own.pop("params"), "macs": own.pop("macs"), "flops": self.flops}
        return {**head, **own, "intensity": self.intensity}

    @property
    def flops(self) -> int:
        """2 * macs, always."""
        return 2 * self.macs

    @property
    def intensity(self) -> float:
        """(flops + elementwise_flops) / bytes_moved, in FLOP per byte; 0 where nothing moves."""
        work = self.flops + self.elementwise_flops
        return work / self.bytes_moved if self.bytes_moved else 0.0


def total(costs: list[Cost]) -> Cost:
    """Sum of costs; of none, zero."""
    return sum(costs, Cost())


@dataclass(frozen=True, slots=True)
class OpCost:
    """One operator as it ran: where, on which shapes, at what cost.

    `weight` is the kernel or matrix of an operator that has MACs, without its bias; `live_bytes`
    is the sum of activation storages alive while the operator runs; `backward` tells the pass,
    `channels_last` that maps are [N, *S, C], as some files have them; `node` is what a file calls
    it. `sources` are the places in the trace of the operators that made what it reads, each once,
    -1 of the first input of the pass, -2 of the second.
    """

    path: str
    operator: str
    kind: Kind
    inputs: tuple[Shape, ...]
    output: Shape
    cost: Cost
    live_bytes: int
    weight: Shape | None = None
    kernel: Shape = ()
    stride: Shape = ()
    dilation: Shape = ()
    groups: int = 1
    backward: bool = False
    channels_last: bool = False
    node: str = ""
    sources: tuple[int, ...] = ()

    @property
    def filters(self) -> int:
        """Channels of a convolution's output."""
        return self.output[-1 if self.channels_last else -1 - len(self.kernel)]

    @property
    def sides(self) -> Shape:
        """The sides of an output's map, without its images and channels."""
        return self.output[1:-1] if self.channels_last else self.output[2:]

    @property
    def feature_map(self) -> str:
        """The output as people read it: 56x56x64."""
        return units.feature_map(self.output, self.channels_last)


@dataclass(frozen=True)
class Trace:
    """The operators of one pass in execution order, and what the pass left unread.

    Inference is a forward pass, training a forward and a backward one. `returned` are the tensors
    that it returns: the place of the operator that made one, or of an input as in `sources`, and
    its shape. `buffers` are the activation storages, `weight_bytes` those of parameters and
    buffers; `unread_params` are elements of parameters that nothing read, by module (auxiliary
    heads); `frozen_params` those that are not trainable, `zero_params` elements of weights that are
    zero; `uncounted` names operators that the convention table does not know, by how often they
    ran, `by_formula` those that were counted by what their authors registered with torch. Where it
    was counted on values, `values_asked_at` is the code that asked for them; `random` tells that
    random numbers decide the cost. Of a file `file` is the format, and `branches` are the
    conditions of which the costlier branch is counted.
    """

    operators: tuple[OpCost, ...]
    input_shapes: tuple[Shape, ...]
    input_bytes: int
    dtype: str
    returned: tuple[tuple[int, Shape], ...] = ()
    weight_bytes: int = 0
    frozen_params: int = 0
    zero_params: int = 0
    unread_params: dict[str, int] = field(default_factory=dict)
    uncounted: dict[str, int] = field(default_factory=dict)
    by_formula: dict[str, int] = field(default_factory=dict)
    buffers: tuple[Buffer, ...] = ()
    counted_on: On = On.SHAPES
    values_asked_at: str = ""
    random: bool = False
    file: str = ""
    branches: tuple[str, ...] = ()

    @property
    def channels_last(self) -> bool:
        """Whether maps are [N, *S, C]."""
        return any(op.channels_last for op in self.operators)

    @cached_property
    def total(self) -> Cost:
        """Sum over all operators; `params` are the network's, read or not."""
        ran = total([op.cost for op in self.operators])
        return replace(ran, params=ran.params + self.idle_params)

    @property
    def idle_params(self) -> int:
        """Elements of parameters that nothing read."""
        return sum(self.unread_params.values())

    @cached_property
    def forward(self) -> Cost:
        """Sum over the operators of the forward pass."""
        return total([op.cost for op in self.operators if not op.backward])

    @cached_property
    def backward(self) -> Cost:
        """Sum over the operators of the backward pass; zero where none was counted."""
        return total([op.cost for op in self.operators if op.backward])

    @cached_property
    def trained(self) -> bool:
        """Whether it has a backward pass."""
        return any(op.backward for op in self.operators)

    @cached_property
    def peak(self) -> int:
        """Index of the first operator at which the most activation bytes are alive; -1 of none."""
        sizes = [op.live_bytes for op in self.operators]
        return sizes.index(max(sizes)) if sizes else -1

    @property
    def peak_activation_bytes(self) -> int:
        """Largest sum of live activation storages, the input's included, the weights' not."""
        return self.operators[self.peak].live_bytes if self.operators else self.input_bytes

    @cached_property
    def arena_bytes(self) -> int:
        """The arena that a planner which sees the whole pass would take for them."""
        return arena(self.buffers) if self.operators else self.input_bytes
