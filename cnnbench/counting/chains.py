"""The cost of many chains that share pieces: each piece is traced once at each shape.

What adds up over a chain is the sum over its pieces. Its peak follows from theirs and from what is
held around a piece meanwhile: a Sequential's caller keeps what it gave it until it returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from cnnbench.counting.cost import Cost, Trace
from cnnbench.counting.tracing.tensors import storage
from cnnbench.counting.tracing.trace import trace
from cnnbench.models.build import outline_piece
from cnnbench.models.inputs import Shape
from cnnbench.models.zoo.chain import Chain, Piece

_BUILT = 64  # pieces kept for their next shape


@dataclass(frozen=True, slots=True)
class ChainCost:
    """What one evaluation pass costs, as `count` has it; `predicted_s` where that was asked."""

    cost: Cost
    peak_activation_bytes: int
    predicted_s: float | None


@dataclass(frozen=True, slots=True)
class _Map:
    """What one piece hands to the next: its shape, and the bytes of the storage it lies in."""

    shape: Shape
    size: int


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece at one map: `beside` is its peak without that map; `in_place`: it wrote on it."""

    cost: Cost
    beside: int
    seconds: float
    output: _Map
    in_place: bool


@dataclass(slots=True)
class _Sum:
    cost: Cost = field(default_factory=Cost)
    peak: int = 0
    seconds: float = 0.0


class ChainCounter:
    """Counts chains at one batch and dtype, each as `count` would, and remembers their pieces."""

    def __init__(
        self,
        batch: int = 1,
        dtype: torch.dtype = torch.float32,
        seconds: Callable[[Trace], float] | None = None,
    ) -> None:
        """`seconds` predicts a piece's pass; it adds up."""
        self._batch = batch
        self._dtype = dtype
        self._seconds = seconds
        self._parts: dict[tuple[Piece, Shape], _Part] = {}
        self._built = lru_cache(_BUILT)(lambda piece: outline_piece(piece, dtype))

    def __call__(self, chain: Chain, input_shape: Shape) -> ChainCost:
        """Count it on (channels, height, width). InputError where a piece cannot take its map."""
        whole = _Sum()
        given = self._empty((self._batch, *input_shape))
        self._walk(chain, _Map(tuple(given.shape), given.nbytes), 0, whole)
        predicted = None if self._seconds is None else whole.seconds
        return ChainCost(whole.cost, whole.peak, predicted)

    def _walk(self, chain: Chain, given: _Map, around: int, whole: _Sum) -> tuple[_Map, bool]:
        """Add up a Sequential while `around` bytes are held beside the map that it is given.

        Returns the map that comes out, and whether that lies where the given one did.
        """
        now, in_place = given, True
        for part in chain.values():
            held = around if in_place else around + given.size
            if isinstance(part, Piece):
                found = self._part(part, now.shape)
                whole.cost += found.cost
                whole.seconds += found.seconds
                whole.peak = max(whole.peak, held + now.size + found.beside)
                out, same = found.output, found.in_place
            else:
                out, same = self._walk(part, now, held, whole)
            now = _Map(out.shape, now.size) if same else out
            in_place = in_place and same
        return now, in_place

    def _part(self, piece: Piece, shape: Shape) -> _Part:
        key = (piece, shape)
        if key not in self._parts:
            self._parts[key] = self._traced(self._built(piece), self._empty(shape))
        return self._parts[key]

    def _traced(self, net: nn.Module, given: Tensor) -> _Part:
        """Trace it, and see what it returns."""
        seen: list[tuple[_Map, bool]] = []

        def look(module: nn.Module, arguments: Any, output: Tensor) -> None:
            of = _Map(tuple(output.shape), output.untyped_storage().nbytes())
            seen.append((of, storage(output) == storage(arguments[0])))

        watching = net.register_forward_hook(look)
        try:
            found = trace(net, [given], restore=False)
        finally:
            watching.remove()
        beside = found.peak_activation_bytes - given.nbytes
        seconds = self._seconds(found) if self._seconds else 0.0
        return _Part(found.total, beside, seconds, *seen[0])

    def _empty(self, shape: Shape) -> Tensor:
        return torch.empty(shape, dtype=self._dtype, device="meta")
