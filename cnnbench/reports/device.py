"""How a device's ceilings and its noise floor read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cnnbench import units
from cnnbench.devices.environment import Environment
from cnnbench.reports.environment import software
from cnnbench.reports.report import Column, Report, Table
from cnnbench.roofline.ceilings import DTYPES
from cnnbench.roofline.profile import Profile, Spread
from cnnbench.timing.samples.history import History, What
from cnnbench.timing.samples.noise import Portrait
from cnnbench.timing.samples.reruns import Between
from cnnbench.timing.session import usual_processes
from cnnbench.timing.workers.conditions import ALLOCATOR

_GAINS = 1.03  # times as long, from which on settings of the allocator are worth a word

CEILINGS = (
    Column("what", "ceiling", left=True),
    Column("value", "measured"),
    Column("ridge", "ridge\npoint"),
    Column("meaning", "", left=True),
)


SOURCES = (
    Column("source", "source", left=True),
    Column("spread", "differs by", units.precision),
    Column("whence", "", left=True),
)


def report_of(seen: Portrait, about: Environment, history: History) -> Report:
    """One row a ceiling, the noise floor, why times differ, and what disturbs."""
    profile = seen.profile
    between = {what: history.of_device(what, usual_processes()) for what in What}
    result = profile.record()
    result["bytes_per_s"] = profile.bytes_per_s
    result["ridge_point"] = {dtype: profile.ridge_point(dtype) for dtype in profile.flops_per_s}
    result["between_runs"] = {
        str(what): {"spread": known.spread, "known_runs": known.runs}
        for what, known in between.items()
    }
    result["warnings"] = [asdict(warning) for warning in seen.warnings]
    threads = f"{about.threads} ({about.threads_from})"
    return Report(
        command="device",
        results=[result],
        records=_records(profile),
        tables=[
            Table(CEILINGS, _rows(profile), f"{profile.device}  {profile.name}"),
            Table(SOURCES, _sources(profile, between), "why times of one network differ"),
        ],
        findings=[
            *(
                ["Operators were measured while something disturbed: --refresh"]
                if profile.operators_disturbed
                or any(part.operators_disturbed for part in profile.backends.values())
                else []
            ),
            *(f"warning: {warning.text}" for warning in seen.warnings),
            *([] if seen.warnings else ["Nothing disturbs it now."]),
            *_allocator(profile.spread),
        ],
        notes=[f"threads: {threads}; torch {profile.torch}; {_kept(profile)}"],
        environment={**software(), **asdict(about)},
    )


def _rows(profile: Profile) -> list[dict[str, Any]]:
    """One row a ceiling, and the noise floor."""
    rows = [
        {
            "what": f"{dtype} matrix product",
            "value": units.rate(profile.flops_per_s[dtype], "FLOP/s"),
            "ridge": units.significant(profile.ridge_point(dtype) or 0.0),
            "meaning": "FLOP per byte, from which on arithmetic is the bound",
        }
        for dtype in DTYPES
        if dtype in profile.flops_per_s
    ]
    for copy in profile.copies:
        what, value = f"copy of {units.size(copy.working_set)}", units.rate(copy.bytes_per_s, "B/s")
        rows.append({"what": what, "value": value, "meaning": "bytes read and written"})
    if profile.copies:
        rows[-1]["meaning"] = f"beyond the cache of {units.size(profile.cache_bytes)}"
    call = "" if profile.call_s is None else units.duration(profile.call_s)
    rows.append({"what": "one operator call", "value": call, "meaning": "whatever it computes"})
    value, meaning = "", "too few pairs; raise --max-time"
    if (floor := profile.noise) is not None:
        value = f"±{floor.smallest_difference:.1%}"
        meaning = (
            f"{floor.model} against itself: {floor.ratio:.3f} "
            f"[{floor.ci_low:.3f}, {floor.ci_high:.3f}], {floor.rounds} pairs in "
            f"{units.duration(floor.seconds)}"
        )
    rows.append({"what": "noise floor", "value": value, "meaning": meaning})
    for name, part in profile.backends.items():
        nodes = sum(len(timed) for kinds in part.operators.values() for timed in kinds.values())
        rows.append(
            {
                "what": f"{name} {part.version}",
                "value": units.number(nodes, "node"),
                "meaning": f"timed in {', '.join(part.operators)}, for predictions",
            }
        )
    return rows


def _sources(profile: Profile, between: Mapping[What, Between]) -> list[dict[str, Any]]:
    """Standard deviations by source, the nearest first."""
    rows: list[dict[str, Any]] = []
    if (found := profile.spread) is not None:
        whence = f"{found.model}, {found.rounds} rounds in {found.processes} processes"
        rows += [
            {"source": "pass to pass, in one process", "spread": found.within, "whence": whence},
            {"source": "process to process", "spread": found.between, "whence": "by turns"},
        ]
    for what, known in between.items():
        whence = "assumed until runs are known"
        if known.runs:
            whence = f"{units.number(known.runs, 'value')} of earlier runs"
        rows.append({"source": f"run to run, a {what}", "spread": known.spread, "whence": whence})
    return rows


def _allocator(found: Spread | None) -> list[str]:
    """What the workers' allocator gains, and how to have it."""
    if found is None:
        return []
    faults = found.page_faults_usual
    pages = "" if faults is None else f", with {units.count(round(faults))} page faults a pass"
    said = f"the system's allocator: {units.ratio(found.allocator)} the time of workers'{pages}"
    if found.allocator < _GAINS:
        return [said]
    variables = " ".join(f"{name}={value}" for name, value in ALLOCATOR.items())
    return [f"{said}; set {variables} where you deploy, before the process starts"]


def _records(profile: Profile) -> list[dict[str, Any]]:
    """One line a ceiling in base units, for CSV."""
    pairs = [
        *((f"flops_per_s {dtype}", value) for dtype, value in profile.flops_per_s.items()),
        *((f"bytes_per_s {copy.working_set}", copy.bytes_per_s) for copy in profile.copies),
        ("call_s", profile.call_s),
        ("smallest_difference", profile.noise.smallest_difference if profile.noise else None),
    ]
    return [{"device": profile.device, "ceiling": what, "value": value} for what, value in pairs]


def _kept(profile: Profile) -> str:
    """When it was measured, and whether the next run will do without."""
    if profile.disturbed:
        return "measured now while something disturbed it: too low, and not kept"
    return f"measured {profile.measured:%Y-%m-%d %H:%M} UTC, again with --refresh"
