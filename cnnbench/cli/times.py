"""The times that a picture or page of a network shows: predicted of a device, or measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cnnbench.cli import options as opt
from cnnbench.cli import reading
from cnnbench.cli.frame import Measuring
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import CnnbenchError, SomeFailed
from cnnbench.models.given import Inputs
from cnnbench.models.inputs import Dtype
from cnnbench.models.spec import AnySpec
from cnnbench.timing import backends

if TYPE_CHECKING:
    from cnnbench.counting.cost import Trace
    from cnnbench.roofline.profile import Profile
    from cnnbench.timing.measure import Timing
    from cnnbench.timing.pass_times import PassTimes


@dataclass(frozen=True)
class Known:
    """Passes of each network, one a back end; `timing` is the measurement, where they were."""

    passes: Sequence[Sequence[PassTimes]]
    profile: Profile
    timing: Timing | None = None


@dataclass(frozen=True)
class Times(Measuring):
    """A device's file, or how to measure here; and the back ends."""

    on: opt.On = None
    backend: opt.Backends = None

    @property
    def is_given(self) -> bool:
        """Whether anything of measuring was."""
        return replace(self, on=None, backend=None) != Times()

    def check(self, measure: bool, asking: str) -> None:
        """CnnbenchError for options without effect; `asking` is what asks for measured times."""
        if self.on and measure:
            raise CnnbenchError(f"--on predicts, {asking} measures; give one of them")
        if self.backend and not (measure or self.on):
            raise CnnbenchError(f"--backend says what runs it; give {asking} or --on with it")
        if self.is_given and not measure:
            why = "--on measures nothing" if self.on else f"without {asking} nothing is measured"
            raise CnnbenchError(f"{why}; leave --device, --quick and the like out")
        if not reading.are_all(self.backend):
            for name in reading.read_backends(self.backend):
                if not backends.has_layers(name):
                    able = ", ".join(filter(backends.has_layers, backends.names()))
                    raise CnnbenchError(f"{name} does not tell its layers' times; those do: {able}")

    def predicted(self, traces: Sequence[Trace]) -> Known:
        """What the device's file foretells. CnnbenchError where it cannot."""
        assert self.on is not None
        with heavy_imports():
            from cnnbench.roofline.predict import Predictor, dtype_of
            from cnnbench.roofline.profile_file import read
            from cnnbench.timing.pass_times import PassTimes
        names = reading.read_predicted(self.backend) if self.backend else [backends.EAGER]
        profile = read(self.on)
        found = [
            [
                PassTimes.predicted(
                    trace,
                    name,
                    Predictor(profile, dtype_of(trace), backends.profiled(name))(trace),
                )
                for name in names
            ]
            for trace in traces
        ]
        return Known(found, profile)

    def measured(
        self,
        specs: Sequence[AnySpec],
        traces: Sequence[Trace],
        given: Inputs | None,
        batch: int,
        dtype: Dtype | None,
    ) -> Known:
        """What passes and their operators take here, in rounds.

        SomeFailed where a network could not be timed in any back end.
        """
        with heavy_imports():
            from cnnbench.timing.measure import timed
            from cnnbench.timing.pass_times import PassTimes
            from cnnbench.timing.setting import Setting
        asked = [
            (spec, Setting(batch, dtype, backend=name))
            for spec in specs
            for name in reading.backends_of(spec, self.backend)
        ]
        if reading.are_all(self.backend):
            asked = reading.able(asked, self.machine().device, layers=True)
        with self.session(2 * len(asked)) as session:
            timing = timed(asked, given, session, layers=True)
        if timing.interrupted:
            raise KeyboardInterrupt
        networks = timing.networks or []
        passes = [
            [
                PassTimes.measured(trace, one)
                for (of, _), one in zip(asked, networks, strict=True)
                if of is spec and not one.whole.error
            ]
            for spec, trace in zip(specs, traces, strict=True)
        ]
        failed = [one.whole.error for one in networks if one.whole.error]
        if not all(passes):
            raise SomeFailed(list(dict.fromkeys(failed)), exit_code=2)
        return Known(passes, timing.profile, timing)
