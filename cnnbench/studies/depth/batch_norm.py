"""Which variants of a network are looked at: with batch norm, without. Needs no torch."""

from __future__ import annotations

from enum import StrEnum


class BatchNorm(StrEnum):
    """Which variants of a network with batch norm."""

    BOTH = "both"
    WITH = "with"
    WITHOUT = "without"
