"""The products of an Einstein sum, taken from left to right. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnnbench.models.inputs import Shape


def einsum(equation: str, shapes: Sequence[Shape]) -> tuple[int, int]:
    """Multiply-accumulates, and FLOPs of sums and products that accumulate nothing.

    Each pair is multiplied over all of its indices, and summed over those that neither the result
    nor what follows has. Without a sum it is a product an element; of one operand that is summed, a
    FLOP an element. ValueError where the equation does not fit the shapes.
    """
    left, _, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ValueError(equation)
    sides: dict[str, int] = {}
    named = [_named(term, shape, sides) for term, shape in zip(terms, shapes, strict=True)]
    out = _expanded(right, sides) if "->" in equation else _implicit(named)
    macs = flops = 0
    have = named[0]
    if len(named) == 1:
        summed = set(have) - set(out)
        return 0, math.prod(sides[index] for index in set(have)) if summed else 0
    for number, term in enumerate(named[1:], 2):
        needed = set(out).union(*named[number:])
        whole = dict.fromkeys([*have, *term])
        have = [index for index in whole if index in needed]
        size = math.prod(sides[index] for index in whole)
        if len(have) < len(whole):
            macs += size
        else:
            flops += size
    return macs, flops


def _named(term: str, shape: Shape, sides: dict[str, int]) -> list[str]:
    """The indices of an operand; those of an ellipsis are numbered from the right."""
    letters = term.replace("...", "")
    extra = len(shape) - len(letters)
    if extra < 0 or (extra and "..." not in term):
        raise ValueError(term)
    before = term.partition("...")[0] if "..." in term else term
    names = [*before, *(f".{extra - at}" for at in range(extra)), *letters[len(before) :]]
    for name, side in zip(names, shape, strict=True):
        known = sides.get(name, 1)
        if known != side and 1 not in (known, side):
            raise ValueError(term)
        sides[name] = max(known, side)
    return names


def _expanded(term: str, sides: dict[str, int]) -> list[str]:
    dots = sorted((name for name in sides if name.startswith(".")), key=lambda name: -int(name[1:]))
    return [*(dots if "..." in term else ()), *term.replace("...", "")]


def _implicit(named: list[list[str]]) -> list[str]:
    """Without an arrow: what stands once, in order."""
    every = [name for term in named for name in term]
    return [name for name in dict.fromkeys(every) if every.count(name) == 1 or name[0] == "."]
