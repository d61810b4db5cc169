"""What a network is divided by, to see where a difference arises. Needs no torch."""

from __future__ import annotations

from enum import StrEnum


class By(StrEnum):
    """A stage is what stands at the top of a network; a kind is one of operators."""

    STAGE = "stage"
    KIND = "kind"
