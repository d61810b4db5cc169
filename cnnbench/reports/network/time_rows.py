"""What a network's page says of times: of passes, of their layers, and how they are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnnbench import units
from cnnbench.reports.network.subject import Subject
from cnnbench.reports.report import Column
from cnnbench.timing.backends import EAGER
from cnnbench.timing.by_layer.pass_times import PassTimes, held_by, seconds_of

_LEAST = 0.01  # of a pass, from which on what stands in no layer is named


def columns(of: Subject) -> Iterator[Column]:
    """A column a back end, and what holds an operator in the first."""
    for one in of.times:
        heading = one.backend if one.source else f"{one.backend},\npredicted"
        yield Column(_key(one), heading, units.duration)
    if of.times:
        yield Column("bound", "bound", left=True)


def _key(one: PassTimes) -> str:
    return f"{one.backend}_s"


def of_operators(of: Subject) -> list[dict[str, Any]]:
    """What each operator of the trace takes and what holds it; of what runs within another's none.

    Without times it is empty records.
    """
    return [_of_operator(of, place) if of.times else {} for place in range(len(of.trace.operators))]


def _of_operator(of: Subject, place: int) -> dict[str, Any]:
    ran = {one.backend: one.by_place.get(place, []) for one in of.times}
    bounds = {name: held_by(parts) for name, parts in ran.items()}
    return {
        "times": {name: seconds_of(parts) for name, parts in ran.items() if parts},
        "bounds": {name: str(held) for name, held in bounds.items() if held is not None},
    }


def flat(of: Subject, row: dict[str, Any]) -> dict[str, Any]:
    """A row with a number for each back end, and what holds it in the first."""
    own = {key: value for key, value in row.items() if key not in ("times", "bounds")}
    if of.first is None:
        return own
    own |= {_key(one): row["times"].get(one.backend) for one in of.times}
    return {**own, "bound": row["bounds"].get(of.first.backend)}


def of_passes(of: Subject) -> list[dict[str, Any]]:
    """One record a back end: what `time` or `predict` writes of it, and what stands in no layer."""
    return [
        {
            "backend": one.backend,
            **_whole(one),
            "bound": held_by(one.operators),
            "elsewhere_s": one.elsewhere_s,
        }
        for one in of.times
    ]


def _whole(one: PassTimes) -> dict[str, Any]:
    if one.source is not None:
        return one.source.whole.record()
    ends = {"predicted_low_s": one.low, "predicted_high_s": one.high}
    return {"predicted_s": one.seconds, **ends}


def findings(of: Subject) -> Iterator[str]:
    """What a pass takes."""
    where = of.profile.name or of.profile.device if of.profile is not None else "this device"
    for one in of.times:
        held = held_by(one.operators)
        bound = f", most of it held by {held}" if held is not None else ""
        takes = units.duration(one.seconds)
        ends = "" if one.low is None or one.high is None else units.durations(one.low, one.high)
        if one.source is None:
            yield f"On {where} {one.backend} is predicted to take {takes} ({ends}){bound}."
        else:
            rerun = f"; a rerun's is expected within {ends}" if ends else ""
            yield f"On {where} {one.backend} takes {takes}{bound}{rerun}."


def facts(of: Subject) -> Iterator[tuple[str, str]]:
    """What of passes stands in no layer, and where layers take more than the pass."""
    for one in of.times:
        every = seconds_of(one.operators)
        if every > (1 + _LEAST) * one.seconds:
            yield (
                f"layers of {one.backend}",
                f"{units.duration(every)} one by one, more than the {units.duration(one.seconds)} "
                "of the pass: the clock on each takes time, and so does a busy machine",
            )
        if one.elsewhere_s > _LEAST * one.divided_s:
            share = units.percent(one.elsewhere_s / one.divided_s)
            yield (
                f"of {one.backend} in no layer",
                f"{units.duration(one.elsewhere_s)} ({share}): changes of layout, and what it has "
                "added or rewritten",
            )


def notes(of: Subject) -> Iterator[str]:
    """How times are known."""
    if any(one.source is None for one in of.times):
        yield "Times are predicted from the device's profile: nothing was run there."
    if any(one.backend != EAGER for one in of.times):
        yield (
            "A runtime runs several operators in one: its time stands at the one that multiplies."
        )
