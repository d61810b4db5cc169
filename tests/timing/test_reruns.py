"""Where another run is expected, held against simulated runs: drift, bursts, processes, minutes."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnbench.devices.machine import Machine
from cnnbench.timing.samples import history as histories
from cnnbench.timing.samples.history import ASSUMED, History, RunValue, What
from cnnbench.timing.samples.reruns import Between, again, expected, independent, quantile
from cnnbench.timing.samples.statistics import Interval, interval

from ..conftest import keep

SAMPLES, PROCESSES = 48, 3
Run = Callable[[np.random.Generator], np.ndarray]  # samples of one run, logarithms


def steady(rng: np.random.Generator) -> np.ndarray:
    """Noise with a long tail."""
    return 0.02 * rng.standard_normal(SAMPLES) + rng.exponential(0.02, SAMPLES)


def drift(rng: np.random.Generator) -> np.ndarray:
    """A machine that goes slower and faster within a run."""
    phase = rng.uniform(0, 2 * math.pi)
    return steady(rng) + 0.05 * np.sin(np.arange(SAMPLES) / 16 + phase)


def bursts(rng: np.random.Generator) -> np.ndarray:
    """Another load, half of the time, for some samples each time: 1.6 times as long a pass."""
    slow, left, on = np.zeros(SAMPLES), 0, False
    for index in range(SAMPLES):
        if left == 0:
            on, left = not on, int(rng.integers(1, 8))
        slow[index], left = on, left - 1
    return steady(rng) + math.log(1.6) * slow


def processes(rng: np.random.Generator) -> np.ndarray:
    """Each process has its own speed."""
    own = 0.04 * rng.standard_normal(PROCESSES)
    return steady(rng) + np.tile(own, SAMPLES // PROCESSES)


def minutes(rng: np.random.Generator) -> np.ndarray:
    """Each run meets another state of the machine."""
    return steady(rng) + 0.06 * rng.standard_normal()


def mixed(rng: np.random.Generator) -> np.ndarray:
    """All of them."""
    parts = drift(rng) + bursts(rng) + processes(rng) + minutes(rng)
    return parts - 3 * 0.02


@pytest.mark.parametrize("run", [steady, drift, bursts, processes, minutes, mixed])
def test_a_rerun_lies_where_it_is_expected(run: Run) -> None:
    """Of ordered pairs of runs, where eight earlier ones are known."""
    rng = np.random.default_rng(1)
    held, own, pairs = 0, 0, 0
    for _ in range(150):
        runs = [np.exp(run(rng)) for _ in range(12)]
        earlier, later = runs[:8], runs[8:]
        values = [RunValue.of(What.LATENCY, "it", one, PROCESSES) for one in earlier]
        known = History(Path("nowhere"), values).between(What.LATENCY, "it", PROCESSES)
        for one, other in permutations(later, 2):
            value = float(np.median(other))
            held += expected(one, known).holds(value)
            own += interval(one).holds(value)
            pairs += 1
    assert held / pairs >= 0.9
    if run in (processes, minutes, mixed):
        assert own / pairs < 0.8, "this run's own interval says nothing of another"


def test_before_a_device_is_known_what_is_assumed_holds_where_it_is_true() -> None:
    rng = np.random.default_rng(2)
    spread, held = ASSUMED[What.LATENCY].spread, 0
    for _ in range(500):
        one, other = (np.exp(steady(rng) + spread * rng.standard_normal()) for _ in range(2))
        held += expected(one, ASSUMED[What.LATENCY]).holds(float(np.median(other)))
    assert held / 500 >= 0.93


def test_a_device_that_is_quieter_or_wilder_than_assumed_is_learnt() -> None:
    rng = np.random.default_rng(3)

    def learnt(spread: float) -> float:
        values = [
            RunValue("latency", str(n % 4), rng.normal(0, spread), 3)  # type: ignore[arg-type]
            for n in range(80)
        ]
        values = [replace(value, what=What.LATENCY) for value in values]
        return History(Path("nowhere"), values).between(What.LATENCY, "0", 3).spread

    assert learnt(0.005) < 0.012 < 0.15 < learnt(0.2)


def test_one_value_that_jumped_a_thousandfold_decides_nothing() -> None:
    rng = np.random.default_rng(5)

    def values(key: str, *more: float) -> list[RunValue]:
        logs = [*rng.normal(0, 0.01, 8), *more]
        return [RunValue(What.LATENCY, key, float(log), 3) for log in logs]

    known = History(Path("nowhere"), [*values("a"), *values("b"), *values("jumped", 7.0)])
    assert known.between(What.LATENCY, "new", 3).spread < 0.03
    assert known.between(What.LATENCY, "a", 3).spread < 0.03
    assert known.between(What.LATENCY, "jumped", 3).spread < 0.25


def test_another_number_of_processes_is_another_thing() -> None:
    wild = [RunValue(What.LATENCY, "it", float(n % 2), 1) for n in range(10)]
    known = History(Path("nowhere"), wild)
    assert known.between(What.LATENCY, "it", 3) == replace(ASSUMED[What.LATENCY])
    assert known.between(What.LATENCY, "it", 1).spread > 0.3
    assert known.between(What.LATENCY, "it", 1).runs == 10


@given(st.lists(st.floats(1e-6, 1e3), min_size=6, max_size=60), st.floats(0, 0.5))
def test_the_interval_holds_the_value_and_grows_with_what_lies_between(
    values: list[float], spread: float
) -> None:
    near, far = (expected(values, Between(s, 8.0)) for s in (spread, spread + 0.01))
    assert near.low <= near.median * (1 + 1e-9) and near.median <= near.high * (1 + 1e-9)
    assert far.low < near.low * (1 + 1e-9) and near.high < far.high * (1 + 1e-9)


def test_too_few_samples_have_no_bounds() -> None:
    assert expected([1.0, 1.1], Between(0.01, 8)) == Interval(
        pytest.approx(math.sqrt(1.1)), 0.0, math.inf
    )


def test_neighbours_that_resemble_each_other_say_less() -> None:
    rng = np.random.default_rng(4)
    noise = rng.standard_normal(200)
    walk = np.repeat(rng.standard_normal(20), 10)
    assert independent(noise) > 100
    assert 8 < independent(walk) < 40
    assert independent(np.ones(9)) == 9


def test_another_run_of_pairs_is_expected_further_away_by_the_root_of_two() -> None:
    found = again(Interval(1.0, math.exp(-0.1), math.exp(0.2)))
    assert (math.log(found.low), math.log(found.high)) == (
        pytest.approx(-0.1 * math.sqrt(2)),
        pytest.approx(0.2 * math.sqrt(2)),
    )
    assert again(Interval(1.0, 0.0, math.inf)) == Interval(1.0, 0.0, math.inf)


def test_students_quantile() -> None:
    table = {4: 2.776, 8: 2.306, 16: 2.120, 60: 2.000}
    for freedom, value in table.items():
        assert quantile(freedom) == pytest.approx(value, abs=1e-2)


def test_the_history_is_kept_and_survives_what_it_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "path", lambda device, threads: tmp_path / "here" / "it.json")
    machine = Machine.find("cpu", 1)
    assert History.of(machine).values == []
    value = RunValue.of(What.RATIO, "a / b", [1.0, 1.1, 1.2], 3)
    keep(History.of(machine), [value])
    keep(History.of(machine), [])
    file = tmp_path / "here" / "it.runs"
    with file.open("a") as out:
        out.write('{"what": "ratio", "key": "a / b", "log": 1e308, "processes": 3}\n')
        out.write('half a li\n{"what": "latency"}\n\xff\n')
    keep(History.of(machine), [value])
    found = History.of(machine)
    assert [(one.what, one.key, one.log) for one in found.values] == [
        (What.RATIO, "a / b", pytest.approx(math.log(1.1)))
    ] * 2
    assert all(one.when for one in found.values)


def test_the_history_does_not_grow_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "path", lambda device, threads: tmp_path / "it.json")
    machine = Machine.find("cpu", 1)
    value = RunValue(What.LATENCY, "it", 0.0, 3)
    keep(History.of(machine), [value] * (histories._MOST + 1))
    keep(History.of(machine), [replace(value, key="last")])
    assert len((tmp_path / "it.runs").read_text().splitlines()) == histories._KEPT + 1
    assert History.of(machine).values[-1].key == "last"


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    keep(History(tmp_path / "file" / "it.runs"), [RunValue(What.LATENCY, "it", 0.0, 3)])
