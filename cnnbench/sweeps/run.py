"""Run a sweep: what its store lacks is counted in parallel, timed alone, and appended at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import torch

from cnnbench.sweeps.counted import counted
from cnnbench.sweeps.plan import Configuration
from cnnbench.sweeps.store import Record, Store
from cnnbench.timing import views
from cnnbench.timing.cores import Threads
from cnnbench.timing.devices import Device
from cnnbench.timing.measure import timed
from cnnbench.timing.sampling import Plan, Progress
from cnnbench.timing.setting import Setting
from cnnbench.version import __version__

GROUP = 8  # configurations that are timed in the same rounds

Done = Callable[[int, int], None]  # how many of how many


@dataclass(frozen=True)
class Place:
    """Where a sweep measures."""

    device: Device
    threads: Threads


def key(one: Configuration, place: Place | None) -> str:
    """What makes two records the same, as JSON: configuration, software and, if timed, device."""
    about: dict[str, Any] = {"cnnbench": __version__, "torch": torch.__version__}
    if place is not None:
        about |= {"device": str(place.device), "device_name": place.device.name}
        about["threads"] = place.threads.number
    return json.dumps({**asdict(one), **about}, sort_keys=True)


def missing(of: Sequence[Configuration], store: Store, place: Place | None) -> list[Configuration]:
    """Those of which the store has no record."""
    known = {record["key"] for record in store}
    return [one for one in of if key(one, place) not in known]


def run(
    of: Sequence[Configuration],
    store: Store,
    place: Place | None,
    plan: Plan,
    *,
    done: Done = lambda number, total: None,
    progress: Progress = lambda rounds, seconds, width: None,
) -> bool:
    """Do what is missing, without a place by counting alone; whether Ctrl-C ended it before.

    A configuration that fails is a record with its reason. StoreError while another sweep writes
    there, OutputError where the disk is full: what is finished is kept.
    """
    with store.writing() as writer:
        left = missing(of, store, place)
        rows = []
        for number, (one, record) in enumerate(_recorded(left, place), 1):
            if place is None:
                writer.append(record)
            else:
                rows.append((one, record))  # counting beside it would disturb what is timed
            done(number, len(left))
        for first in range(0, len(rows), GROUP):
            assert place is not None
            group = rows[first : first + GROUP]
            if _timed(group, place, plan, progress):
                return True
            for _, record in group:
                writer.append(record)
    return False


def _recorded(
    of: Sequence[Configuration], place: Place | None
) -> Iterator[tuple[Configuration, Record]]:
    """What is known of each before it is timed."""
    for one, cost, failure in counted(of):
        yield (
            one,
            {
                "key": key(one, place),
                "measured": _now(),
                **asdict(one),
                "cost": cost,
                "failure": failure,
            },
        )


def _timed(
    group: Sequence[tuple[Configuration, Record]], place: Place, plan: Plan, progress: Progress
) -> bool:
    """Add to each record its latency and raw samples; whether Ctrl-C ended it before."""
    runs = [(one, record) for one, record in group if not record["failure"]]
    if not runs:
        return False
    asked = [
        (
            one.spec,
            Setting(one.batch, one.dtype, one.channels_last, compile=one.compile, train=one.train),
        )
        for one, _ in runs
    ]
    timing = timed(asked, None, place.device, place.threads, plan, progress=progress)
    if timing.interrupted:
        return True
    about = {
        **asdict(timing.environment),
        "warnings": [asdict(warning) for warning in timing.warnings],
    }
    for (_, record), latency in zip(runs, timing.latencies, strict=True):
        record["failure"] = latency.error or ""
        record["latency"] = views.record(latency, raw=True)
        record["environment"] = about
        record["measured"] = _now()
    return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
