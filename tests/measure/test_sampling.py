"""When sampling stops, with a clock that reads what the test says and a time that the clock moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, cycle, repeat

import pytest

from invobench.errors import MeasurementError
from invobench.measure.clock import Run
from invobench.measure.sampling import Sampled, sample


class FakeClock:
    """Each call takes the next of `durations`; `now` is the time that has passed."""

    name = "fake"

    def __init__(self, durations: Iterable[float], resolution_s: float = 0.0) -> None:
        self.durations: Iterator[float] = iter(durations)
        self.resolution_s = resolution_s
        self.passed = 0.0
        self.asked: list[int] = []

    def time(self, run: Run, loops: int) -> float:
        self.asked.append(loops)
        run()
        spent = next(self.durations) * loops
        self.passed += spent
        return spent

    def now(self) -> float:
        return self.passed

    def sample(self, target_ci: float = 0.01, max_time_s: float = 10.0, run: Run = lambda: None) -> Sampled:
        return sample(self, run, target_ci=target_ci, max_time_s=max_time_s, now=self.now)


def test_steady_calls_stop_at_the_first_look() -> None:
    """Six calls to see that it is steady; then the first block has no interval, the second has."""
    found = FakeClock(repeat(0.25)).sample()
    assert found.samples_s == (0.25,) * 10
    assert (found.warmups, found.loops, found.reached) == (6, 1, True)
    assert (found.interval.low, found.interval.median, found.interval.high) == (0.25, 0.25, 0.25)


def test_warm_up_goes_on_while_calls_get_faster() -> None:
    """Looked at after each call: medians of three are first equal for 2, 1, 1 and 1, 1, 1."""
    falling = [8.0, 8.0, 8.0, 4.0, 4.0, 4.0, 2.0, 2.0, 2.0]
    found = FakeClock(chain(falling, repeat(1.0))).sample(max_time_s=1000)
    assert found.warmups == 14
    assert set(found.samples_s) == {1.0}


def test_warm_up_takes_half_of_the_time_and_no_more() -> None:
    """Calls that never settle: 0.5 s of warm-up in calls of 0.125 s and more, then the samples."""
    clock = FakeClock(chain([0.125, 0.25, 0.5, 1.0], repeat(0.0625)))
    found = clock.sample(max_time_s=1.5)
    assert found.warmups == 3  # 0.125, 0.375, 0.875: the fourth would start after 0.75 s
    assert found.samples_s[0] == 1.0


def test_warm_up_is_at_least_one_call() -> None:
    found = FakeClock(repeat(100.0)).sample(max_time_s=1)
    assert found.warmups == 1


def test_every_sample_is_a_thousand_resolutions() -> None:
    clock = FakeClock(repeat(0.0003), resolution_s=1e-6)
    found = clock.sample()
    assert found.loops == 4
    assert found.samples_s == pytest.approx([0.0003] * 10)
    assert clock.asked == [1] * 6 + [4] * 10


def test_a_call_that_is_long_enough_is_not_repeated() -> None:
    assert FakeClock(repeat(0.001), resolution_s=1e-6).sample().loops == 1


def test_loops_follow_the_last_calls_of_warm_up() -> None:
    clock = FakeClock(chain([1.0] * 3, repeat(0.0001)), resolution_s=1e-6)
    assert clock.sample().loops == 10


def test_stops_as_soon_as_the_interval_is_narrow() -> None:
    """Ranks 2 of 10, 4 of 15, 6 of 20: the two slow samples are outside at 15, inside at 10 (rank 9 of 10)."""
    steady = [1.0] * 6
    found = FakeClock(chain(steady, [2.0, 2.0], repeat(1.0))).sample(max_time_s=1000)
    assert len(found.samples_s) == 15
    assert (found.interval.low, found.interval.high, found.reached) == (1.0, 1.0, True)


def test_target_is_half_the_interval() -> None:
    """Samples of 0.9 and 1.1 in turn: ±10 % whatever their number."""
    calls = [1.0] * 6
    assert FakeClock(chain(calls, cycle([0.9, 1.1]))).sample(target_ci=0.11, max_time_s=1000).reached
    wide = FakeClock(chain(calls, cycle([0.9, 1.1]))).sample(target_ci=0.09, max_time_s=1000)
    assert not wide.reached
    assert wide.interval.relative == pytest.approx(0.1)


def test_stops_when_time_is_up_and_says_so() -> None:
    """10 s of sampling in calls of 0.5 and 1 s: 14 samples are 10.5 s."""
    clock = FakeClock(chain([0.5] * 6, cycle([0.5, 1.0])))
    found = clock.sample()
    assert len(found.samples_s) == 14
    assert not found.reached
    assert clock.passed == 13.5


def test_time_up_within_a_block_still_counts_a_narrow_interval() -> None:
    found = FakeClock(repeat(1.0)).sample(max_time_s=8)
    assert (len(found.samples_s), found.reached) == (8, True)


def test_slow_calls_get_six_samples() -> None:
    """Six calls of 0.4 s take 2.4 s, more than the 1 s given and less than three times that."""
    found = FakeClock(repeat(0.4)).sample(max_time_s=1)
    assert (len(found.samples_s), found.reached) == (6, True)


def test_very_slow_calls_stop_after_three_times_the_time() -> None:
    found = FakeClock(repeat(1.25)).sample(max_time_s=1)
    assert (found.samples_s, found.reached) == ((1.25, 1.25, 1.25), False)
    assert (found.interval.low, found.interval.high) == (None, None)


def test_the_function_that_is_timed_is_the_one_given() -> None:
    calls: list[int] = []
    found = FakeClock(repeat(1.0)).sample(max_time_s=1000, run=lambda: calls.append(1))
    assert len(calls) == found.warmups + len(found.samples_s)


@pytest.mark.parametrize(
    ("durations", "message"),
    [
        (lambda: repeat(0.0), "fake read 0 s a call, of 1000000 calls: it cannot time this"),
        (lambda: repeat(-1.0), "fake read -1 s a call, of 1000000 calls: it cannot time this"),
        (lambda: chain([1.0] * 6, repeat(0.0)), "fake read 0 s a call, of 1 calls: it cannot time this"),
    ],
)
def test_a_clock_that_sees_no_time_pass(durations: Callable[[], Iterable[float]], message: str) -> None:
    """Such a clock gives no latency. Time itself moves on, or sampling would never end."""
    clock = FakeClock(durations())
    moving = iter(float(second) for second in range(1_000))
    with pytest.raises(MeasurementError) as raised:
        sample(clock, lambda: None, target_ci=0.01, max_time_s=10, now=lambda: next(moving))
    assert str(raised.value) == message
