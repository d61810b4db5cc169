"""Measure a device's profile, and keep it for later."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch
from platformdirs import user_cache_path
from pydantic import ValidationError

from cnnbench.devices.device import Device
from cnnbench.devices.disturbances import Disturbances, slowing
from cnnbench.errors import DeviceError, OutputError
from cnnbench.files import write
from cnnbench.roofline import ceilings
from cnnbench.roofline.grid import VERSION as GRID
from cnnbench.roofline.operators import measure_grid
from cnnbench.roofline.probes import hold, probes
from cnnbench.roofline.profile import Allocation, Copy, Profile
from cnnbench.roofline.sizes import Sizes

Say = Callable[[str], None]


def stored(device: Device, threads: int, *, refresh: bool = False) -> Profile:
    """What was measured before on this device with so many threads; an empty one where nothing.

    A file that cannot be read, or is another torch's, is as good as none: it is measured again.
    """
    fresh = Profile(
        device=str(device),
        name=device.name,
        torch=torch.__version__,
        threads=threads,
        measured=datetime.now(UTC),
        cache_bytes=device.cache_bytes,
    )
    if refresh:
        return fresh
    try:
        kept = Profile.model_validate_json(path(device, threads).read_bytes())
    except (OSError, ValidationError):
        return fresh
    same = (kept.name, kept.torch, kept.threads, kept.cache_bytes) == (
        fresh.name,
        fresh.torch,
        fresh.threads,
        fresh.cache_bytes,
    )
    if not same:
        return fresh
    return kept if kept.grid in (0, GRID) else fresh


def holding(kept: Profile, device: Device, threads: int) -> Profile:
    """The profile, where the machine is as it was then; else an empty one, to be measured anew.

    So too where its operators were measured while something disturbed. While something disturbs,
    another measurement would be no better.
    """
    if not kept.probes:
        return kept

    def holds() -> bool:
        return not kept.operators_disturbed and hold(probes(device), kept.probes)

    if holds() or Disturbances(device, threads).busy() or holds():
        return kept
    return stored(device, threads, refresh=True)


def keep(profile: Profile, device: Device) -> None:
    """Store it; a cache folder that cannot be written is no reason to fail."""
    file = path(device, profile.threads)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write(file, profile.model_dump_json(indent=2) + "\n")
    except (OSError, OutputError):
        return


def keep_lasting(profile: Profile, device: Device) -> None:
    """Store it; where something disturbed its ceilings, only what takes long to measure."""
    if profile.disturbed:
        clean = stored(device, profile.threads)
        profile = clean.model_copy(update={key: getattr(profile, key) for key in _LONG})
    keep(profile, device)


def path(device: Device, threads: int) -> Path:
    """The profile's file in the user's cache folder."""
    slug = re.sub(r"[^a-z0-9]+", "-", f"{device} {device.name} {threads} threads".lower())
    return user_cache_path("cnnbench") / "devices" / f"{slug.strip('-')}.json"


def calibrate(
    device: Device,
    threads: int,
    dtypes: Iterable[str],
    *,
    memory: bool = False,
    operators: bool = False,
    start: Profile | None = None,
    say: Say = lambda text: None,
) -> Profile:
    """The ceilings asked for, from `start` or the cache, or measured now and kept there.

    `memory` asks for bandwidths and the cost of a call too, `operators` for the speed of each kind
    of operator. A dtype that the device has no matrix product of is left out. What was measured
    while something else disturbed is marked, and not kept, but for operators, which take long.
    """
    dtypes = [dtype for dtype in dict.fromkeys(dtypes) if dtype in ceilings.DTYPES]
    before = kept = start or holding(stored(device, threads), device, threads)
    watch = Disturbances(device, threads)
    for dtype in dtypes:
        if dtype not in kept.flops_per_s:
            say(f"measuring what {device} can do in {dtype}")
            with suppress(DeviceError):
                peaks = {**kept.flops_per_s, dtype: ceilings.flops_per_s(device, dtype)}
                kept = kept.model_copy(update={"flops_per_s": peaks})
    if memory and not (kept.copies and kept.call_s and kept.layer_s):
        say(f"measuring the memory of {device}")
        copies = [
            Copy(working_set=size, bytes_per_s=ceilings.bytes_per_s(device, size))
            for size in ceilings.working_sets(device)
        ]
        calls = {"call_s": ceilings.call_s(device), "layer_s": ceilings.layer_s(device)}
        kept = kept.model_copy(update={"copies": copies, **calls})
    if operators and any(
        dtype in kept.flops_per_s and dtype not in kept.operators for dtype in dtypes
    ):
        kept = _with_operators(kept, device, dtypes, say)
    if kept is before:
        return kept
    slowed = slowing(watch.warnings())
    new = kept.operators is not before.operators
    kept = kept.model_copy(
        update={
            "disturbed": slowed or before.disturbed,
            "probes": kept.probes or ({} if slowed else probes(device)),
            "operators_disturbed": slowed if new else kept.operators_disturbed,
        }
    )
    if new or not kept.disturbed:
        keep_lasting(kept, device)
    return kept


_LONG = (
    *("call_s", "layer_s", "allocations"),
    *("grid", "operators", "operators_disturbed", "backends"),
)  # what is kept all the same


def _with_operators(kept: Profile, device: Device, dtypes: Iterable[str], say: Say) -> Profile:
    """The speed of each kind of operator in each dtype, of new memory, and of Python."""
    found = dict(kept.operators)
    for dtype in dtypes:
        if dtype not in found and dtype in kept.flops_per_s:
            text = f"measuring the operators of {device} in {dtype}"
            with suppress(DeviceError):  # too little memory
                timed = measure_grid(device, dtype, partial(_say_round, say, text))
                found[dtype] = rows(timed)
    if kept.operators:  # another dtype's; the rest has been measured with them
        return kept.model_copy(update={"operators": found})
    say(f"measuring new memory on {device}")
    allocations = [
        Allocation(size=size, seconds=ceilings.allocation_s(device, size))
        for size in ceilings.allocations(device)
    ]
    return kept.model_copy(update={"grid": GRID, "operators": found, "allocations": allocations})


def rows(timed: Mapping[str, Sequence[tuple[Sizes, float]]]) -> dict[str, list[list[float]]]:
    """Sizes and seconds of operators by kind, as a profile keeps them."""
    return {
        kind: [[*sizes, seconds] for sizes, seconds in samples] for kind, samples in timed.items()
    }


def _say_round(say: Say, text: str, number: int) -> None:
    say(f"{text}: round {number}")
