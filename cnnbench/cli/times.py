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
    from cnnbench.timing.by_layer.pass_times import PassTimes
    from cnnbench.timing.measure import Timing


@dataclass(frozen=True)
class Counted:
    """Networks that are counted, on what they were."""

    specs: Sequence[AnySpec]
    traces: Sequence[Trace]
    given: Inputs | None
    batch: int
    dtype: Dtype | None


@dataclass(frozen=True)
class KnownTimes:
    """Passes of each network, one a back end; `timing` is the measurement, where they were."""

    passes: Sequence[Sequence[PassTimes]]
    profile: Profile
    timing: Timing | None = None

    @property
    def failed(self) -> list[str]:
        """Why back ends could not run it."""
        rows = self.timing.latencies if self.timing else []
        return list(dict.fromkeys(row.error for row in rows if row.error))


@dataclass(frozen=True)
class Times(Measuring):
    """A device's file, or how to measure here; and the back ends."""

    on: opt.On = None
    backend: opt.Backends = None

    @property
    def _measuring(self) -> bool:
        """Whether anything of measuring was given."""
        return replace(self, on=None, backend=None) != type(self)()

    def begin_with(self, specs: Sequence[AnySpec], asked: str, *, measure: bool) -> Profile | None:
        """Check the options, begin a worker where passes are to be measured, read a device's file.

        CnnbenchError for options without effect; `asked` is what asks for measured times.
        """
        if self.on and measure:
            raise CnnbenchError(f"--on predicts, {asked} measures; give one of them")
        if self.backend and not (measure or self.on):
            raise CnnbenchError(f"--backend says what runs it; give {asked} or --on with it")
        if self._measuring and not measure:
            why = "--on measures nothing" if self.on else f"without {asked} nothing is measured"
            raise CnnbenchError(f"{why}; leave --device, --quick and the like out")
        if self.on:
            profile = reading.read_profile(self.on)
            reading.check_runs_files(specs, reading.foretold(self.backend, profile))
            return profile
        if measure:
            if not reading.are_all(self.backend):
                _check_layers(reading.read_backends(self.backend))
            self.begin()
        return None

    def known(self, counted: Counted, profile: Profile | None) -> KnownTimes:
        """What a device's profile foretells, or without one what is measured here."""
        return self._predicted(counted, profile) if profile else self._measured(counted)

    def _predicted(self, counted: Counted, profile: Profile) -> KnownTimes:
        with heavy_imports():
            from cnnbench.roofline.predict import Predictor, dtype_of
            from cnnbench.timing.by_layer.pass_times import PassTimes
        found = [
            [
                PassTimes.predicted(
                    trace,
                    name,
                    Predictor(profile, dtype_of(trace), backends.profiled(name))(trace),
                )
                for name in reading.foretold(self.backend, profile)
            ]
            for trace in counted.traces
        ]
        return KnownTimes(found, profile)

    def _measured(self, counted: Counted) -> KnownTimes:
        """Passes in rounds; SomeFailed where a network could not be timed in any back end."""
        with heavy_imports():
            from cnnbench.timing.by_layer.pass_times import PassTimes
            from cnnbench.timing.measure import timed
            from cnnbench.timing.setting import Setting
        asked = [
            (spec, Setting(counted.batch, counted.dtype, backend=name))
            for spec in counted.specs
            for name in reading.backends_of(spec, self.backend)
        ]
        if reading.are_all(self.backend):
            asked = reading.able(asked, self.machine().device, layers=True)
        with self.session(2 * len(asked)) as session:
            timing = timed(asked, counted.given, session, layers=True)
        if timing.interrupted:
            raise KeyboardInterrupt
        passes = [
            [
                PassTimes.measured(trace, one)
                for (of, _), one in zip(asked, timing.networks or [], strict=True)
                if of is spec and not one.whole.error
            ]
            for spec, trace in zip(counted.specs, counted.traces, strict=True)
        ]
        found = KnownTimes(passes, timing.profile, timing)
        if not all(passes):
            raise SomeFailed(found.failed, exit_code=2)
        return found


@dataclass(frozen=True)
class TimesOfOne(Times):
    """Times of one back end alone."""

    backend: opt.Backend = None

    def begin_with(self, specs: Sequence[AnySpec], asked: str, *, measure: bool) -> Profile | None:
        """Check that there is one, too."""
        reading.read_backend(self.backend)
        return super().begin_with(specs, asked, measure=measure)


def _check_layers(names: Sequence[str]) -> None:
    for name in names:
        if not backends.has_layers(name):
            able = ", ".join(filter(backends.has_layers, backends.names()))
            raise CnnbenchError(f"{name} does not tell its layers' times; those do: {able}")
