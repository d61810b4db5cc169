"""How published accuracies read beside costs: a line a network, and whether they rank them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnbench.studies.papers.accuracy import Accuracy, together

_FEW = 4  # networks of which each has a line


def lines(found: Sequence[tuple[str, Sequence[Accuracy]]]) -> Iterator[str]:
    """`mobilenet_v1: top-1 70.6%, Howard et al. 2017`; of many networks none."""
    stand = together([known for _, known in found])
    known = {name: one for (name, _), one in zip(found, stand, strict=True) if one is not None}
    if not known or len(known) > _FEW:
        return
    yield from (f"{name}: {one.words}" for name, one in known.items())
    if len({one.test for one in known.values()}) > 1:
        yield "these accuracies were not tested alike, so they do not rank the networks"
