"""What disturbs, from counters that are read before and after."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from cnnbench.devices import device, disturbances, family, gpu
from cnnbench.devices.device import find_device
from cnnbench.devices.disturbances import Disturbances
from cnnbench.devices.gpu import Gpu
from cnnbench.devices.warnings import Warning, unusable

from ..conftest import settled

NAMES = ("wall", "own", "busy", "stolen", "total", "periods", "throttled", "hot")
CALM = dict.fromkeys(NAMES, 0.0)
LATER = {**CALM, "wall": 10, "own": 20, "busy": 20, "total": 20, "periods": 100}


def seen(
    monkeypatch: pytest.MonkeyPatch, after: dict[str, float], threads: int = 2, cores: int = 2
) -> dict[str, str]:
    readings = iter([CALM, after])
    monkeypatch.setattr(disturbances, "_read", lambda: next(readings))
    monkeypatch.setattr(disturbances, "_standing", list)
    monkeypatch.setattr(disturbances.os, "cpu_count", lambda: cores)
    monkeypatch.setattr(disturbances, "granted", lambda: cores)
    watch = Disturbances(find_device("cpu"), threads)
    return {warning.name: warning.text for warning in watch.warnings()}


def test_a_calm_machine_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(monkeypatch, LATER) == {}


def test_others_load_is_what_is_busy_beside_us(monkeypatch: pytest.MonkeyPatch) -> None:
    told = seen(monkeypatch, {**LATER, "own": 12})
    assert told == {"other_load": "other processes took 0.8 cores meanwhile; stop them, or wait"}
    assert seen(monkeypatch, {**LATER, "own": 12}, threads=2, cores=8) == {}


def test_too_much_of_it_makes_times_unusable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disturbances, "_UNUSABLE", 0.15)
    monkeypatch.setattr(disturbances, "_UNUSABLE_STOLEN", 0.1)
    watch = Disturbances(find_device("cpu"), 2)

    def said(**after: float) -> str:
        readings = {**LATER, **after}
        monkeypatch.setattr(watch, "_before", CALM)
        monkeypatch.setattr(disturbances, "_read", lambda: readings)
        monkeypatch.setattr(disturbances.os, "cpu_count", lambda: 2)
        return unusable(watch.warnings())

    assert said() == ""
    assert said(own=17.5) == "", "0.25 cores are worth a word, and no more"
    assert "0.4 cores" in said(own=16)
    assert said(stolen=1.0) == "" and "15%" in said(stolen=3.0)


def test_a_quiet_moment_is_waited_for_where_others_were_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(disturbances, "_UNUSABLE", 0.15)
    monkeypatch.setattr(disturbances.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(disturbances, "sleep", lambda seconds: None)
    said: list[str] = []

    def waits(*others: float) -> int:
        """How often it is said that it waits, of so many cores in each second."""
        wall, busy, readings = 0.0, 0.0, [CALM]
        for cores in others:
            wall, busy = wall + 1, busy + cores
            readings += [{**CALM, "wall": wall, "busy": busy}] * 2
        left = iter(readings)
        monkeypatch.setattr(disturbances, "_read", lambda: next(left))
        said.clear()
        settled(Disturbances(find_device("cpu"), 2), said.append)
        return len(said)

    assert waits(0.1) == 0
    assert waits(1.4, 0.0) == 1 and "other processes take 1.4 cores" in said[0]
    assert waits(1.4, 1.0, 0.0) == 2


def test_what_we_began_is_not_others() -> None:
    before = family.seconds()
    with subprocess.Popen(
        [sys.executable, "-c", "import time\nwhile time.process_time() < 60: pass"]
    ) as child:
        try:
            assert child.pid in family.ours() and os.getpid() in family.ours()
            until = time.monotonic() + 300
            while family.seconds() < before + 0.3:
                assert time.monotonic() < until
                time.sleep(0.05)
        finally:
            child.kill()


@pytest.mark.parametrize(
    ("after", "name", "words"),
    [
        ({**LATER, "stolen": 2.0}, "stolen", "took 10% of"),
        ({**LATER, "throttled": 25}, "quota_throttled", "25% of its periods"),
        ({**LATER, "hot": 3}, "hot", "cool it"),
    ],
)
def test_other_counters(
    monkeypatch: pytest.MonkeyPatch, after: dict[str, float], name: str, words: str
) -> None:
    assert words in seen(monkeypatch, after)[name]


def test_more_threads_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "9 threads on 2 cores" in seen(monkeypatch, LATER, threads=9)["oversubscribed"]


def test_a_system_without_counters_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(monkeypatch, {name: LATER[name] for name in ("wall", "own")}) == {}


def test_battery_and_governor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(disturbances, "_SYS", tmp_path)
    cpufreq = tmp_path / "devices/system/cpu/cpu0/cpufreq"
    supply = tmp_path / "class/power_supply/BAT0"
    for folder in (cpufreq, supply):
        folder.mkdir(parents=True)
    (supply / "status").write_text("Discharging\n")
    plugged = SimpleNamespace(power_plugged=False)
    monkeypatch.setattr(disturbances.psutil, "sensors_battery", lambda: plugged, raising=False)
    (cpufreq / "scaling_governor").write_text("powersave\n")
    (cpufreq / "scaling_driver").write_text("acpi-cpufreq\n")
    assert [warning.name for warning in disturbances._standing()] == ["battery", "power_saving"]
    (supply / "scope").write_text("Device\n")  # a mouse's own
    assert [warning.name for warning in disturbances._standing()] == ["power_saving"]
    (supply / "scope").unlink()
    plugged.power_plugged = True
    (cpufreq / "scaling_driver").write_text("intel_pstate\n")
    assert disturbances._standing() == []


def test_seconds_are_named_as_each_system_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    linux = {"user": 4.0, "nice": 1.0, "system": 2.0, "idle": 50.0, "iowait": 3.0, "irq": 0.5}
    linux |= {"softirq": 0.5, "steal": 6.0, "guest": 2.0, "guest_nice": 0.0}  # guest is in user
    windows = {"user": 4.0, "system": 2.0, "idle": 50.0, "interrupt": 0.5, "dpc": 0.5}
    for times, expected in ((linux, (8.0, 6.0, 67.0)), (windows, (6.0, 0.0, 56.0))):
        here = SimpleNamespace(_asdict=lambda times=times: times)
        monkeypatch.setattr(disturbances.psutil, "cpu_times", lambda here=here: here)
        assert tuple(disturbances._processor().values()) == expected


def test_this_machines_own_counters_can_be_read() -> None:
    now = disturbances._read()
    assert now["own"] > 0 and now["wall"] > 0
    if Path("/proc/stat").exists():
        assert now["total"] >= now["busy"] > 0


class Nvml:
    """NVIDIA's library of a GPU that is slowed and shared; or one that knows no GPU."""

    NVMLError = type("NVMLError", (Exception,), {})
    there = True

    def _said(self, answer: object) -> object:
        if not self.there:
            raise self.NVMLError
        return answer

    def nvmlSystemGetDriverVersion(self) -> object:
        return self._said("570.86.15")

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> object:
        return self._said(uuid)

    def nvmlDeviceGetClockInfo(self, handle: str, kind: int) -> object:
        return self._said(1200)

    def nvmlDeviceGetMaxClockInfo(self, handle: str, kind: int) -> object:
        return self._said(1980)

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: str) -> object:
        return self._said(0x24)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> object:
        return self._said([SimpleNamespace(pid=pid) for pid in (17, 4242, os.getpid())])


