"""What torch's optimisers hold in memory for each parameter. Needs no torch."""

from __future__ import annotations

from enum import StrEnum

STEP_BYTES = 4  # of the number of steps, which Adam keeps for each parameter


class Optimizer(StrEnum):
    """torch's optimisers by the names that people give them."""

    SGD = "sgd"
    MOMENTUM = "momentum"
    ADAM = "adam"
    ADAMW = "adamw"

    @property
    def kept(self) -> int:
        """Tensors like the parameter that it keeps: its momentum, or the gradient's two moments."""
        return {Optimizer.SGD: 0, Optimizer.MOMENTUM: 1}.get(self, 2)

    @property
    def is_adaptive(self) -> bool:
        """Whether it keeps two moments and a number of steps.

        While it updates a parameter it makes two tensors like it, of the second moment's root.
        """
        return self.kept == 2
