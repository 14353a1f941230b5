"""Warm-up on clocks that read what the test says."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, count, cycle, repeat

import pytest

from invobench.measure.nvml import Reading
from invobench.measure.warmup import Warm, warm_up
from tests.measure.fakes import FakeClock, WatchedClock


def warmed(durations: Iterable[float], max_time_s: float = 1000.0, resolution_s: float = 0.0) -> Warm:
    clock = FakeClock(durations, resolution_s)
    return warm_up(clock, lambda: None, target_ci=0.01, max_time_s=max_time_s, now=clock.now)


def test_steady_calls_are_warm_after_two_blocks() -> None:
    """The first call, one to calibrate, two blocks of five: 12 calls of 25 s, over a fortieth of 1000 s."""
    found = warmed(repeat(25.0))
    assert found == Warm(calls=12, took_s=300.0, loops=1, cost_s=25.0, clock_hz=None)


def test_the_first_call_says_nothing() -> None:
    assert warmed(chain([400.0], repeat(2.0))).cost_s == 2.0


def test_it_goes_on_while_calls_get_faster() -> None:
    """Each block of five is half the one before until they are 1 s; two blocks of those."""
    blocks = [16.0] * 5 + [8.0] * 5 + [4.0] * 5 + [2.0] * 5
    found = warmed(chain([16.0, 16.0], blocks, repeat(1.0)))
    assert found.calls == 2 + 20 + 10


def test_a_slow_trend_is_seen_though_blocks_agree() -> None:
    """0.1 % a call: two blocks differ by 0.5 %, within the target, but all ten rise."""
    trending = [2.0 * 1.001**n for n in range(100)]
    assert warmed(chain(trending, repeat(5.0)), max_time_s=100).calls > 20
    assert warmed(repeat(2.0), max_time_s=100).calls == 12


def test_noisy_calls_are_warm_as_soon_as_steady_ones() -> None:
    """±20 %, in an order without a trend: medians lie within each other's range."""
    assert warmed(cycle([3.0, 2.4, 3.6, 2.5, 3.5])).calls == 12


def test_it_takes_half_of_the_time_and_no_more() -> None:
    """Calls that get slower and slower: blocks have as many as should fit the 50 s."""
    found = warmed((1.1**n for n in count()), max_time_s=100)
    assert 45 <= found.took_s <= 62


def test_it_is_at_least_one_call_after_the_first() -> None:
    found = warmed(repeat(100.0), max_time_s=1)
    assert (found.calls, found.took_s, found.loops, found.cost_s) == (2, 200.0, 1, 100.0)


def test_a_first_call_that_loads_takes_no_time_from_the_others() -> None:
    """It takes 9 times what there is to warm up; the others are 1 µs and warm up as if it had not been."""
    found = warmed(chain([9.0], repeat(1e-6)), max_time_s=2, resolution_s=1e-6)
    assert found.loops == pytest.approx(1000, abs=1)
    assert found.cost_s == pytest.approx(0.001, rel=0.01)
    assert 9.05 <= found.took_s < 9.06


def test_it_takes_a_fortieth_of_the_time() -> None:
    assert 0.025 <= warmed(repeat(0.0001), max_time_s=1).took_s < 0.027


@pytest.mark.parametrize(
    ("call_s", "resolution_s", "loops"),
    [(0.001, 1e-6, 1), (0.0003, 1e-6, 4), (1e-8, 1e-6, 100_000), (1e-12, 1e-6, 1_000_000), (1.0, 0.0, 1)],
)
def test_a_sample_is_a_thousand_resolutions(call_s: float, resolution_s: float, loops: int) -> None:
    assert warmed(repeat(call_s), max_time_s=100, resolution_s=resolution_s).loops == pytest.approx(loops, abs=1)


def test_loops_follow_the_last_calls() -> None:
    """They were 4 s and are 0.1 ms: 10 of these are 1,000 resolutions."""
    assert warmed(chain([4.0] * 3, repeat(0.0001)), resolution_s=1e-6).loops == 10


def test_a_clock_that_ticks_seldom_is_calibrated() -> None:
    """It reads 0 for less than 1 ms: ten times the calls, until it reads something."""

    class Ticking(FakeClock):
        def time(self, run: object, loops: int) -> float:
            self.asked.append(loops)
            self.passed += 0.0002 * loops
            return round(0.0002 * loops, 3)

    clock = Ticking([], resolution_s=1e-3)
    found = warm_up(clock, lambda: None, target_ci=0.01, max_time_s=1000, now=clock.now)
    assert clock.asked[:3] == [1, 1, 10]
    assert found.loops == 5000


def test_the_highest_clock_of_a_gpu_is_its_start() -> None:
    """An idle GPU starts slow: the first reading is not what it can do."""
    readings = [Reading(0.3e9), Reading(1.9e9), Reading(2.0e9), Reading(1.8e9)]
    clock = WatchedClock(repeat(25.0), readings)
    assert warm_up(clock, lambda: None, target_ci=0.01, max_time_s=1000, now=clock.now).clock_hz == 2.0e9
    silent = WatchedClock(repeat(25.0), [Reading()])
    assert warm_up(silent, lambda: None, target_ci=0.01, max_time_s=1000, now=silent.now).clock_hz is None


def test_a_time_that_stands_still_ends_all_the_same() -> None:
    clock = FakeClock(repeat(1.0))
    found = warm_up(clock, lambda: None, target_ci=0.01, max_time_s=1, now=lambda: 0.0)
    assert found.calls == 2 + 5 * 2000