def test_a_gpu_by_what_its_driver_says(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Nvml()
    monkeypatch.setattr(gpu, "nvml", lambda: library)
    one = Gpu("GPU-1")
    assert one.driver() == "570.86.15" and one.clocks_mhz() == (1200.0, 1980.0)
    assert one.warnings() == [
        Warning("shared_gpu", "2 other processes on the GPU; stop them ('nvidia-smi')"),
        Warning(
            "slow_clock",
            "the GPU was at 1200 of 1980 MHz after it (power cap, hot); cool it, or lock its"
            " clocks",
        ),
    ]
    library.there = False
    assert one.driver() is None and one.clocks_mhz() is None and one.warnings() == []


def test_without_its_package_a_gpu_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "nvml", lambda: None)
    one = Gpu("GPU-1")
    assert one.driver() is None and one.clocks_mhz() is None
    (warning,) = one.warnings()
    assert warning.name == "unwatched_gpu" and "pip install 'cnnbench[nvidia]'" in warning.text


def test_a_tool_that_is_not_there_says_nothing() -> None:
    assert device.said("no-such-tool-at-all") == ""
    assert device.said("false") == ""


def test_a_short_measurement_is_looked_at_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(disturbances, "sleep", slept.append)
    Disturbances(find_device("cpu"), 1).warnings()
    assert 0 < slept[0] <= disturbances._LOOK_S
