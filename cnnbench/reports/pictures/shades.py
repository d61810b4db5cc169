"""By which cost the parts of a picture are shaded. Needs no torch."""

from __future__ import annotations

from enum import StrEnum


class Shade(StrEnum):
    """The cost by which parts are shaded."""

    MACS = "macs"
    PARAMS = "params"
    MEMORY = "memory"
    TIME = "time"
    BOUND = "bound"
    NONE = "none"

    @property
    def is_of_time(self) -> bool:
        """Whether it is measured, or a device's profile foretells it."""
        return self in (Shade.TIME, Shade.BOUND)


WORDS = {
    Shade.MACS: "share of MACs",
    Shade.PARAMS: "share of params",
    Shade.MEMORY: "activation memory as it runs, of the peak",
}
