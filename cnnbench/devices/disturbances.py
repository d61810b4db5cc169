"""What disturbs a measurement, watched while it runs: load, quota, heat, other guests."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import psutil

from cnnbench.devices import warnings
from cnnbench.devices.cores import granted, groups
from cnnbench.devices.device import Device
from cnnbench.devices.warnings import Warning

_LOAD = 0.2  # cores that others may take of ours unmentioned
_SLOWING = ("other_load", "stolen", "quota_throttled", "hot", "shared_gpu", "slow_clock")
_BUSY = ("user", "nice", "system", "irq", "softirq")  # Windows counts interrupts as system
_STOLEN = 0.02
_THROTTLED = 0.05
_SYS = Path("/sys")


def slowing(found: Iterable[Warning]) -> bool:
    """Whether one of them took from the device what it can do."""
    return any(warning.name in _SLOWING for warning in found)


@dataclass(frozen=True)
class _Snapshot:
    """Counters that only rise; None where this system has none."""

    wall: float
    own: float
    busy: float | None
    stolen: float | None
    total: float | None
    periods: int | None
    throttled: int | None
    hot: int | None


class Disturbances:
    """Started before a measurement; says afterwards what disturbed it."""

    def __init__(self, device: Device, threads: int) -> None:
        """Take the first reading; the measurement computes there, with so many threads."""
        self._device = device
        self._threads = threads
        self._before = _read()

    def warnings(self) -> list[Warning]:
        """What happened since the start."""
        before, after = self._before, _read()
        found = []
        wall = after.wall - before.wall
        if before.busy is not None and after.busy is not None and wall > 0.5:
            others = (after.busy - before.busy - (after.own - before.own)) / wall
            spare = (os.cpu_count() or 1) - self._threads
            if others > max(0, spare) + _LOAD:
                found.append(warnings.other_load(others))
        if before.total is not None and after.total is not None and after.total > before.total:
            share = ((after.stolen or 0) - (before.stolen or 0)) / (after.total - before.total)
            if share > _STOLEN:
                found.append(warnings.stolen(share))
        if before.periods is not None and after.periods is not None:
            stopped = (after.throttled or 0) - (before.throttled or 0)
            share = stopped / max(1, after.periods - before.periods)
            if share > _THROTTLED:
                found.append(warnings.quota_throttled(share))
        if before.hot is not None and after.hot is not None and after.hot > before.hot:
            found.append(warnings.hot())
        limit = granted()
        if self._device.kind == "cpu" and self._threads > max(1, limit):
            found.append(warnings.oversubscribed(self._threads, limit))
        gpu = self._device.gpu
        return [*found, *_standing(), *(gpu.warnings() if gpu else [])]


def _read() -> _Snapshot:
    times = os.times()
    busy, stolen, total = _processor()
    periods, throttled = _periods()
    return _Snapshot(
        wall=perf_counter(),
        own=sum(times[:4]),
        busy=busy,
        stolen=stolen,
        total=total,
        periods=periods,
        throttled=throttled,
        hot=_sum_of("devices/system/cpu/cpu*/thermal_throttle/core_throttle_count"),
    )


def _processor() -> tuple[float, float, float] | tuple[None, None, None]:
    """Seconds of all cores: busy, stolen by the host, altogether."""
    try:
        times = psutil.cpu_times()._asdict()
    except (OSError, RuntimeError, ValueError):
        return None, None, None
    busy = sum(times.get(name, 0.0) for name in _BUSY)
    stolen = times.get("steal", 0.0)
    return busy, stolen, busy + stolen + times["idle"] + times.get("iowait", 0.0)


def _periods() -> tuple[int, int] | tuple[None, None]:
    """Periods of the control group around us that was stopped most often, and how often it was."""
    found = []
    for folder in groups("cpu"):
        try:
            lines = dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())
            found.append((int(lines["nr_periods"]), int(lines["nr_throttled"])))
        except (OSError, ValueError, KeyError):
            continue
    return max(found, key=lambda counts: counts[1], default=(None, None))


def _sum_of(pattern: str) -> int | None:
    """Sum of the numbers in files below /sys; None where there is none."""
    try:
        numbers = [int(path.read_text()) for path in _SYS.glob(pattern)]
    except (OSError, ValueError):
        return None
    return sum(numbers) if numbers else None


def _standing() -> list[Warning]:
    """What holds all the time: a battery, a governor that saves power."""
    found = []
    if _on_battery():
        found.append(warnings.battery())
    governor = _text(_SYS / "devices/system/cpu/cpu0/cpufreq/scaling_governor")
    driver = _text(_SYS / "devices/system/cpu/cpu0/cpufreq/scaling_driver")
    # intel_pstate's and amd-pstate's own "powersave" is their normal, load-driven mode
    if governor in ("powersave", "conservative") and "pstate" not in driver:
        found.append(warnings.power_saving(governor))
    return found


def _on_battery() -> bool:
    battery = getattr(psutil, "sensors_battery", lambda: None)()
    supplies = list(_SYS.glob("class/power_supply/*/status"))
    mice = [path for path in supplies if _text(path.with_name("scope")) == "Device"]
    if supplies and len(mice) == len(supplies):  # psutil takes a mouse's battery for the machine's
        return False
    return battery is not None and battery.power_plugged is False


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
