"""Rounds: every entry once in each, in random order; when they stop; what ends them early."""

import gc
import math
from collections.abc import Callable

import numpy as np
import pytest

from cnnbench.errors import InputError
from cnnbench.progress import Progress
from cnnbench.timing.samples import sampling
from cnnbench.timing.samples.sampling import looks, take, warm_up, widest
from cnnbench.timing.session import StopRule


class Time:
    """A clock that only the entries move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(sampling, "perf_counter", time)
    return time


class Entry:
    """A pass that takes what a function says, and notes when it ran."""

    def __init__(self, clock: Time, each: Callable[[], float], log: list[object]) -> None:
        self.clock, self.each, self.log = clock, each, log

    def seconds(self, repeats: int, counts: bool = True) -> float:
        self.log.append(self)
        spent = sum(self.each() for _ in range(repeats))
        self.clock.now += spent
        return spent


def noisy(seed: int, scale: float, centre: float = 0.01) -> Callable[[], float]:
    rng = np.random.default_rng(seed)
    return lambda: float(centre * rng.lognormal(0, scale))


def test_it_stops_at_the_first_look_that_is_narrow_enough(clock: Time) -> None:
    steady = take([[Entry(clock, lambda: 0.01, [])]], StopRule(0.02, 10))
    assert steady.converged and len(steady.rows) == sampling.FIRST_LOOK
    wild = take([[Entry(clock, noisy(0, 0.1), [])]], StopRule(0.02, 100))
    assert wild.converged and len(wild.rows) in (32, 64, 128, 256)
    assert widest(wild.rows) <= 0.02
    assert widest(wild.rows[: len(wild.rows) // 2]) > 0.02
    assert [n for n, _ in zip(looks(), range(4), strict=False)] == [8, 16, 32, 64]


def test_time_up_is_not_converged(clock: Time) -> None:
    done = take([[Entry(clock, noisy(1, 0.5, 0.1), [])]], StopRule(0.001, 5.0))
    assert not done.converged and not done.interrupted
    assert 5.0 <= done.seconds <= 6.5
    one = take([[Entry(clock, lambda: 100.0, [])]], StopRule(0.001, 5.0))
    assert len(one.rows) == 1, "one round at least"


def test_every_entry_runs_once_a_round_in_random_order_after_an_untimed_pass(clock: Time) -> None:
    log: list[object] = []
    entries = [Entry(clock, lambda: 0.01, log) for _ in range(3)]
    done = take([entries], StopRule(0.02, 10, seed=3))
    measured = log[-len(done.rows) * 6 :]
    orders = []
    for start in range(0, len(measured), 6):
        passes = measured[start : start + 6]
        assert passes[::2] == passes[1::2], "each timed pass follows its own untimed one"
        assert set(passes) == set(entries)
        orders.append([entries.index(entry) for entry in passes[::2]])  # type: ignore[arg-type]
    assert len({tuple(order) for order in orders}) > 2
    log.clear()
    take([entries], StopRule(0.02, 10, seed=3))
    assert [entries.index(e) for e in log[-len(measured) :: 2]] == [
        i for order in orders for i in order
    ]  # type: ignore[arg-type]


def test_a_fast_pass_is_repeated_until_the_clock_can_tell(clock: Time) -> None:
    assert warm_up(Entry(clock, lambda: 1e-5, []), 1.0) == 100
    assert warm_up(Entry(clock, lambda: 0.5, []), 1.0) == 1
    done = take([[Entry(clock, lambda: 1e-5, [])]], StopRule())
    assert done.repeats == (100,)
    assert done.rows[0, 0] == pytest.approx(1e-5)


def test_warming_up_waits_until_it_settles_but_not_for_ever(clock: Time) -> None:
    falling = iter(np.geomspace(1.0, 0.01, 40))
    log: list[object] = []
    warm_up(Entry(clock, lambda: float(next(falling, 0.01)), log), 100.0)
    assert len(log) > 40
    log.clear()
    flip = iter(range(10**6))
    warm_up(Entry(clock, lambda: 0.01 * 1.2 ** next(flip), log), 1.0)
    assert clock.now < 60, "never settles"


def test_an_entry_that_fails_leaves_and_the_others_go_on(clock: Time) -> None:
    log: list[object] = []
    calls = iter(range(10**6))

    def fails_later() -> float:
        if next(calls) > 20:
            raise InputError("out of luck")
        return 0.01

    def fails_at_once() -> float:
        raise InputError("never ran")

    entries = [Entry(clock, each, log) for each in (fails_at_once, lambda: 0.02, fails_later)]
    done = take([entries], StopRule(1e-9, 5))
    assert {index: str(error) for index, error in done.failures.items()} == {
        0: "never ran",
        2: "out of luck",
    }
    assert np.isnan(done.rows[:, 0]).all() and np.isnan(done.rows[-1, 2])
    assert (done.rows[:, 1] == 0.02).all()
    assert take([[entries[0]]], StopRule()).rows.shape == (0, 1), "nobody is left"


def test_ctrl_c_keeps_whole_rounds(clock: Time) -> None:
    calls, draw = iter(range(10**6)), noisy(0, 0.1)

    def stopped() -> float:
        if next(calls) == 50:
            raise KeyboardInterrupt
        return draw()

    done = take(
        [[Entry(clock, lambda: 0.01, []), Entry(clock, stopped, [])]], StopRule(precision=1e-9)
    )
    assert done.interrupted and not done.converged
    assert len(done.rows) > 5 and not np.isnan(done.rows).any()
    assert done.seconds > 0


def test_garbage_is_not_collected_within_a_round(clock: Time) -> None:
    seen = []

    def each() -> float:
        seen.append(gc.isenabled())
        return 0.01

    take([[Entry(clock, each, [])]], StopRule())
    assert not any(seen[-sampling.FIRST_LOOK :]) and gc.isenabled()


def test_progress_tells_rounds_and_the_width_at_the_last_look(clock: Time) -> None:
    told: list[tuple[int, float | None]] = []
    take(
        [[Entry(clock, noisy(0, 0.1), [])]],
        StopRule(0.05, 100),
        progress=Progress(
            rounds=lambda number, seconds, width, median: told.append((number, width)),
        ),
    )
    assert told[0] == (0, None) and told[7] == (7, None)
    assert told[8][0] == 8 and told[8][1] is not None and told[8][1] == told[9][1]
    assert math.isfinite(told[-1][1] or math.nan)
