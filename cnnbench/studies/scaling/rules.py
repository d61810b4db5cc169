"""Which networks a fit tries: those near published ones, those of the papers' rules, or any."""

from __future__ import annotations

from collections.abc import Sequence

from cnnbench.models.registry import MODELS
from cnnbench.models.scale import Axis, Compound, at, axes, grid_shares, moved, multiplied
from cnnbench.models.spec import Spec, parse
from cnnbench.studies.scaling.budget import Rule
from cnnbench.studies.scaling.variants import Near, candidates

_PHIS = [step / 20 for step in range(-40, 141)]  # from -2, below B0, to 7


def networks(
    spec: Spec, rule: Rule, number: int, published: Sequence[Spec] = (), near: Near | None = None
) -> list[Spec]:
    """Networks to try: the published ones first, as they are called, then about `number` others.

    An axis that the spec writes down is held there. The rule of a paper makes as many as it makes:
    compound scaling from phi -2 to 7 (Tan & Le 2019, equation 3), else widths by resolutions, of
    MobileNet v1's paper where its own has none.
    """
    held = [axis for axis in axes(spec) if axis in spec.written]
    known = [one for one in published if all(at(one, axis) == at(spec, axis) for axis in held)]
    if rule is Rule.COMPOUND:
        return [*known, *_by_rule(spec, held)]
    return [*known, *candidates(spec, number, near if rule is Rule.NEAR else None)]


def _by_rule(spec: Spec, held: Sequence[Axis]) -> list[Spec]:
    """Compound scaling from its paper's first network, which phi 0 is; of others a grid."""
    shares, first = grid_shares(spec), spec
    if Axis.DEPTH in axes(spec):
        shares = [Compound().shares(phi) for phi in _PHIS]
        named = next(model for model in MODELS if model.paper == spec.model.paper)
        origin = parse(named.name)
        assert isinstance(origin, Spec)
        free = [axis for axis in axes(spec) if axis not in held]
        first = moved(spec, {axis: at(origin, axis) for axis in free})
    return [
        multiplied(first, {axis: share for axis, share in one.items() if axis not in held})
        for one in shares
    ]
