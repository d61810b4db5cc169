"""What a network's page says of times: of passes, of their layers, and how they are known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from cnnbench import units
from cnnbench.reports import time_notes
from cnnbench.reports.environment import alert
from cnnbench.reports.network.subject import Subject
from cnnbench.reports.report import Column
from cnnbench.timing.pass_times import PassTimes, held_by, seconds_of

_LEAST = 0.01  # of a pass, from which on what stands in no layer is named


def columns(of: Subject) -> Iterator[Column]:
    """A column a back end, and what holds an operator in the first."""
    for one in of.times:
        name = one.backend if one.is_measured else f"{one.backend},\n{one.verb}"
        yield Column(_key(one), name, units.duration)
    if of.times:
        yield Column("bound", "bound", left=True)


def _key(one: PassTimes) -> str:
    return f"{one.backend} seconds"


def add(of: Subject, rows: list[dict[str, Any]]) -> None:
    """Put into each row, an operator's, what it takes; of what runs within another's nothing."""
    for place, row in enumerate(rows):
        ran = {one.backend: one.by_place.get(place, []) for one in of.times}
        row["times"] = {name: seconds_of(parts) for name, parts in ran.items() if parts}
        row["bounds"] = {
            name: str(held) for name, parts in ran.items() if (held := held_by(parts)) is not None
        }


def cells(of: Subject, row: dict[str, Any]) -> dict[str, Any]:
    """A row with the cells that its table makes of times."""
    found = {_key(one): row["times"].get(one.backend) for one in of.times}
    bound = row["bounds"].get(of.first.backend) if of.first else None
    return {**row, **found, "bound": bound}


def records(of: Subject) -> list[dict[str, Any]]:
    """One record a back end: its pass, between which ends it is expected, what holds it."""
    found = []
    for one in of.times:
        keys = ("latency_s", "ci_low_s", "ci_high_s")
        if not one.is_measured:
            keys = ("predicted_s", "predicted_low_s", "predicted_high_s")
        ends = (one.seconds, one.low, one.high if math.isfinite(one.high) else None)
        found.append(
            {
                "backend": one.backend,
                **dict(zip(keys, ends, strict=True)),
                "bound": held_by(one.operators),
                "elsewhere_s": one.elsewhere_s,
            }
        )
    return found


def lead(of: Subject) -> Iterator[str]:
    """What a pass takes, and what could not be timed; first of all where nothing is to be used."""
    if of.timing is not None:
        yield from filter(None, [alert(of.timing.warnings)])
        yield from time_notes.findings(of.timing.latencies, of.timing)
    for one in of.times:
        held = held_by(one.operators)
        bound = f", most of it held by {held}" if held is not None else ""
        where = of.profile.name or of.profile.device if of.profile is not None else "this device"
        takes = units.duration(one.seconds)
        if one.is_measured:
            known = f"; a rerun is expected within {units.durations(one.low, one.high)}"
            known = known if math.isfinite(one.high) else ""
            yield f"On {where} {one.backend} takes {takes}{bound}{known}."
        else:
            known = units.durations(one.low, one.high)
            yield f"On {where} {one.backend} is predicted to take {takes} ({known}){bound}."


def facts(of: Subject) -> Iterator[tuple[str, str]]:
    """What of passes stands in no layer."""
    for one in of.times:
        if one.elsewhere_s > _LEAST * one.seconds:
            share = units.percent(one.elsewhere_s / one.seconds)
            yield (
                f"of {one.backend} in no layer",
                f"{units.duration(one.elsewhere_s)} ({share}): changes of layout, and what it adds",
            )


def notes(of: Subject) -> list[str]:
    """How times are known."""
    found = []
    if of.timing is not None:
        found += time_notes.notes(of.timing.latencies, of.timing)
    if any(not one.is_measured for one in of.times):
        found.append("Times are predicted from the device's profile: nothing was run there.")
    if any(one.backend != "eager" for one in of.times):
        found.append(
            "A runtime runs several operators in one: its time stands at the one that multiplies."
        )
    return found
