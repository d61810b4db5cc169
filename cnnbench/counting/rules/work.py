"""What an operator computes, as a rule says it. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from cnnbench.counting.cost import Kind
from cnnbench.counting.rules import convention
from cnnbench.models.inputs import Shape


class Shaped(Protocol):
    """What rules read of a tensor: of torch's, or of a value in a file's graph."""

    @property
    def shape(self) -> Shape:
        """Its sides."""
        ...

    @property
    def layout(self) -> Any:
        """How its numbers are stored."""
        ...

    def numel(self) -> int:
        """Elements."""
        ...

    def dim(self) -> int:
        """Dimensions."""
        ...


@dataclass(frozen=True, slots=True)
class Work:
    """What an operator computes, before parameters and bytes are known.

    `name` is what people call it, where torch's name says less (a hardtanh from 0 to 6).
    """

    kind: Kind
    macs: int = 0
    elementwise_flops: int = 0
    activations: int = 0
    weight: Shape | None = None
    kernel: Shape = ()
    stride: Shape = ()
    dilation: Shape = ()
    groups: int = 1
    name: str = ""

    def activated(self, elements: int) -> Work:
        """With an activation of so many elements, which the operator has taken in."""
        flops = self.elementwise_flops + elements * convention.ACTIVATION
        return replace(self, elementwise_flops=flops)


Rule = Callable[..., Work]
