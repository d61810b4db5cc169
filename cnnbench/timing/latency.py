"""Latency: what a column of raw seconds says of one network in one setting."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnbench.devices import warnings
from cnnbench.devices.device import Device
from cnnbench.devices.warnings import Warning
from cnnbench.models.inputs import Shape
from cnnbench.roofline.profile import Profile
from cnnbench.timing.sampling import StopRule
from cnnbench.timing.setting import Setting
from cnnbench.timing.statistics import drifted, interval, outliers, percentile
from cnnbench.timing.subject import Prepared


@dataclass(frozen=True)
class Sample:
    """Raw seconds of one forward pass, one number a round, each the mean of `repeats` passes."""

    seconds: tuple[float, ...]
    repeats: int


@dataclass(frozen=True)
class Latency:
    """One network in one setting: its cost, its time and what the time is worth.

    `latency_s` is the median, `ci_low_s` and `ci_high_s` its 95% interval; percentiles are None
    where the sample is too small for them, or each of its numbers a mean of several passes.
    `fraction_of_peak` is of the device's measured matrix product at that dtype. Where it could not
    be measured, `error` says why and the rest is None.
    """

    model: str
    input: tuple[Shape, ...]
    dtype: str
    device: str
    threads: int
    setting: Setting
    params: int | None = None
    macs: int | None = None
    flops: int | None = None
    latency_s: float | None = None
    ci_low_s: float | None = None
    ci_high_s: float | None = None
    p90_s: float | None = None
    p99_s: float | None = None
    throughput_images_per_s: float | None = None
    samples: int = 0
    repeats: int = 1
    outliers: int = 0
    converged: bool = False
    flops_per_s: float | None = None
    fraction_of_peak: float | None = None
    warnings: tuple[Warning, ...] = ()
    error: str | None = None
    sample: Sample | None = None


def latency(
    subject: Prepared,
    column: NDArray[np.float64],
    repeats: int,
    plan: StopRule,
    profile: Profile,
    seconds: float,
) -> Latency:
    """Derive it from the subject's raw seconds."""
    trace, setting = subject.trace, subject.setting
    found = interval(column)
    flops = trace.total.flops
    peak = profile.flops_per_s.get(subject.dtype)
    rate = flops / found.median
    told = list(subject.warnings)
    converged = found.precision <= plan.precision
    if not converged:
        told.append(warnings.not_converged(plan.precision, found.precision, seconds))
    if drifted(column):
        told.append(warnings.drift())
    if peak and rate > peak:
        told.append(warnings.roof_exceeded(rate / peak))
    bounded = math.isfinite(found.low)
    return Latency(
        model=subject.network.name,
        input=trace.input_shapes,
        dtype=subject.dtype,
        device=str(subject.device),
        threads=profile.threads,
        setting=setting,
        params=trace.total.params,
        macs=trace.total.macs,
        flops=flops,
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
        sample=Sample(tuple(map(float, column)), repeats),
    )


def failed(model: str, setting: Setting, device: Device, threads: int, reason: str) -> Latency:
    """A row that has no time, and why."""
    return Latency(
        model=model,
        input=(),
        dtype=setting.dtype or "",
        device=str(device),
        threads=threads,
        setting=setting,
        error=reason,
    )
