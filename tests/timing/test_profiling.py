"""A device's profile from a process of its own."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from cnnbench.counting.count import count
from cnnbench.devices.machine import Machine
from cnnbench.errors import MemoryShortage, SettingError
from cnnbench.roofline.predict import Predictor
from cnnbench.roofline.profile import Profile
from cnnbench.roofline.runtimes import medley
from cnnbench.timing import backends, profiling, profiling_runtimes
from cnnbench.timing.workers.conditions import ALLOCATOR
from cnnbench.timing.workers.process import HOME

from ..commands import SECONDS

MACHINE = Machine.find("cpu", 1)
KEPT = Profile(name="here", flops_per_s={"float32": 1e11})


def measured_by(program: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Profile | None, list[str]]:
    """What `_apart` makes of another program."""
    monkeypatch.setattr(profiling, "_START", "import json, os, signal, sys\n" + program + "# {!r}")
    said: list[str] = []
    return profiling._apart(MACHINE, ["float32"], KEPT, said.append), said


def test_it_goes_on_from_what_is_known_with_a_workers_allocator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ALLOCATOR:
        monkeypatch.delenv(name, raising=False)
    found, said = measured_by(
        "kept = json.load(sys.stdin)\n"
        "print(json.dumps(['say', ' '.join(sys.argv[1:])]))\n"
        "kept['name'] = os.environ['MALLOC_TRIM_THRESHOLD_']\n"
        "print(json.dumps(['profile', kept]))\n",
        monkeypatch,
    )
    assert said == ["cpu 1 float32"] and found is not None
    assert found.name == ALLOCATOR["MALLOC_TRIM_THRESHOLD_"]
    assert found.flops_per_s == KEPT.flops_per_s


@pytest.mark.parametrize("program", ["pass\n", "print('no JSON')\n", "print('7')\n", "1 / 0\n"])
def test_where_it_says_nothing_there_is_none(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured_by(program, monkeypatch) == (None, [])


def test_where_it_is_killed_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MemoryShortage, match="was killed"):
        measured_by("sys.stdin.read(); os.kill(os.getpid(), signal.SIGKILL)\n", monkeypatch)


def test_what_is_known_is_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNBENCH_PROCESSES", "3")
    monkeypatch.setattr(profiling, "_apart", lambda *given: pytest.fail("it began a process"))
    known = profiling.complete(MACHINE, ["float32"])
    assert "float32" in known.operators and known.call_s


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A medley that is soon measured; how long each graph was asked to be timed."""
    asked: list[float] = []
    real = profiling_runtimes._timed

    def timed(*given: Any) -> Any:
        asked.append(given[-1])
        return real(*given[:-1], 0.2)

    monkeypatch.setattr(profiling_runtimes, "_timed", timed)
    monkeypatch.setattr(profiling_runtimes, "slowing", lambda found: False)  # other tests run
    monkeypatch.setattr(profiling_runtimes, "_GRAPHS", ((1, medley.small_medley, 2.0),))
    return asked


@pytest.mark.parametrize("name", backends.PREDICTED[1:])
def test_a_runtime_is_measured_once_and_predicts(name: str, short: list[float]) -> None:
    if not backends.is_here(name):
        pytest.skip(f"{name} is not installed")
    known = profiling.complete(MACHINE, ["float32"], names=[name])
    assert short == [2.0] and len(known.operators["float32"]) == 1  # torch's were not asked for
    runtime = known.backends[name]
    assert runtime.version == backends.version(name)
    assert {"BatchNormalization", "Relu"} <= set(runtime.fused["float32"])
    found = Predictor(known, "float32", name)(count("resnet20"))
    assert 1e-5 < found.seconds < 1 and found.far_share < 0.5
    kept = profiling.complete(MACHINE, ["float32"], names=[name])
    assert short == [2.0] and kept.backends[name] == runtime
    old = {name: runtime.model_copy(update={"version": "0.1"})}
    before = known.model_copy(update={"backends": old})
    profiling.complete(MACHINE, ["float32"], start=before, names=[name])
    assert short == [2.0, 2.0]


@pytest.mark.parametrize("name", ["compile", "litert"])
def test_of_others_nothing_is_predicted(name: str) -> None:
    with pytest.raises(SettingError, match=f"passes of {name} are not predicted; those of eager"):
        profiling.complete(MACHINE, ["float32"], names=[name])


def test_the_process_measures_what_is_asked_for() -> None:
    """Nothing in a dtype that has no ceilings; a line of JSON at the end."""
    line = [sys.executable, "-P", "-c", profiling._START.format(HOME), "cpu", "1"]
    known = profiling.complete(MACHINE, [])
    done = subprocess.run(
        line,
        input=known.model_dump_json(),
        capture_output=True,
        text=True,
        env={**os.environ},
        timeout=SECONDS,
    )
    *_, last = done.stdout.splitlines()
    kind, value = json.loads(last)
    assert kind == "profile" and Profile.model_validate(value).call_s == known.call_s
