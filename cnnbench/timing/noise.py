"""The noise floor: how large a difference this machine shows between a network and itself."""

from __future__ import annotations

from dataclasses import dataclass
from time import sleep

from cnnbench.devices.cores import limited
from cnnbench.devices.device import Device
from cnnbench.devices.disturbances import Disturbances, slowing
from cnnbench.devices.machine import Machine
from cnnbench.devices.warnings import Warning
from cnnbench.roofline.calibrate import Say, calibrate, keep, stored
from cnnbench.roofline.ceilings import DTYPES
from cnnbench.roofline.profile import Noise, Profile, Timed
from cnnbench.timing.confidence import OF_RATIO
from cnnbench.timing.measure import timed
from cnnbench.timing.pairing import ratio
from cnnbench.timing.prepared import prepare, ready
from cnnbench.timing.sampling import Progress, Rounds, StopRule, take
from cnnbench.timing.setting import Setting
from cnnbench.timing.statistics import order_statistic

MODEL = "mobilenet_v2"
# One of each sort, to which predictions for a device are held.
CHECKED = ("resnet20", "mobilenet_v2", "efficientnet_b0", "googlenet", "resnet18")
_CHECK_S = 2.0  # for each of them
_DTYPE = "float32"
_GLANCE_S = 1.0  # to see what disturbs, where nothing is measured


@dataclass(frozen=True)
class Portrait:
    """A device's profile, and what disturbs it now."""

    profile: Profile
    warnings: list[Warning]
    interrupted: bool = False


def portrait(
    machine: Machine,
    seconds: float = 10.0,
    *,
    predicting: bool = False,
    refresh: bool = False,
    say: Say = lambda text: None,
    progress: Progress = lambda rounds, seconds, width: None,
) -> Portrait:
    """Ceilings and noise floor, from the cache or measured now; and what disturbs the device.

    `seconds` are those spent on the noise floor: more of them see smaller differences. `predicting`
    asks for the speed of each kind of operator in float32 too, and for networks to hold predictions
    to.
    """
    device, threads = machine.device, machine.threads
    watch = Disturbances(device, threads.number)
    with limited(threads.number):
        start = stored(device, threads.number, refresh=refresh)
        kept = calibrate(device, threads.number, DTYPES, memory=True, start=start, say=say)
        if predicting:
            kept, interrupted = _predicting(kept, machine, say)
            if interrupted:
                return Portrait(kept, watch.warnings(), True)
        if kept.noise is not None:
            say("looking what disturbs")
            sleep(_GLANCE_S)
            return Portrait(kept, watch.warnings())
        say("")
        sampled = against_itself(device, StopRule(precision=0.0, max_time=seconds / 2), progress)
    warnings = watch.warnings()
    disturbed = kept.disturbed or slowing(warnings)
    kept = kept.model_copy(update={"noise": noise(sampled), "disturbed": disturbed})
    if kept.noise is not None and not sampled.interrupted and not disturbed:
        keep(kept, device)
    return Portrait(kept, warnings, sampled.interrupted)


def _predicting(start: Profile, machine: Machine, say: Say) -> tuple[Profile, bool]:
    """The profile with operators, and latencies of some networks; whether Ctrl-C ended it."""
    device, threads = machine.device, machine.threads
    kept = calibrate(
        device, threads.number, [_DTYPE], memory=True, operators=True, start=start, say=say
    )
    if kept.networks:
        return kept, False
    say(f"timing {len(CHECKED)} networks to hold predictions to")
    plan = StopRule(precision=0.05, max_time=_CHECK_S)
    timing = timed([(name, Setting()) for name in CHECKED], None, machine, plan)
    networks = [
        Timed(model=row.model, batch=1, dtype=_DTYPE, latency_s=row.latency_s)
        for row in timing.latencies
        if row.latency_s
    ]
    disturbed = kept.disturbed or slowing(timing.warnings)
    kept = kept.model_copy(update={"networks": networks, "disturbed": disturbed})
    if not disturbed and not timing.interrupted:
        keep(kept, device)
    return kept, timing.interrupted


def against_itself(
    device: Device,
    plan: StopRule,
    progress: Progress = lambda rounds, seconds, width: None,
) -> Rounds:
    """Time two copies of MODEL in the same rounds."""
    setting = Setting()
    twins = [prepare(ready(MODEL, None, setting, device), setting, device) for _ in range(2)]
    return take(twins, plan, progress=progress)


def noise(sampled: Rounds) -> Noise | None:
    """What two equal columns differ by; None where there are too few rounds to say."""
    for failure in sampled.failures.values():
        raise failure
    if order_statistic(len(sampled.rows), OF_RATIO) == 0:
        return None
    found = ratio(sampled.rows[:, 0], sampled.rows[:, 1])
    return Noise(
        model=MODEL,
        seconds=sampled.seconds,
        rounds=len(sampled.rows),
        ratio=found.median,
        ci_low=found.low,
        ci_high=found.high,
        smallest_difference=max(abs(found.low - 1), abs(found.high - 1)),
    )
