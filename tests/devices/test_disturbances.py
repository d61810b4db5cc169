"""What disturbs, from counters that are read before and after."""

from dataclasses import replace
from pathlib import Path

import pytest

from cnnbench.devices import disturbances, gpu
from cnnbench.devices.device import find_device
from cnnbench.devices.disturbances import Disturbances
from cnnbench.devices.gpu import Gpu
from cnnbench.devices.warnings import Warning

CALM = disturbances._Snapshot(
    wall=0, own=0, busy=0, stolen=0, total=0, periods=0, throttled=0, hot=0
)
LATER = replace(CALM, wall=10, own=20, busy=20, total=20, periods=100)


def seen(
    monkeypatch: pytest.MonkeyPatch, after: disturbances._Snapshot, threads: int = 2, cores: int = 2
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
    told = seen(monkeypatch, replace(LATER, own=12, busy=20))
    assert told == {"other_load": "other processes took 0.8 cores meanwhile; stop them, or wait"}
    assert seen(monkeypatch, replace(LATER, own=12, busy=20), threads=2, cores=8) == {}


@pytest.mark.parametrize(
    ("after", "name", "words"),
    [
        (replace(LATER, stolen=2.0), "stolen", "took 10% of"),
        (replace(LATER, throttled=25), "quota_throttled", "25% of its periods"),
        (replace(LATER, hot=3), "hot", "cool it"),
    ],
)
def test_other_counters(
    monkeypatch: pytest.MonkeyPatch, after: disturbances._Snapshot, name: str, words: str
) -> None:
    assert words in seen(monkeypatch, after)[name]


def test_more_threads_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "9 threads on 2 cores" in seen(monkeypatch, LATER, threads=9)["oversubscribed"]


def test_a_system_without_counters_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = replace(
        LATER, busy=None, stolen=None, total=None, periods=None, throttled=None, hot=None
    )
    assert seen(monkeypatch, nothing) == {}


def test_battery_and_governor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(disturbances, "_SYS", tmp_path)
    cpufreq = tmp_path / "devices/system/cpu/cpu0/cpufreq"
    supply = tmp_path / "class/power_supply/BAT0"
    for folder in (cpufreq, supply):
        folder.mkdir(parents=True)
    (supply / "status").write_text("Discharging\n")
    (cpufreq / "scaling_governor").write_text("powersave\n")
    (cpufreq / "scaling_driver").write_text("acpi-cpufreq\n")
    assert [warning.name for warning in disturbances._standing()] == ["battery", "power_saving"]
    (supply / "status").write_text("Charging\n")
    (cpufreq / "scaling_driver").write_text("intel_pstate\n")
    assert disturbances._standing() == []


def test_this_machines_own_counters_can_be_read() -> None:
    now = disturbances._read()
    assert now.own > 0 and now.wall > 0
    if Path("/proc/stat").exists():
        assert now.busy is not None and now.total is not None and now.total >= now.busy > 0


def test_a_gpu_by_what_its_tool_says(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "clocks.sm,clocks.max.sm": "1200, 1980\n",
        "clocks_throttle_reasons.active": "0x0000000000000024\n",
        "driver_version": "570.86.15\n",
        "pid": "17\n4242\n",
    }

    def said(*command: str) -> str:
        (query,) = [word.partition("=")[2] for word in command if word.startswith("--query-")]
        return answers[query]

    monkeypatch.setattr(gpu, "said", said)
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
    answers = dict.fromkeys(answers, "")
    assert one.driver() is None and one.clocks_mhz() is None and one.warnings() == []


def test_a_tool_that_is_not_there_says_nothing() -> None:
    assert gpu.said("no-such-tool-at-all") == ""
    assert gpu.said("false") == ""
