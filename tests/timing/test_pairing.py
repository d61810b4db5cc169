"""Ratios of interleaved pairs: no false alarms on a machine that drifts, and power."""

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from cnnbench.timing.samples.pairing import Verdict, ratio, unpaired, verdict, widest
from cnnbench.timing.samples.reruns import Between, expected
from cnnbench.timing.samples.sampling import looks
from cnnbench.timing.samples.statistics import Interval


def machine(rng: np.random.Generator, samples: int) -> NDArray[np.float64]:
    """Seconds of equal passes one after another: drift, bursts of another load, skewed noise."""
    drift = np.exp(0.5 * np.sin(np.arange(samples) / samples * rng.uniform(1, 9) + rng.random()))
    burst = np.repeat(rng.random(samples // 16 + 1) < 0.3, 16)[:samples]
    return drift * (1 + burst * rng.random()) * rng.lognormal(0, 0.02, samples)


def interleaved(rng: np.random.Generator, rounds: int, slower: float = 1.0):  # type: ignore[no-untyped-def]
    """Two columns as rounds in random order give them; the second of a round is dearer by 3%."""
    times = machine(rng, 2 * rounds).reshape(rounds, 2) * [1.0, 1.03]
    swapped = rng.random(rounds) < 0.5
    a = np.where(swapped, times[:, 1], times[:, 0])
    return a, np.where(swapped, times[:, 0], times[:, 1]) * slower


@pytest.mark.parametrize("precision", [0.01, 0.02, 0.05])
def test_a_network_against_itself_is_no_false_alarm_whatever_the_machine_does(
    precision: float,
) -> None:
    """Over all looks of a comparison, which ends at the first that is narrow enough."""
    rng = np.random.default_rng(round(1000 * precision))
    numbers = list(itertools.takewhile(lambda n: n <= 512, looks()))
    trials, alarms = 1000, 0
    for _ in range(trials):
        a, b = interleaved(rng, numbers[-1])
        for n in numbers:
            found = ratio(a[:n], b[:n])
            if found.precision <= precision:
                break
        alarms += not found.holds(1.0)
    assert alarms / trials <= 0.05


def test_in_blocks_it_is() -> None:
    """What the common tools do, on the same machine: why the rounds are there."""
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(200):
        times = machine(rng, 128)
        alarms += not ratio(times[:64], times[64:]).holds(1.0)
    assert alarms > 100


def test_five_percent_more_is_found() -> None:
    rng = np.random.default_rng(0)
    found = [ratio(*interleaved(rng, 128, 1.05)) for _ in range(200)]
    assert sum(verdict(one, one) is Verdict.SLOWER for one in found) >= 190
    assert np.median([one.median for one in found]) == pytest.approx(1 / 1.05, rel=0.01)


def test_the_verdict_is_of_b_against_a() -> None:
    wide = Interval(1.0, 0.1, 10.0)
    faster, slower = Interval(2.0, 1.5, 2.5), Interval(0.5, 0.4, 0.6)
    assert verdict(faster, faster) is Verdict.FASTER
    assert verdict(slower, slower) is Verdict.SLOWER
    assert verdict(faster, wide) is Verdict.FASTER_HERE
    assert verdict(slower, wide) is Verdict.SLOWER_HERE
    assert verdict(Interval(1.1, 0.9, 1.3), wide) is Verdict.INDISTINGUISHABLE
    assert verdict(Interval(1.1, 0.9, 1.3), wide, converged=False) is Verdict.NOT_CONVERGED


def test_a_comparison_waits_for_the_widest_ratio_and_not_for_the_times() -> None:
    drift = np.linspace(1, 10, 64)
    rows = np.stack([drift, 2 * drift, drift * np.tile([1.0, 1.2], 32)], axis=1)
    assert widest(rows[:, :2]) == pytest.approx(0, abs=1e-12)
    assert widest(rows) == pytest.approx(0.1, rel=0.2)


def test_too_few_rounds_have_no_bounds() -> None:
    found = ratio([1.0, 1.0], [2.0, 2.0])
    assert (found.median, found.low, found.high) == (0.5, 0.0, math.inf)


def test_two_runs_of_the_same_are_rarely_told_apart() -> None:
    """Runs that lie apart as their intervals say: the ratio's own holds 1 as often."""
    rng, spread, alarms = np.random.default_rng(0), 0.1, 0
    known = Between(spread, 1e6)
    for _ in range(1000):
        states = spread * rng.standard_normal(2)
        a, b = (np.exp(state + 0.02 * rng.standard_normal(64)) for state in states)
        alarms += not unpaired(expected(a, known), expected(b, known)).holds(1.0)
    assert 0.03 <= alarms / 1000 <= 0.07
    once, twice = Interval(1.0, 0.9, 1.1), Interval(2.0, 1.8, 2.2)
    assert unpaired(once, twice).high < 0.7
    assert unpaired(Interval(1.0, 0.0, math.inf), once).high == math.inf


def test_the_widest_of_pairs_is_that_of_its_own_columns() -> None:
    draw = np.random.default_rng(0)
    rows = np.exp(draw.normal(0, [0.01, 0.01, 0.01, 0.3], (200, 4)))
    assert widest(rows, [(0, 1)]) < 0.02 < widest(rows, [(0, 1), (2, 3)])
    assert widest(rows, [(0, 1), (2, 3)]) == ratio(rows[:, 2], rows[:, 3]).precision
    assert widest(rows[:, :3], [(0, 1), (2, 3)]) == widest(rows[:, :3])  # one is missing
