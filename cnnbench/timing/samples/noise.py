"""The noise floor: how large a difference this machine shows between a network and itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import sleep

from cnnbench.devices.cores import limited
from cnnbench.devices.disturbances import Disturbances, slowing
from cnnbench.devices.warnings import Warning
from cnnbench.roofline.calibrate import calibrate, holding, keep, stored
from cnnbench.roofline.ceilings import DTYPES
from cnnbench.roofline.profile import Noise, Profile, Timed
from cnnbench.timing import backends
from cnnbench.timing.measure import timed
from cnnbench.timing.preparing.prepared import prepare, ready
from cnnbench.timing.profiling import complete
from cnnbench.timing.samples.confidence import OF_RATIO
from cnnbench.timing.samples.pairing import ratio
from cnnbench.timing.samples.sampling import Rounds, take
from cnnbench.timing.samples.spread import MODEL, NEVER, spread
from cnnbench.timing.samples.statistics import order_statistic
from cnnbench.timing.session import Session, StopRule
from cnnbench.timing.setting import Setting

# One of each sort, to which predictions for a device are held.
CHECKED = ("resnet20", "mobilenet_v2", "efficientnet_b0", "googlenet", "resnet18")
_CHECK_S = 2.0  # for each of them
_DTYPE = "float32"
_GLANCE_S = 1.0  # to see what disturbs, where nothing is measured


@dataclass(frozen=True)
class Portrait:
    """A device's profile, what disturbs it now, and how far its runs lie apart."""

    profile: Profile
    warnings: list[Warning]
    interrupted: bool = False


def portrait(
    session: Session, *, predicting: Sequence[str] = (), refresh: bool = False
) -> Portrait:
    """Ceilings and noise floor, from the cache or measured now; and what disturbs the device.

    The session's `max_time` is for the noise floor: more of it sees smaller differences.
    `predicting` asks for the speed of each kind of operator in float32 too, in those back ends, and
    for networks to hold predictions to.
    """
    device, threads = session.machine.device, session.machine.threads.number
    say = session.progress.say
    watch = Disturbances(device, threads)
    with limited(threads):
        start = holding(stored(device, threads, refresh=refresh), device, threads)
        kept = calibrate(device, threads, DTYPES, memory=True, start=start, say=say)
        if predicting:
            kept, interrupted = _predicting(kept, session, predicting)
            if interrupted:
                return Portrait(kept, watch.warnings(), True)
        lacking = kept.spread is None and session.rule.processes
        if kept.noise is not None and not lacking:
            say("looking what disturbs")
            sleep(_GLANCE_S)
            return Portrait(kept, watch.warnings())
        say("")
        sampled = against_itself(session)
        found = None if sampled.interrupted else spread(session)
    warnings = watch.warnings()
    disturbed = kept.disturbed or slowing(warnings)
    update = {"noise": noise(sampled), "spread": found, "disturbed": disturbed}
    kept = kept.model_copy(update=update)
    if kept.noise is not None and not sampled.interrupted and not disturbed:
        keep(kept, device)
    return Portrait(kept, warnings, sampled.interrupted)


def _predicting(start: Profile, session: Session, names: Sequence[str]) -> tuple[Profile, bool]:
    """The profile with operators, and latencies of some networks; whether Ctrl-C ended it."""
    machine, say = session.machine, session.progress.say
    device = machine.device
    kept = complete(machine, [_DTYPE], say, start, names)
    known = {network.backend for network in kept.networks}
    settings = [Setting(backend=name) for name in names if backends.profiled(name) not in known]
    if not settings:
        return kept, False
    say(f"timing {len(CHECKED)} networks to hold predictions to")
    rule = StopRule(precision=0.05, max_time=_CHECK_S)
    asked = [(name, setting) for setting in settings for name in CHECKED]
    timing = timed(asked, None, Session(machine, rule))
    networks = [
        Timed(
            model=row.model,
            batch=1,
            dtype=_DTYPE,
            latency_s=row.latency_s,
            backend=backends.profiled(row.setting.backend),
        )
        for row in timing.latencies
        if row.latency_s
    ]
    disturbed = kept.disturbed or slowing(timing.warnings)
    kept = kept.model_copy(update={"networks": [*kept.networks, *networks], "disturbed": disturbed})
    if not disturbed and not timing.interrupted:
        keep(kept, device)
    return kept, timing.interrupted


def against_itself(session: Session) -> Rounds:
    """Time two copies of MODEL in the same rounds, until time is up."""
    setting, device = Setting(), session.machine.device
    twins = [prepare(ready(MODEL, None, setting, device), setting, device) for _ in range(2)]
    rule = StopRule(NEVER, session.rule.max_time / len(twins))
    return take([twins], rule, progress=session.progress)


def noise(sampled: Rounds) -> Noise | None:
    """What two equal columns differ by; None where there are too few rounds to say."""
    sampled.raise_failure()
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
