"""The shapes that a file's inputs take: its own, and what is left open by what is given."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cnnbench import units
from cnnbench.counting.files.graph import BITS
from cnnbench.errors import InputError, NoInputError, ShapeError, nearest
from cnnbench.models.given import Given
from cnnbench.models.inputs import MAX_ELEMENTS, Input, Shape, batched

Side = int | str  # a number, or the name of one that is left open
_MOST_SIDES = 64
_NO_BATCH = re.compile(r"seq|time|len|height|width|frame|sample|chunk|token|step|freq", re.I)


@dataclass(frozen=True)
class Taken:
    """One input as a file declares it; `sides` is None where it does not say how many there are."""

    name: str
    sides: tuple[Side, ...] | None
    dtype: str

    def __str__(self) -> str:
        """Its name and shape: `x of batch x 3 x 224 x 224`."""
        if self.sides is None:
            return f"{self.name} of any shape"
        return f"{self.name} of {'x'.join(map(str, self.sides)) or 'one number'}"

    def is_batch(self, index: int) -> bool:
        """Whether a side is left open and is, by its name or its place in front, a batch."""
        sides = self.sides or ()
        side = sides[index]
        if not isinstance(side, str):
            return False
        in_front = not index and len(sides) > 1 and not _NO_BATCH.search(side)
        return in_front or "batch" in side.lower()


def shapes_of(path: Path, takes: Sequence[Taken], given: Given, batch: int) -> list[Shape]:
    """The shape of every input; a side that is open in two of them is the same in both.

    NoInputError names what is left open, InputError what does not fit.
    """
    by_name = _assigned(path, takes, given.inputs)
    known: dict[str, int] = {}
    found: list[Shape | None] = []
    for one in takes:
        asked = by_name.get(one.name)
        found.append(None if asked is None else _fitting(path, one, asked, given, batch, known))
    shapes = [
        _completed(path, one, batch, known) if shape is None else shape
        for one, shape in zip(takes, found, strict=True)
    ]
    opened = any(one.is_batch(at) for one in takes for at in range(len(one.sides or ())))
    if batch > 1 and not opened and all(one.sides for one in takes):
        firsts = {shape[0] for shape in shapes if shape}
        if batch not in firsts:
            built = ", ".join(sorted(map(str, firsts)))
            raise InputError(f"{path} has a batch of {built} built in; leave --batch out")
    for one, shape in zip(takes, shapes, strict=True):
        check_size(path, one.name, shape)
        if one.dtype not in BITS:
            raise ShapeError(f"{path}: {one.name} is no tensor of numbers: {one.dtype}")
    return shapes


def _assigned(path: Path, takes: Sequence[Taken], inputs: Sequence[Input]) -> dict[str, Input]:
    """Which input each of those that are given is, by its name or in order."""
    names = [one.name for one in takes]
    found: dict[str, Input] = {}
    for one in inputs:
        if one.name and one.name not in names:
            known = nearest(one.name, names)
            raise InputError(f"{path} has no input {one.name!r}{known}; it takes {_words(takes)}")
        if one.name:
            found[one.name] = one
    left = [name for name in names if name not in found]
    unnamed = [one for one in inputs if not one.name]
    if len(unnamed) > len(left):
        raise InputError(f"{path} takes {_words(takes)}; --input is given {len(inputs)} times")
    return found | dict(zip(left, unnamed, strict=False))


def _fitting(
    path: Path, one: Taken, asked: Input, given: Given, batch: int, known: dict[str, int]
) -> Shape:
    """What was given, which the file's own sides allow."""
    shape = batched(asked.shape, batch) if given.batched else asked.shape
    if asked.dtype and asked.dtype != one.dtype:
        raise InputError(f"{path} takes {one.name} in {one.dtype}, not in {asked.dtype}")
    if one.sides is None:
        return shape
    built = one.sides[0] if one.sides and isinstance(one.sides[0], int) else None
    if given.batched and batch == 1 and built is not None:
        shape = (built, *asked.shape)
    fits = len(shape) == len(one.sides) and all(
        isinstance(own, str) or own == side for own, side in zip(one.sides, shape, strict=True)
    )
    if not fits:
        way = "; --no-batch takes shapes as they are" if given.batched else ""
        raise InputError(f"{path} takes {one}, and was given {units.shape(shape)}{way}")
    for own, side in zip(one.sides, shape, strict=True):
        if isinstance(own, str) and known.setdefault(own, side) != side:
            raise InputError(f"{path} takes the same {own} in each input; {one} differs")
    return shape


def _completed(path: Path, one: Taken, batch: int, known: dict[str, int]) -> Shape:
    """The file's own shape, with the batch in front where that is open."""
    if one.sides is None:
        raise NoInputError(f"{path} does not say the shape of {one.name}; {_typed(one)}")
    sides = list(one.sides)
    for index, side in enumerate(sides):
        if one.is_batch(index):
            sides[index] = known.setdefault(str(side), batch)
    sides = [known.get(side, side) if isinstance(side, str) else side for side in sides]
    if left := [side for side in sides if isinstance(side, str)]:
        open_ = ", ".join(dict.fromkeys(left))
        raise NoInputError(f"{path} takes {one} and leaves {open_} open; {_typed(one)}")
    return tuple(side for side in sides if isinstance(side, int))


def _typed(one: Taken) -> str:
    """What to type: the sides that are known, and a number for those that are not."""
    sides = list(one.sides or ("?",))
    if one.sides and one.is_batch(0):
        return f"give them: --input {one.name}={_sides(sides[1:])}"
    return f"give them: --no-batch --input {one.name}={_sides(sides)}"


def _sides(sides: Sequence[Side]) -> str:
    return "x".join("N" if isinstance(side, str) else str(side) for side in sides)


def _words(takes: Sequence[Taken]) -> str:
    return ", ".join(map(str, takes)) or "no inputs"


def check_size(path: Path | str, name: str, shape: Shape) -> None:
    """ShapeError for what no machine holds."""
    if len(shape) > _MOST_SIDES:
        raise ShapeError(f"{path}: {name} has {len(shape)} sides, more than {_MOST_SIDES}")
    if math.prod(shape) > MAX_ELEMENTS:
        raise ShapeError(f"{path}: {name} of {units.shape(shape)} is too large to describe")
