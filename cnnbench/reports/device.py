"""How a device's ceilings and its noise floor read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cnnbench import units
from cnnbench.devices.environment import Environment
from cnnbench.reports.environment import software
from cnnbench.reports.report import Column, Report, Table
from cnnbench.roofline.ceilings import DTYPES
from cnnbench.roofline.profile import Profile
from cnnbench.timing.noise import Portrait

CEILINGS = (
    Column("what", "ceiling", left=True),
    Column("value", "measured"),
    Column("ridge", "ridge\npoint"),
    Column("meaning", "", left=True),
)


def report_of(seen: Portrait, about: Environment) -> Report:
    """One row a ceiling, the noise floor, and what disturbs."""
    profile = seen.profile
    result = profile.record()
    result["bytes_per_s"] = profile.bytes_per_s
    result["ridge_point"] = {dtype: profile.ridge_point(dtype) for dtype in profile.flops_per_s}
    result["warnings"] = [asdict(warning) for warning in seen.warnings]
    threads = f"{about.threads} ({about.threads_from})"
    return Report(
        command="device",
        results=[result],
        records=_records(profile),
        tables=[Table(CEILINGS, _rows(profile), f"{profile.device}  {profile.name}")],
        findings=[
            *(
                ["Operators were measured while something disturbed: --refresh"]
                if profile.operators_disturbed
                else []
            ),
            *(f"warning: {warning.text}" for warning in seen.warnings),
            *([] if seen.warnings else ["Nothing disturbs it now."]),
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
    return [*rows, {"what": "noise floor", "value": value, "meaning": meaning}]


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
