"""What a network's page is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cnnbench.counting.cost import Trace
from cnnbench.roofline.profile import Profile
from cnnbench.studies.audit.audit import Account
from cnnbench.timing.by_layer.pass_times import PassTimes
from cnnbench.timing.measure import Timing


@dataclass(frozen=True)
class Subject:
    """A network's trace, a training step's or why there is none, and what passes take.

    `times` are of several back ends, measured in `timing` or foretold by `profile`, which is then
    the device's. `accounts` are those of other counters.
    """

    model: str
    trace: Trace
    training: Trace | str = "not counted"
    times: Sequence[PassTimes] = ()
    profile: Profile | None = None
    timing: Timing | None = None
    accounts: Sequence[Account] = ()

    @property
    def first(self) -> PassTimes | None:
        """The back end that shades the picture; None where no time is known."""
        return self.times[0] if self.times else None
