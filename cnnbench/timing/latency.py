"""Latency: what a column of raw seconds says of one network in one setting."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from typing import Annotated, Any

import torch
from pydantic import Field

from cnnbench import units
from cnnbench.counting.cost import Count
from cnnbench.devices.machine import Machine
from cnnbench.devices.warnings import Warning, not_converged, warning
from cnnbench.roofline.profile import Profile
from cnnbench.timing import backends
from cnnbench.timing.preparing.ran import Ran
from cnnbench.timing.preparing.subject import Subject
from cnnbench.timing.samples.history import ASSUMED, What
from cnnbench.timing.samples.reruns import Between, expected
from cnnbench.timing.samples.sampling import Rounds
from cnnbench.timing.samples.statistics import Interval, drifted, interval, outliers, percentile
from cnnbench.timing.session import StopRule
from cnnbench.timing.setting import Setting

Seconds = Annotated[float, Field(gt=0, le=1e9)]
_ABOVE = 1.1  # times the roof, from which on it was measured too low
FAULT_S = 1e-6  # of a new page of 4 KiB, on the processors of today
_MANY_FAULTS = 0.05  # share of a pass's time

Rate = Annotated[float, Field(ge=0, le=1e24)]


@dataclass(frozen=True)
class Latency:
    """One network in one setting: its cost, its time and what the time is worth.

    `latency_s` is the median. `ci_low_s` and `ci_high_s` are where another run's is expected, with
    95% confidence; `run_low_s` and `run_high_s` hold the median of this run's own passes.
    `between_runs` is the standard deviation, as a share, of runs of the same, of which
    `known_runs` were met on this device. Percentiles are None where the sample is too small for
    them, or each of its numbers a mean of several passes. `samples_s` are the raw seconds, one
    number a round, each the mean of `repeats` passes in one of so many `processes`, 0 for this one.
    `reliable` is whether the machine was free for it. `page_faults` and `context_switches` are of a
    pass, `busy_cores` its processor time over time. `fraction_of_peak` is of the device's measured
    matrix product at that dtype. `ran` is what another runtime than torch made of it,
    `process_bytes` the most memory of a process that runs nothing else, where that was asked for.
    Where it could not be measured, `error` says why and the rest is None.
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
    run_low_s: Seconds | None = None
    run_high_s: Seconds | None = None
    between_runs: Rate | None = None
    known_runs: Count = 0
    p90_s: Seconds | None = None
    p99_s: Seconds | None = None
    throughput_images_per_s: Rate | None = None
    samples: Count = 0
    repeats: int = 1
    processes: Count = 0
    page_faults: Rate | None = None
    context_switches: Rate | None = None
    busy_cores: Rate | None = None
    outliers: Count = 0
    converged: bool = False
    flops_per_s: Rate | None = None
    fraction_of_peak: Rate | None = None
    ran: Ran = field(default_factory=Ran)
    process_bytes: Count | None = None
    reliable: bool = True
    warnings: tuple[Warning, ...] = ()
    error: str | None = None
    samples_s: tuple[Seconds, ...] = ()

    @property
    def key(self) -> str:
        """What runs of the same are known by."""
        about = (self.input, self.dtype, self.params, self.macs)
        return _key(self.model, self.setting, *about)

    @property
    def rerun(self) -> Interval:
        """The latency, and where another run's is expected; of an older record by what is assumed.

        Its bounds are infinite where there are too few samples.
        """
        if self.run_low_s is None and self.samples_s:
            return expected(self.samples_s, ASSUMED[What.LATENCY])
        low, high = self.ci_low_s or 0.0, self.ci_high_s or math.inf
        return Interval(self.latency_s or math.nan, low, high)

    def record(self, *, raw: bool = False) -> dict[str, Any]:
        """Plain data, flat; with `raw` every sample too."""
        own = {one.name: getattr(self, one.name) for one in fields(self)}
        setting, ran = own.pop("setting").record(), asdict(own.pop("ran"))
        del ran["file"]  # where the cache is says nothing of a network
        if not raw:
            del own["samples_s"]
        return {
            **setting,
            **own,
            **ran,
            "input": [list(shape) for shape in self.input],
            "warnings": [asdict(warning) for warning in self.warnings],
        }


def latency(
    subject: Subject,
    sampled: Rounds,
    index: int,
    plan: StopRule,
    profile: Profile,
    between: Between,
    processes: int = 0,
) -> Latency:
    """What the raw seconds of an entry say of it; `between` is how far its runs lie apart."""
    column, repeats = sampled.rows[:, index], sampled.repeats[index]
    totals, setting = subject.totals, subject.setting
    found = interval(column)
    peak = profile.flops_per_s.get(subject.dtype)
    rate = totals.flops / found.median
    told = list(subject.warnings)
    converged = found.precision <= plan.precision
    if not converged:
        told.append(not_converged(plan.precision, found.precision, sampled.seconds))
    if drifted(column):
        told.append(warning("drift"))
    if peak and rate > peak:
        told.append(warning("roof_exceeded", share=rate / peak))
    if peak and rate > _ABOVE * peak:  # the roof is wrong, and so would a share of it be
        peak = None
    faults = subject.passes.each(subject.passes.page_faults) or 0.0
    if (share := faults * FAULT_S / found.median) > _MANY_FAULTS:
        told.append(warning("page_faults", faults=units.count(round(faults)), share=share))
    bounded = math.isfinite(found.high)
    rerun, passes = expected(column, between), subject.passes
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
        ci_low_s=rerun.low if bounded else None,
        ci_high_s=rerun.high if bounded else None,
        run_low_s=found.low if bounded else None,
        run_high_s=found.high if bounded else None,
        between_runs=between.spread,
        known_runs=between.runs,
        p90_s=percentile(column, 0.9) if repeats == 1 else None,
        p99_s=percentile(column, 0.99) if repeats == 1 else None,
        throughput_images_per_s=setting.batch / found.median,
        samples=len(column),
        repeats=repeats,
        processes=processes,
        page_faults=passes.each(passes.page_faults),
        context_switches=passes.each(passes.context_switches),
        busy_cores=passes.cores,
        outliers=outliers(column),
        converged=converged,
        flops_per_s=rate,
        fraction_of_peak=rate / peak if peak else None,
        ran=subject.ran,
        warnings=tuple(told),
        samples_s=tuple(map(float, column)),
    )


def key_of(subject: Subject) -> str:
    """What runs of it are known by."""
    cost = subject.totals
    return _key(subject.model, subject.setting, cost.input, subject.dtype, cost.params, cost.macs)


def _key(model: str, setting: Setting, *about: Any) -> str:
    """What runs of the same are known by: network, setting, input, cost and software."""
    software = filter(None, (torch.__version__, backends.version(setting.backend)))
    said = json.dumps([model, setting.record(), *about, *software])
    return f"{model} {sha256(said.encode()).hexdigest()[:16]}"


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
