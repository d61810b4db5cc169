"""What is timed, as whoever reads its time sees it: a network here, or one in workers."""

from __future__ import annotations

from typing import Protocol

from cnnbench.counting.totals import Totals
from cnnbench.devices.device import Device
from cnnbench.devices.passes import Passes
from cnnbench.devices.warnings import Warning
from cnnbench.timing.preparing.ran import Ran
from cnnbench.timing.setting import Setting


class Subject(Protocol):
    """A network that is ready to be timed, here or in workers."""

    @property
    def model(self) -> str:
        """How the output calls it."""
        ...

    @property
    def setting(self) -> Setting:
        """How it is run."""
        ...

    @property
    def device(self) -> Device:
        """Where it is run."""
        ...

    @property
    def dtype(self) -> str:
        """What it computes in."""
        ...

    @property
    def totals(self) -> Totals:
        """What a pass costs."""
        ...

    @property
    def warnings(self) -> list[Warning]:
        """What a reader must know of its values."""
        ...

    @property
    def ran(self) -> Ran:
        """What another runtime than torch made of it."""
        ...

    @property
    def passes(self) -> Passes:
        """What its timed passes took beside time."""
        ...
