"""Run a sweep: what its store lacks is counted in parallel, timed alone, and appended at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import torch

from cnnbench.counting.totals import TOTALS
from cnnbench.devices.machine import Machine
from cnnbench.models.inputs import Dtype
from cnnbench.progress import SILENT, Progress
from cnnbench.roofline.profile import Profile
from cnnbench.sweeps.counting import count_configurations
from cnnbench.sweeps.groups import Row, groups
from cnnbench.sweeps.plan import Configuration
from cnnbench.sweeps.reading import standing
from cnnbench.sweeps.results import FORMAT, Result
from cnnbench.sweeps.store import RECORDS, Store
from cnnbench.timing.backends import EAGER
from cnnbench.timing.measure import timed
from cnnbench.timing.profiling import complete
from cnnbench.timing.session import Session, StopRule
from cnnbench.version import __version__


@dataclass(frozen=True)
class Ran:
    """The number of new records, and whether Ctrl-C ended it before all were."""

    new: int
    interrupted: bool = False


def key(one: Configuration, machine: Machine | None) -> str:
    """What makes two records the same, as JSON: configuration, software and, if timed, device.

    What is usual of the fields that came later is left out, so that an older store goes on.
    """
    about: dict[str, Any] = {"cnnbench": __version__, "torch": torch.__version__}
    if machine is not None:
        about |= {"device": str(machine.device), "device_name": machine.device.name}
        about["threads"] = machine.threads.number
    own, former = one.record(), one.setting.backend in (EAGER, "compile")
    usual = {"backend", "graph"} if former else set()
    usual |= set() if one.setting.fuse else {"fuse"}
    own = {name: value for name, value in own.items() if name not in usual}
    return json.dumps({**own, **about}, sort_keys=True)


def missing(
    of: Sequence[Configuration], store: Store, machine: Machine | None, *, retry: bool = False
) -> list[Configuration]:
    """Configurations of which the store has no record.

    With `retry` those too that failed, or whose times are not usable.
    """
    there = standing(store)
    known = {name for name, result in there.items() if result.stands(retry=retry)}
    return [one for one in of if key(one, machine) not in known]


def finished(of: Sequence[Configuration], store: Store, machine: Machine | None) -> list[Result]:
    """Records that the store has of these configurations, in its order."""
    asked = {key(one, machine) for one in of}
    return [result for name, result in standing(store).items() if name in asked]


def run(
    of: Sequence[Configuration],
    store: Store,
    machine: Machine | None,
    plan: StopRule,
    *,
    name: str = RECORDS,
    retry: bool = False,
    wait: bool = True,
    progress: Progress = SILENT,
) -> Ran:
    """Do what is missing, without a machine by counting alone, into the file `name` of the store.

    A configuration that fails is a record with its reason. StoreError while another sweep writes
    there, OutputError where the disk is full: what is finished is kept.
    """
    with store.writing(name) as writer:
        left = missing(of, store, machine, retry=retry)
        profile = None
        if machine is not None and left:
            progress.say(f"measuring what {machine.device} can do, where that is not known")
            dtypes = [one.setting.dtype or Dtype.FLOAT32 for one in left]
            profile = complete(machine, dtypes)
            progress.say("")
        rows: list[Row] = []
        for number, (one, costs) in enumerate(count_configurations(left, profile), 1):
            head = {"format": FORMAT, "key": key(one, machine), "measured": _now()}
            record = {**head, **one.record(), **costs}
            if machine is None or costs["failure"]:
                writer.append(record)
            else:
                rows.append((one, record))  # timing beside the counting would be disturbed
            progress.counted(number, len(left))
        done = 0
        for group in groups(rows):
            assert machine is not None
            assert profile is not None
            at = f"timing {done + 1} of {len(rows)} on"

            def told(
                number: int,
                seconds: float,
                width: float | None,
                median: float | None,
                at: str = at,
                done: int = done,
            ) -> None:
                most = plan.max_time * len(rows)  # those that converge sooner shorten the rest
                progress.part(at, min(plan.max_time * done + seconds, most), most)

            if _timed(group, profile, Session(machine, plan, Progress(rounds=told), wait)):
                return Ran(len(left) - len(rows) + done, interrupted=True)
            for _, record in group:
                writer.append(record)
            done += len(group)
        progress.say("")
    return Ran(len(left))


def _timed(group: Sequence[Row], profile: Profile, session: Session) -> bool:
    """Add to each record its latency and raw samples; whether Ctrl-C ended it before."""
    asked = [(one.spec, one.setting) for one, _ in group]
    known = [TOTALS.validate_python(record["cost"]) for _, record in group]
    timing = timed(asked, group[0][0].given, session, known=known)
    if timing.interrupted:
        return True
    together = uuid4().hex  # samples of one group can be compared round by round
    about = {
        **asdict(timing.environment),
        "warnings": [asdict(warning) for warning in timing.warnings],
    }
    for (_, record), latency in zip(group, timing.latencies, strict=True):
        record["failure"] = latency.error or ""
        record["latency"] = latency.record(raw=True)
        record["environment"] = about
        record["roof"] = _roof(profile, latency.dtype)
        record["rounds"] = together
        record["measured"] = _now()
    return False


def _roof(profile: Profile, dtype: str | None) -> dict[str, Any]:
    """The device's ceilings in a dtype; None what is not known."""
    return {
        "flops_per_s": profile.flops_per_s.get(dtype or ""),
        "bytes_per_s": profile.bytes_per_s,
        "cache_per_s": max((copy.bytes_per_s for copy in profile.copies), default=None),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
