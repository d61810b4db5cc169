"""What really ran: what a runtime made of a network, as it says itself. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_FLOAT32, _OF_FLOAT32, _OF_FEWER_BITS = "float32", 1e-4, 0.1


@dataclass(frozen=True)
class Ran:
    """What a runtime made of a network.

    `output_error` is the largest difference of its outputs from eager's in float32 over the largest
    value; None of a file, beside which nothing else ran. `computed_in` is the dtype of most kernels
    that multiply, `nodes` how many nodes run, `delegated` the share of the file's nodes that the
    fast kernels take, where others stand in for the rest; `file` is what a runtime opened.
    """

    output_error: float | None = None
    computed_in: str | None = None
    nodes: int | None = None
    delegated: float | None = None
    file: str | None = None


def most_error(dtype: str | None) -> float:
    """The output error above which a runtime computes something else than was asked."""
    return _OF_FLOAT32 if dtype in (None, _FLOAT32) else _OF_FEWER_BITS


def usual_of(dtypes: Sequence[str]) -> str | None:
    """The dtype that most kernels have; None of no kernels."""
    return max(dtypes, key=dtypes.count) if dtypes else None
