"""Which layers changed between two passes, whatever they are called by now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

from cnnbench.guard.costs import Layer


class Change(StrEnum):
    """What became of a layer."""

    ADDED = "added"
    REMOVED = "removed"
    RESHAPED = "reshaped"
    COSTLIER = "costlier"
    CHEAPER = "cheaper"


@dataclass(frozen=True)
class LayerChange:
    """One layer before and after: what it did and does, and one cost of it."""

    layer: str
    change: Change
    before: str
    after: str
    baseline: float
    current: float

    @property
    def difference(self) -> float:
        """What it costs more."""
        return self.current - self.baseline


Pair = tuple[Layer | None, Layer | None]
Value = Callable[[Layer], float]


def pairs(before: Sequence[Layer], after: Sequence[Layer]) -> list[Pair]:
    """Each layer beside what it was; None where it was not, or is no more.

    Layers that differ in nothing but their name are the same: one put into an `nn.Sequential`
    renames all that follow. What is left over goes together by name.
    """
    found: list[Pair] = []
    left_before: list[Layer] = []
    left_after: list[Layer] = []
    for old, new in _aligned(before, after, lambda layer: layer):
        if old == new:
            found += zip(old, new, strict=True)
            continue
        for was, now in _aligned(old, new, _unnamed):
            if list(map(_unnamed, was)) == list(map(_unnamed, now)):
                found += zip(was, now, strict=True)
            else:
                left_before += was
                left_after += now
    named = {layer.layer: layer for layer in left_after}
    for layer in left_before:
        found.append((layer, named.pop(layer.layer, None)))
    return found + [(None, layer) for layer in named.values()]


def changes(
    paired: Iterable[Pair], was: Value, now: Value, *, rising: bool = True
) -> list[LayerChange]:
    """The layers whose cost changed, what pushed the total in its direction first.

    `was` and `now` give a layer's cost before and after.
    """
    found = [
        _change(before, after, was(before) if before else 0, now(after) if after else 0)
        for before, after in paired
    ]
    sign = -1 if rising else 1
    return sorted((c for c in found if c.difference), key=lambda c: sign * c.difference)


def _change(before: Layer | None, after: Layer | None, was: float, now: float) -> LayerChange:
    old, new = (layer.described if layer else "" for layer in (before, after))
    name = (after or before).layer  # type: ignore[union-attr]
    return LayerChange(name, kind_of(before, after, was, now), old, new, was, now)


def kind_of(before: Layer | None, after: Layer | None, was: Any, now: Any) -> Change:
    """What became of a layer that cost `was` and costs `now`."""
    if before is None or after is None:
        return Change.ADDED if before is None else Change.REMOVED
    if before.described != after.described:
        return Change.RESHAPED
    return Change.COSTLIER if now > was else Change.CHEAPER


def _aligned(
    before: Sequence[Layer], after: Sequence[Layer], key: Callable[[Layer], Layer]
) -> Iterator[tuple[list[Layer], list[Layer]]]:
    """Runs of both that are equal by `key`, and what lies between them."""
    old, new = list(map(key, before)), list(map(key, after))
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for _, a, b, c, d in matcher.get_opcodes():
        yield list(before[a:b]), list(after[c:d])


def _unnamed(layer: Layer) -> Layer:
    return replace(layer, layer="", live_bytes=0)
