"""A network as a chain: pieces that run one after the other, in stages.

What two networks of a family share is told by equal pieces, without building either.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Union

from torch import nn

from cnnbench.models.zoo.layers import sequence


@dataclass(frozen=True)
class Piece:
    """A module still to be built; equal pieces build equal modules."""

    make: Callable[..., nn.Module]
    arguments: tuple[Hashable, ...]
    keywords: tuple[tuple[str, Hashable], ...] = ()

    def build(self) -> nn.Module:
        """Build it anew."""
        return self.make(*self.arguments, **dict(self.keywords))


def piece(make: Callable[..., nn.Module], *arguments: Any, **keywords: Any) -> Piece:
    """`make(*arguments, **keywords)`, later."""
    return Piece(make, arguments, tuple(keywords.items()))


# In execution order, by name; a stage is a chain of its own.
Chain = Mapping[str, Union[Piece, "Chain"]]


def assemble(chain: Chain) -> nn.Sequential:
    """Build the network: a Sequential of pieces and of stages, which are Sequentials too."""
    return sequence(
        **{
            name: part.build() if isinstance(part, Piece) else assemble(part)
            for name, part in chain.items()
        }
    )
