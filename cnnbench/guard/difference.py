"""What differs between two networks: layer by layer, matched as a check matches them."""

from __future__ import annotations

from dataclasses import dataclass

from cnnbench.counting.cost import OpCost, Trace
from cnnbench.guard.changes import Change, Pair, kind_of, pairs
from cnnbench.guard.costs import Layer, does, layers


@dataclass(frozen=True)
class Difference:
    """One layer of either network, as it was and is; None where it is not in one."""

    change: Change
    before: Layer | None
    after: Layer | None

    @property
    def layer(self) -> str:
        """Its name by now, or what it was called."""
        found = self.after or self.before
        return found.layer if found else ""

    def macs(self) -> int:
        """What it costs more, in MACs."""
        return _costs(self.after)[0] - _costs(self.before)[0]

    def params(self) -> int:
        """What it costs more, in params."""
        return _costs(self.after)[1] - _costs(self.before)[1]


def differences(before: Trace, after: Trace) -> list[Difference]:
    """The layers that do something else, give another shape, or differ in MACs or params.

    In the order of the second network, with what is gone behind what it stood behind. Two formats
    have names of their own for the same operators, which then go by their kinds.
    """
    words = does if before.file == after.file else _by_kind
    old, new = layers(before, words), layers(after, words)
    return [
        Difference(kind_of(was, now, _costs(was), _costs(now)), was, now)
        for was, now in _ordered(pairs(old, new), old, new)
        if was is None
        or now is None
        or (was.described, _costs(was)) != (now.described, _costs(now))
    ]


def _by_kind(op: OpCost) -> str:
    return does(op, str(op.kind))


def _costs(layer: Layer | None) -> tuple[int, int]:
    """MACs, by which a layer is costlier, and params, where MACs are the same."""
    return (layer.macs, layer.params) if layer else (0, 0)


def _ordered(paired: list[Pair], before: list[Layer], after: list[Layer]) -> list[Pair]:
    """As the second network has them; a layer that is gone follows the one before it."""
    now_at = {layer.layer: place for place, layer in enumerate(after)}
    became = {was.layer: now for was, now in paired if was}
    places: dict[str, float] = {}
    last = -1.0
    for layer in before:
        now = became[layer.layer]
        last = now_at[now.layer] if now else last + 1e-6
        places[layer.layer] = last
    return sorted(
        paired,
        key=lambda pair: now_at[pair[1].layer] if pair[1] else places[pair[0].layer],  # type: ignore[union-attr]
    )
