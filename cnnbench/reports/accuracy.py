"""How published accuracies read beside costs: a line a network, and whether they rank them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cnnbench.reports.report import Column
from cnnbench.studies.papers.accuracy import (
    IMAGENET,
    TOP1,
    WORDS,
    Accuracy,
    is_usual,
    together,
)

_FEW = 4  # networks of which each has a line


def short(record: dict[str, Any]) -> str:
    """`70.6%`, or `75.5% (10 crops)`: it says what is not of one pass, or not of ImageNet."""
    metric, dataset, protocol = (record[key] for key in ("metric", "dataset", "protocol"))
    apart = [
        WORDS[metric] if metric != TOP1 else "",
        dataset if dataset != IMAGENET else "",
        "" if is_usual(protocol) else protocol,
    ]
    said = ", ".join(filter(None, apart))
    return f"{record['percent']:.1f}%" + (f" ({said})" if said else "")


COLUMN = Column("accuracy", "top-1", short)
MARKED = (
    "top-1: on ImageNet by one pass an image, or not said to be by more, unless it says otherwise; "
    "unlike ones do not rank"
)


def lines(found: Sequence[tuple[str, Sequence[Accuracy]]]) -> Iterator[str]:
    """`mobilenet_v1: top-1 70.6%, Howard et al. 2017`; of many networks none."""
    stand = together([known for _, known in found])
    known = {name: one for (name, _), one in zip(found, stand, strict=True) if one is not None}
    if not known or len(known) > _FEW:
        return
    yield from (f"{name}: {one.words}" for name, one in known.items())
    if len({one.test for one in known.values()}) > 1:
        yield "these accuracies were not tested alike, so they do not rank the networks"
