"""A device's profile: its ceilings and its noise floor as they were measured, kept for later."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import torch
from platformdirs import user_cache_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cnnbench.errors import DeviceError, OutputError
from cnnbench.files import write
from cnnbench.timing import ceilings
from cnnbench.timing.devices import Device
from cnnbench.timing.disturbances import Watch, slowing

Say = Callable[[str], None]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Noise(_Record):
    """A network timed against itself: `smallest_difference` is what cannot be told from none.

    It is the farther end of the ratio's interval, from 1.
    """

    model: str
    seconds: Positive
    rounds: int
    ratio: Positive
    ci_low: float
    ci_high: float
    smallest_difference: float


class Copy(_Record):
    """How fast a copy is whose two ends take `working_set` bytes: bytes read and written."""

    working_set: int
    bytes_per_s: Positive


class Profile(_Record):
    """Ceilings of one device with one number of threads under one torch; base units.

    `measured` is when the first of them was. One that was `disturbed` meanwhile is too low, and is
    not kept.
    `copies` stand by growing working set: within the last-level cache, the last one beyond it.
    """

    device: str
    name: str
    torch: str
    threads: int
    measured: datetime
    flops_per_s: dict[str, Positive] = {}
    copies: list[Copy] = []
    cache_bytes: int = 0
    call_s: Positive | None = None
    noise: Noise | None = None
    disturbed: bool = False

    @property
    def bytes_per_s(self) -> float | None:
        """Bandwidth beyond the last-level cache."""
        return self.copies[-1].bytes_per_s if self.copies else None

    def bandwidth(self, working_set: int) -> float | None:
        """Bytes per second of what moves so many bytes: those of the next larger copy."""
        larger = (copy for copy in self.copies if copy.working_set >= working_set)
        return next((copy.bytes_per_s for copy in larger), self.bytes_per_s)

    def ridge_point(self, dtype: str) -> float | None:
        """Intensity at which the bound changes from memory to compute, in FLOP per byte."""
        peak = self.flops_per_s.get(dtype)
        return peak / self.bytes_per_s if peak and self.bytes_per_s else None


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
    return kept if same else fresh


def keep(profile: Profile, device: Device) -> None:
    """Store it; a cache folder that cannot be written is no reason to fail."""
    file = path(device, profile.threads)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write(file, profile.model_dump_json(indent=2) + "\n")
    except (OSError, OutputError):
        return


def path(device: Device, threads: int) -> Path:
    """The profile's file in the user's cache folder."""
    slug = re.sub(r"[^a-z0-9]+", "-", f"{device} {device.name} {threads} threads".lower())
    return user_cache_path("cnnbench") / "devices" / f"{slug.strip('-')}.json"


def measured(
    device: Device,
    threads: int,
    dtypes: Iterable[str],
    *,
    memory: bool = False,
    refresh: bool = False,
    say: Say = lambda text: None,
) -> Profile:
    """The ceilings asked for, from the cache or measured now and kept there.

    `memory` asks for bandwidths and the cost of a call too. A dtype that the device has no matrix
    product of is left out. What was measured while something else disturbed is not kept.
    """
    before = kept = stored(device, threads, refresh=refresh)
    watch = Watch(device, threads)
    for dtype in dict.fromkeys(dtypes):
        if dtype in ceilings.DTYPES and dtype not in kept.flops_per_s:
            say(f"measuring what {device} can do in {dtype}")
            with suppress(DeviceError):
                peaks = {**kept.flops_per_s, dtype: ceilings.flops_per_s(device, dtype)}
                kept = kept.model_copy(update={"flops_per_s": peaks})
    if memory and not (kept.copies and kept.call_s):
        say(f"measuring the memory of {device}")
        copies = [
            Copy(working_set=size, bytes_per_s=ceilings.bytes_per_s(device, size))
            for size in ceilings.working_sets(device)
        ]
        kept = kept.model_copy(update={"copies": copies, "call_s": ceilings.call_s(device)})
    if kept is not before:
        if slowing(watch.cautions()):
            return kept.model_copy(update={"disturbed": True})
        keep(kept, device)
    return kept
