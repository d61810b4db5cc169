"""Latency: what a column of raw seconds says of one network in one setting."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cnnbench.counting.cost import Count
from cnnbench.devices.machine import Machine
from cnnbench.devices.warnings import Warning, not_converged, warning
from cnnbench.roofline.profile import Profile
from cnnbench.timing.session import StopRule
from cnnbench.timing.setting import Setting
from cnnbench.timing.statistics import drifted, interval, outliers, percentile
from cnnbench.timing.subject import Subject

Seconds = Annotated[float, Field(gt=0, le=1e9)]
Rate = Annotated[float, Field(ge=0, le=1e24)]


@dataclass(frozen=True)
class Latency:
    """One network in one setting: its cost, its time and what the time is worth.

    `latency_s` is the median, `ci_low_s` and `ci_high_s` its 95% interval; percentiles are None
    where the sample is too small for them, or each of its numbers a mean of several passes.
    `samples_s` are the raw seconds, one number a round, each the mean of `repeats` passes.
    `fraction_of_peak` is of the device's measured matrix product at that dtype. Where it could not
    be measured, `error` says why and the rest is None.
    """

    model: str
    input: tuple[tuple[Count, ...], ...]
    dtype: str | None
    device: str
    threads: int
    setting: Setting = field(default_factory=Setting)
    params: Count | None = None
    macs: Count | None = None
    flops: Count | None = None
    latency_s: Seconds | None = None
    ci_low_s: Seconds | None = None
    ci_high_s: Seconds | None = None
    p90_s: Seconds | None = None
    p99_s: Seconds | None = None
    throughput_images_per_s: Rate | None = None
    samples: Count = 0
    repeats: int = 1
    outliers: Count = 0
    converged: bool = False
    flops_per_s: Rate | None = None
    fraction_of_peak: Rate | None = None
    warnings: tuple[Warning, ...] = ()
    error: str | None = None
    samples_s: tuple[Seconds, ...] = ()

    def record(self, *, raw: bool = False) -> dict[str, Any]:
        """Plain data, flat; with `raw` every sample too."""
        own = {one.name: getattr(self, one.name) for one in fields(self)}
        setting = own.pop("setting").record()
        if not raw:
            del own["samples_s"]
        return {
            **setting,
            **own,
            "input": [list(shape) for shape in self.input],
            "warnings": [asdict(warning) for warning in self.warnings],
        }


def latency(
    subject: Subject,
    column: NDArray[np.float64],
    repeats: int,
    plan: StopRule,
    profile: Profile,
    seconds: float,
) -> Latency:
    """What raw seconds say of what was prepared, a number a round."""
    totals, setting = subject.totals, subject.setting
    found = interval(column)
    peak = profile.flops_per_s.get(subject.dtype)
    rate = totals.flops / found.median
    told = list(subject.warnings)
    converged = found.precision <= plan.precision
    if not converged:
        told.append(not_converged(plan.precision, found.precision, seconds))
    if drifted(column):
        told.append(warning("drift"))
    if peak and rate > peak:
        told.append(warning("roof_exceeded", share=rate / peak))
    bounded = math.isfinite(found.low)
    return Latency(
        model=subject.model,
        input=totals.input,
        dtype=subject.dtype,
        device=str(subject.device),
        threads=profile.threads,
        setting=setting,
        params=totals.params,
        macs=totals.macs,
        flops=totals.flops,
        latency_s=found.median,
        ci_low_s=found.low if bounded else None,
        ci_high_s=found.high if bounded else None,
        p90_s=percentile(column, 0.9) if repeats == 1 else None,
        p99_s=percentile(column, 0.99) if repeats == 1 else None,
        throughput_images_per_s=setting.batch / found.median,
        samples=len(column),
        repeats=repeats,
        outliers=outliers(column),
        converged=converged,
        flops_per_s=rate,
        fraction_of_peak=rate / peak if peak else None,
        warnings=tuple(told),
        samples_s=tuple(map(float, column)),
    )


def failed(model: str, setting: Setting, machine: Machine, reason: str) -> Latency:
    """A row that has no time, and why."""
    return Latency(
        model=model,
        input=(),
        dtype=setting.dtype,
        device=str(machine.device),
        threads=machine.threads.number,
        setting=setting,
        error=reason,
    )
