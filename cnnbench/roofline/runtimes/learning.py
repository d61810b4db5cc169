"""What the nodes of a medley say of the runtime that ran it: what it fuses, how long all takes."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from cnnbench.counting.cost import OpCost
from cnnbench.roofline.runtimes.nodes import (
    CHANGED,
    CONVOLUTIONS,
    IN_PARTS,
    LAYOUT,
    NORM,
    multiplies,
    names_of,
)
from cnnbench.roofline.sizes import BETWEEN, PRODUCTS, Elementwise, Product, Sizes, sizes_of

_PRODUCTS = ("Conv", "Gemm", "MatMul")

Timed = Sequence[tuple[OpCost, float]]  # nodes in the order in which they ran, with their seconds


def fused(timed: Timed) -> list[str]:
    """Operators that more often than not run within a product; batch norm an export folds."""
    within, alone = Counter[str](), Counter[str]()
    for op, _ in timed:
        count = within if multiplies(op) else alone
        count.update(_parts(op.operator))
    return sorted({NORM, *(name for name in within if within[name] > alone[name])})


def _parts(operators: str) -> Iterator[str]:
    """The operators of a node, but for products; those that are written as several as one."""
    for name in IN_PARTS:
        if re.search(rf"\b{re.escape(name)}\b", operators):
            yield name
            operators = operators.replace(name, "")
    yield from (name for name in operators.split(BETWEEN) if name not in ("", *_PRODUCTS))


def unblocked(timed: Timed) -> list[str]:
    """Operators before which more often than not a map's layout is changed."""
    changed, found = Counter[str](), Counter[str]()
    for (before, _), (op, _) in pairwise(timed):
        if _is_of_graph(op) and op.kind not in CONVOLUTIONS:
            name = names_of(op)[0]
            found[name] += 1
            changed[name] += before.path == CHANGED
    return sorted(name for name in found if 2 * changed[name] > found[name])


def samples(timed: Timed) -> dict[str, list[tuple[Sizes, float]]]:
    """Sizes and seconds of nodes, and of changes of layout, by the names they are asked for."""
    found: dict[str, list[tuple[Sizes, float]]] = {}
    for (op, seconds), (after, _) in pairwise([*timed, *timed[:1]]):
        if seconds <= 0:
            continue
        if op.path == CHANGED:
            read = {math.prod(shape) for shape in after.inputs}
            if len(read) == 1:
                (elements,) = read
                found.setdefault(LAYOUT, []).append((Elementwise(elements, elements), seconds))
        elif _is_of_graph(op):
            sizes, product = sizes_of(op), op.kind in PRODUCTS
            if isinstance(sizes, Product) is product:
                found.setdefault(names_of(op)[0], []).append((sizes, seconds))
    return found


def _is_of_graph(op: OpCost) -> bool:
    """Whether it holds a node of the graph, and was not added by the runtime."""
    return bool(op.inputs or op.output)
