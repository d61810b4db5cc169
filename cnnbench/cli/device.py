"""`cnnbench device`: the device's measured ceilings and its noise floor."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnbench import units
from cnnbench.cli import INTERRUPTED
from cnnbench.cli import options as opt
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import CnnbenchError
from cnnbench.files import check_writable, write
from cnnbench.reports.formats.emit import emit
from cnnbench.reports.report import Column, Report, Table

if TYPE_CHECKING:
    from cnnbench.roofline.profile import Profile

CEILINGS = (
    Column("what", "ceiling", left=True),
    Column("value", "measured"),
    Column("ridge", "ridge\npoint"),
    Column("meaning", "", left=True),
)


def device(
    name: opt.DeviceOption = None,
    threads: opt.Threads = None,
    max_time: Annotated[
        float,
        typer.Option(
            "--max-time", metavar="SECONDS", help="For the noise floor; ceilings take some seconds."
        ),
    ] = 10.0,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Measure again what is kept from before.")
    ] = False,
    form: opt.FormatOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to a file instead of stdout; .toml is for 'cnnbench predict --on'.",
        ),
    ] = None,
) -> None:
    """Measure what the device can do at most, and the smallest difference that can be told there.

    Ceilings: FLOP/s of matrix products, bandwidth of copies, the cost of one operator call.

    Noise floor: a network timed against itself. What disturbs the device is looked at each time.

    What was measured is kept, with its date, in the user's cache folder.

    cnnbench device

    cnnbench device --refresh --threads 1

    cnnbench device --output device.toml
    """
    opt.read_threads(threads)
    opt.read_plan("2%", max_time, 0)
    check_writable(output)
    as_toml = output is not None and output.suffix.lower() == ".toml"
    if as_toml and form is not None:
        raise CnnbenchError(f"{output} is TOML; give it or --format {form}, not both")
    with heavy_imports():
        from cnnbench.devices import cores
        from cnnbench.devices.device import find_device
        from cnnbench.devices.environment import environment
        from cnnbench.reports.environment import software
        from cnnbench.roofline import profile_file
        from cnnbench.timing import noise
    found, used = find_device(name), cores.threads(threads)
    with bar(max_time) as shown:
        seen = noise.portrait(
            found,
            used,
            max_time,
            predicting=as_toml,
            refresh=refresh,
            say=shown.say,
            progress=shown.rounds,
        )
    profile = seen.profile
    result = profile.model_dump(mode="json", exclude={"operators"})
    result["bytes_per_s"] = profile.bytes_per_s
    result["ridge_point"] = {dtype: profile.ridge_point(dtype) for dtype in profile.flops_per_s}
    result["warnings"] = [asdict(warning) for warning in seen.warnings]
    about = environment(found, used)
    report = Report(
        command="device",
        results=[result],
        records=_records(profile),
        tables=[Table(CEILINGS, _rows(profile), f"{profile.device}  {profile.name}")],
        notes=[
            f"threads: {used.number} ({used.reason}); torch {profile.torch}; {_kept(profile)}",
            *(f"warning: {warning.text}" for warning in seen.warnings),
            *([] if seen.warnings else ["nothing disturbs it now"]),
        ],
        environment={**software(), **asdict(about)},
    )
    if as_toml and output is not None:
        write(output, profile_file.as_toml(profile))
    emit(report, form, None if as_toml else output)
    if seen.interrupted:
        raise typer.Exit(INTERRUPTED)


def _rows(profile: Profile) -> list[dict[str, Any]]:
    """One row a ceiling, and the noise floor."""
    from cnnbench.roofline.ceilings import DTYPES

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
        beyond = f"beyond the cache of {units.size(profile.cache_bytes)}"
        rows.append(
            {
                "what": f"copy of {units.size(copy.working_set)}",
                "value": units.rate(copy.bytes_per_s, "B/s"),
                "ridge": "",
                "meaning": beyond if copy is profile.copies[-1] else "bytes read and written",
            }
        )
    call = "" if profile.call_s is None else units.duration(profile.call_s)
    rows.append(
        {"what": "one operator call", "value": call, "ridge": "", "meaning": "whatever it computes"}
    )
    value, meaning = "", "too few pairs; raise --max-time"
    if (floor := profile.noise) is not None:
        value = f"±{floor.smallest_difference:.1%}"
        meaning = (
            f"{floor.model} against itself: {floor.ratio:.3f} "
            f"[{floor.ci_low:.3f}, {floor.ci_high:.3f}], {floor.rounds} pairs in "
            f"{units.duration(floor.seconds)}"
        )
    return [*rows, {"what": "noise floor", "value": value, "ridge": "", "meaning": meaning}]


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
