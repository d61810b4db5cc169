"""What every counter is to an audit: a way to ask it, and its convention over our trace."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from torch import nn

from cnnbench.counting.cost import OpCost, Trace
from cnnbench.models.arguments import Arguments
from cnnbench.models.nesting import modules


@dataclass(frozen=True)
class Pass:
    """A pass that has been counted: the network, real arguments, and its trace."""

    net: nn.Module
    arguments: Arguments
    trace: Trace

    def kinds(self, paths: Collection[str]) -> list[str]:
        """What the layers at these places are."""
        found = modules(self.net)
        return sorted({type(found[path]).__name__ for path in paths})


class What(StrEnum):
    """The terms that counters' numbers are made of; the first is ours."""

    MACS = "macs"
    NORM = "normalisation"
    ACTIVATION = "activation"
    POOL = "pooling"
    BIAS = "bias"
    SOFTMAX = "softmax"
    RESIZE = "interpolation"
    ARITHMETIC = "addition_and_product"
    PARAMETERS = "parameters_of_other_layers"
    AGAIN = "layers_counted_twice"
    ONE_IMAGE = "one_image_of_the_batch"
    UNSEEN = "layers_not_seen"
    TRANSPOSED = "transposed_convolution"
    CONSTANT = "computed_from_constants"
    OTHERWISE = "counted_otherwise"


@dataclass(frozen=True)
class Term:
    """A part of what a counter counts, in MACs, and the operator it counts there."""

    what: What
    amount: float
    op: OpCost


@dataclass(frozen=True)
class Habits:
    """A counter's convention in words."""

    batch_norm: str
    pooling: str
    activation: str
    bias: str
    functional: str
    shared_module: str


@dataclass(frozen=True)
class OtherCounter:
    """A counter: `unit` is what it prints for one MAC; `ask` gives its number, whole and by layer.

    It runs a copy of the network, in silence, or reads a file's model, which it leaves as it is. A
    counter that has no number by layer gives none. `terms` is what we expect
    it to count of a pass. Its `module` is what is imported, where that is called otherwise.
    """

    name: str
    unit: int
    habits: Habits
    ask: Callable[..., tuple[int, dict[str, int]]]
    terms: Callable[[Any], Iterator[Term]]
    module: str = ""

    @property
    def prints(self) -> str:
        """The unit's name."""
        return "FLOPs" if self.unit == 2 else "MACs"
