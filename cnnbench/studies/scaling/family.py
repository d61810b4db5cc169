"""A family of networks by the rule that makes it: compound scaling, or widths by resolutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch

from cnnbench.counting.chains import ChainCost, ChainCounter
from cnnbench.errors import SpecError
from cnnbench.models.build import chain_of
from cnnbench.models.scale import (
    Axis,
    Compound,
    at,
    axes,
    grid_shares,
    macs_share,
    multiplied,
    scalable,
)
from cnnbench.models.spec import Spec, parse
from cnnbench.models.zoo.chain import Chain, Piece
from cnnbench.roofline.predict import Predictor

_LEAST_STEP = 0.099  # of phi
_RELEASED = [f"efficientnet_b{number}" for number in range(8)]


@dataclass(frozen=True)
class Scaled:
    """A network of the family: `shares` of the first one's axes, and what it costs.

    `released` is its name where its authors gave it one; `phi` is the formula's, or the place among
    the released. `ideal_macs` are the first one's times d w² r², `ideal_blocks` times d. `growth`
    is what a unit of phi multiplied MACs by since the one before of the same origin, where that is
    at least a tenth away: from one step of rounding to the next says nothing.
    """

    spec: Spec
    shares: Mapping[Axis, float]
    costs: ChainCost
    blocks: int
    ideal_blocks: float
    ideal_macs: float
    phi: float | None = None
    released: str | None = None
    growth: float | None = None

    @property
    def macs(self) -> int:
        """Counted."""
        return self.costs.cost.macs


class Family:
    """Counts networks made from `base` at one batch and dtype."""

    def __init__(
        self,
        base: Spec,
        batch: int = 1,
        dtype: torch.dtype = torch.float32,
        predictor: Predictor | None = None,
    ) -> None:
        """Predict times too where there is a predictor."""
        self.base = base
        self._counter = ChainCounter(batch, dtype, predictor.seconds if predictor else None)
        self._blocks = blocks(chain_of(base))
        self.macs = self.cost(base).cost.macs

    def cost(self, spec: Spec) -> ChainCost:
        """Count one."""
        return self._counter(chain_of(spec), spec.input_shape)

    def grid(self) -> list[Scaled]:
        """Widths by resolutions."""
        return [
            self._scaled(multiplied(self.base, shares), shares) for shares in grid_shares(self.base)
        ]

    def formula(self, compound: Compound, phis: Sequence[float]) -> list[Scaled]:
        """Scaled by alpha^phi, beta^phi and gamma^phi, in this order.

        SpecError where an axis does not go so far.
        """
        rows = []
        for phi in phis:
            shares = compound.shares(phi)
            try:
                spec = multiplied(self.base, shares)
            except SpecError as error:
                raise SpecError(f"phi {phi:g} goes too far: {error}") from error
            rows.append(self._scaled(spec, shares, phi=phi))
        return _grown(rows)

    def released(self) -> list[Scaled]:
        """B0 to B7 where the base is B0; else none."""
        if str(self.base) != _RELEASED[0]:
            return []
        rows = []
        for phi, name in enumerate(_RELEASED):
            spec = scalable(parse(name))
            shares = {axis: at(spec, axis) / at(self.base, axis) for axis in axes(spec)}
            rows.append(self._scaled(spec, shares, phi=float(phi), released=name))
        return _grown(rows)

    def _scaled(self, spec: Spec, shares: Mapping[Axis, float], **named: Any) -> Scaled:
        return Scaled(
            spec,
            shares,
            costs=self.cost(spec),
            blocks=blocks(chain_of(spec)),
            ideal_blocks=self._blocks * shares.get(Axis.DEPTH, 1.0),
            ideal_macs=self.macs * macs_share(shares),
            **named,
        )


def blocks(chain: Chain) -> int:
    """Repeated pieces: all but the stem and the head."""
    return sum(
        name.startswith("block") if isinstance(part, Piece) else blocks(part)
        for name, part in chain.items()
    )


def _grown(rows: list[Scaled]) -> list[Scaled]:
    """Each with its growth since the one before, for one unit of phi."""
    pairs = pairwise(rows)
    return rows[:1] + [replace(row, growth=_growth(before, row)) for before, row in pairs]


def _growth(before: Scaled, row: Scaled) -> float | None:
    step = (row.phi or 0.0) - (before.phi or 0.0)
    return (row.macs / before.macs) ** (1 / step) if step >= _LEAST_STEP else None
