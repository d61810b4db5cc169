"""What disturbs a measurement, watched while it runs: load, quota, heat, other guests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter, sleep

import psutil

from cnnbench.devices import family
from cnnbench.devices.cores import granted, groups
from cnnbench.devices.device import Device
from cnnbench.devices.warnings import Warning, warning

_LOAD = 0.2  # cores that others may take of ours unmentioned
_UNUSABLE = 0.15  # share of ours that others may take, or times are not usable
_UNUSABLE_STOLEN = 0.1  # share of all time that the host may take
_LOOK_S = 0.25
_PATIENCE_S = 5.0  # that a quiet moment is waited for
_SLOWING = ("other_load", "stolen", "quota_throttled", "hot", "shared_gpu", "slow_clock")
_BUSY = ("user", "nice", "system", "irq", "softirq")  # Windows counts interrupts as system
_STOLEN = 0.02
_THROTTLED = 0.05
_SYS = Path("/sys")


def slowing(found: Iterable[Warning]) -> bool:
    """Whether one of them took from the device what it can do."""
    return any(warning.name in _SLOWING for warning in found)


class Disturbances:
    """Started before a measurement; says afterwards what disturbed it."""

    def __init__(self, device: Device, threads: int) -> None:
        """Take the first reading; the measurement computes there, with so many threads."""
        self._device = device
        self._threads = threads
        self._before = _read()

    def warnings(self) -> list[Warning]:
        """What happened since the start, which is looked at for a quarter of a second at least."""
        sleep(max(0.0, self._before["wall"] + _LOOK_S - perf_counter()))
        risen, found = _since(self._before), []
        if (others := self._others(risen)) is not None and others > self._spare + _LOAD:
            found.append(warning("other_load", unusable=self._too_many(others), cores=others))
        if risen.get("total", 0) > 0 and (share := risen["stolen"] / risen["total"]) > _STOLEN:
            found.append(warning("stolen", unusable=share > _UNUSABLE_STOLEN, share=share))
        if "periods" in risen:
            share = risen["throttled"] / max(1, risen["periods"])
            if share > _THROTTLED:
                found.append(warning("quota_throttled", share=share))
        if risen.get("hot", 0) > 0:
            found.append(warning("hot"))
        limit = granted()
        if self._device.kind == "cpu" and self._threads > max(1, limit):
            found.append(warning("oversubscribed", threads=self._threads, cores=limit))
        gpu = self._device.gpu
        return [*found, *_standing(), *(gpu.warnings() if gpu else [])]

    def settled(self, say: Callable[[str], None]) -> None:
        """Wait until others take no more than they may, for some seconds at most.

        Where they took no more since the start, there is nothing to wait for.
        """
        others, until = self._others(_since(self._before)), perf_counter() + _PATIENCE_S
        while others is not None and self._too_many(others) and perf_counter() < until:
            say(f"waiting for a quiet moment: other processes take {others:.1f} cores")
            others = self._now()

    def busy(self) -> bool:
        """Whether others take more of the cores than they may, as seen for a moment."""
        others = self._now()
        return others is not None and self._too_many(others)

    def _now(self) -> float | None:
        """Cores that others take at this moment."""
        before = _read()
        sleep(_LOOK_S)
        return self._others(_since(before))

    @property
    def _spare(self) -> int:
        """Cores that the measurement leaves to others."""
        return max(0, (os.cpu_count() or 1) - self._threads)

    def _too_many(self, others: float) -> bool:
        return others > self._spare + max(_LOAD, _UNUSABLE * self._threads)

    @staticmethod
    def _others(risen: dict[str, float]) -> float | None:
        """Cores that other processes took; None of too short a time, or where nothing says."""
        if "busy" not in risen or risen["wall"] <= 0.9 * _LOOK_S:
            return None
        return (risen["busy"] - risen["own"]) / risen["wall"]


def _since(before: dict[str, float]) -> dict[str, float]:
    now = _read()
    return {name: now[name] - old for name, old in before.items() if name in now}


def _read() -> dict[str, float]:
    """Counters that only rise, of those that this system has."""
    own = {"wall": perf_counter(), "own": family.seconds()}
    return {**own, **_processor(), **_periods(), **_hot()}


def _processor() -> dict[str, float]:
    """Seconds of all cores: busy, stolen by the host, altogether."""
    try:
        times = psutil.cpu_times()._asdict()
    except (OSError, RuntimeError, ValueError):
        return {}
    busy = sum(times.get(name, 0.0) for name in _BUSY)
    stolen = times.get("steal", 0.0)
    total = busy + stolen + times["idle"] + times.get("iowait", 0.0)
    return {"busy": busy, "stolen": stolen, "total": total}


def _periods() -> dict[str, float]:
    """Periods of the control group around us that was stopped most often, and how often it was."""
    found = []
    for folder in groups("cpu"):
        try:
            lines = dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())
            counts = {"periods": lines["nr_periods"], "throttled": lines["nr_throttled"]}
            found.append({name: float(count) for name, count in counts.items()})
        except (OSError, ValueError, KeyError):
            continue
    return max(found, key=lambda counts: counts["throttled"], default={})


def _hot() -> dict[str, float]:
    """How often the cores have lowered their clock to cool."""
    files = _SYS.glob("devices/system/cpu/cpu*/thermal_throttle/core_throttle_count")
    counts = [int(text) for path in files if (text := _text(path)).isdecimal()]
    return {"hot": sum(counts)} if counts else {}


def _standing() -> list[Warning]:
    """What holds all the time: a battery, a governor that saves power."""
    found = []
    if _on_battery():
        found.append(warning("battery"))
    governor = _text(_SYS / "devices/system/cpu/cpu0/cpufreq/scaling_governor")
    driver = _text(_SYS / "devices/system/cpu/cpu0/cpufreq/scaling_driver")
    # intel_pstate's and amd-pstate's own "powersave" is their normal, load-driven mode
    if governor in ("powersave", "conservative") and "pstate" not in driver:
        found.append(warning("power_saving", governor=governor))
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
