"""Predict networks on a device that need not be here, and hold predictions to what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from cnnbench.counting.cost import Trace
from cnnbench.counting.count import count
from cnnbench.errors import CnnbenchError
from cnnbench.models.given import Inputs
from cnnbench.models.spec import AnySpec, parse
from cnnbench.roofline.bound import Bound
from cnnbench.roofline.predict import Prediction, Predictor, dtype_of
from cnnbench.roofline.profile import Profile
from cnnbench.timing import backends
from cnnbench.timing.backends import EAGER


@dataclass(frozen=True)
class Counted:
    """A network's trace at a batch."""

    model: str
    batch: int
    trace: Trace


@dataclass(frozen=True)
class Forecast:
    """A counted pass's predicted time in a back end, and the measured one where it is known."""

    counted: Counted
    predicted: Prediction
    measured_s: float | None = None
    backend: str = EAGER

    @property
    def error(self) -> float | None:
        """Predicted / measured - 1."""
        return self.predicted.seconds / self.measured_s - 1 if self.measured_s else None


def count_models(
    specs: Sequence[AnySpec], given: Inputs | None, batches: Sequence[int], dtype: str | None
) -> list[Counted]:
    """Each model at each batch."""
    return [
        Counted(str(spec), batch, count(spec, given, batch=batch, dtype=dtype))
        for spec in specs
        for batch in batches
    ]


def forecasts(
    passes: Sequence[Counted], profile: Profile, names: Sequence[str] = (EAGER,)
) -> list[Forecast]:
    """Predict each pass in each back end. DeviceError where the profile knows not how long."""
    predictor = cache(partial(Predictor, profile))
    return [
        Forecast(
            one,
            predictor(dtype_of(one.trace), backends.profiled(name))(one.trace),
            _measured(profile, one, backends.profiled(name)),
            name,
        )
        for one in passes
        for name in names
    ]


def _measured(profile: Profile, one: Counted, backend: str | None) -> float | None:
    """The latency that was measured on the device, at the network's own input, where one was."""
    asked = (one.model, one.batch, dtype_of(one.trace), backend)
    for timed in profile.networks:
        if (timed.model, timed.batch, timed.dtype, timed.backend) == asked:
            own = count(one.model, batch=one.batch, dtype=timed.dtype).input_shapes
            return timed.latency_s if own == one.trace.input_shapes else None
    return None


def checks(
    profile: Profile, dtypes: Iterable[str], names: Sequence[str] = (EAGER,)
) -> list[Forecast]:
    """Predictions of the networks that were measured on the device, of those that we can count."""
    found, asked = [], set(dtypes)
    called = {backends.profiled(name): name for name in names}
    for timed in profile.networks:
        if timed.dtype in asked and timed.backend in called:
            with suppress(CnnbenchError):
                passes = count_models([parse(timed.model)], None, [timed.batch], timed.dtype)
                found += forecasts(passes, profile, [called[timed.backend]])
    return found


def record(row: Forecast) -> dict[str, Any]:
    """One forecast under the vocabulary's words, in base units."""
    one, predicted = row.counted, row.predicted
    cost = one.trace.total
    return {
        "model": one.model,
        "backend": row.backend,
        "input": [list(shape) for shape in one.trace.input_shapes],
        "dtype": one.trace.dtype,
        "batch": one.batch,
        "params": cost.params,
        "macs": cost.macs,
        "flops": cost.flops,
        "bytes_moved": cost.bytes_moved,
        "intensity": cost.intensity,
        "predicted_s": predicted.seconds,
        "predicted_low_s": predicted.interval[0],
        "predicted_high_s": predicted.interval[1],
        "far_share": predicted.far_share,
        "throughput_images_per_s": one.batch / predicted.seconds if predicted.seconds else 0.0,
        "bound": predicted.bound,
        **{f"{bound}_share": predicted.share(bound) for bound in Bound},
        "measured_s": row.measured_s,
        "error": row.error,
    }
