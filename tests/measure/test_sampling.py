"""When sampling stops, with a clock that reads what the test says and a time that the clock moves."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from itertools import chain, cycle, repeat

import pytest

from invobench.errors import MeasurementError
from invobench.measure.clock import Block, Run
from invobench.measure.nvml import Reading
from invobench.measure.resources import Usage
from invobench.measure.sampling import sample
from invobench.measure.taking import MAX_SAMPLES
from tests.measure.fakes import FakeClock, WatchedClock

WARM = [1.0] * 12  # the first call, one to calibrate, two blocks of five that agree


def test_steady_calls_stop_at_the_second_look() -> None:
    """10 samples, the fewest that are asked for here, and a block of 5 to confirm."""
    found = FakeClock(repeat(1.0)).sample(max_time_s=100)
    assert found.samples_s == (1.0,) * 15
    assert (found.warmups, found.loops, found.reached) == (12, 1, True)
    assert (found.interval.low, found.interval.median, found.interval.high) == (1.0, 1.0, 1.0)
    assert (found.warmup_time_s, found.sampling_time_s) == (12.0, 15.0)
    assert (found.outliers, found.drift, found.throttled, found.gave_up) == (0, 0.0, 0, "")


def test_fifty_samples_are_the_fewest_that_may_end_it() -> None:
    """Then a quarter more, 13, confirm it; the time is enough for blocks of 50."""
    clock = FakeClock(repeat(1.0))
    found = sample(clock, lambda: None, target_ci=0.01, max_time_s=400, now=clock.now)
    assert len(found.samples_s) == 63


def test_a_block_fits_a_quarter_of_the_time() -> None:
    """50 samples of 1 s are asked for, in 40 s: 10 at first, then a quarter more, and what is left."""
    clock = WatchedClock(repeat(1.0), [None])
    found = sample(clock, lambda: None, target_ci=0.01, max_time_s=40, now=clock.now)
    assert clock.blocks == [1, 1, 5, 5, 10, 5, 5, 5, 7, 8]
    assert (len(found.samples_s), found.reached) == (40, True)


@pytest.mark.parametrize(("min_samples", "confirming"), [(6, 5), (20, 5), (100, 25)])
def test_min_samples_are_honoured(min_samples: int, confirming: int) -> None:
    """In a time of which they fit a quarter, and take a fortieth."""
    found = FakeClock(repeat(1.0)).sample(max_time_s=40 * min_samples, min_samples=min_samples)
    assert len(found.samples_s) == min_samples + confirming


def test_a_look_that_is_not_confirmed_does_not_count() -> None:
    """Narrow at 10, not at 15 where 8 of 15 are slow, and narrow again at 20, with 25 to confirm: ranks 6 and 8."""
    later = [1.0] * 10 + [1.5] * 5 + [1.0] * 5 + [1.0] * 5
    wide_at_15 = FakeClock(chain(WARM, later, repeat(1.0))).sample(max_time_s=400)
    assert len(wide_at_15.samples_s) > 15


def test_it_goes_on_for_a_fortieth_of_the_time() -> None:
    """Calls of 1 ms and 4 s: 0.1 s of samples at least, though 10 of them have a narrow interval."""
    found = FakeClock(repeat(0.001)).sample(max_time_s=4)
    assert found.sampling_time_s >= 0.1
    assert found.warmup_time_s >= 0.1
    assert 100 <= len(found.samples_s) <= 200


def test_every_sample_is_a_thousand_resolutions() -> None:
    """0.3 ms calls, a clock that resolves 1 µs: 4 calls are 1.2 ms."""
    clock = FakeClock(repeat(0.0003), resolution_s=1e-6)
    found = clock.sample()
    assert found.loops == 4
    assert set(clock.asked[-len(found.samples_s) :]) == {4}
    assert found.samples_s[0] == pytest.approx(0.0003)
    assert found.resolution == pytest.approx(1e-6 / 0.0012)


def test_a_slow_first_call_does_not_decide_how_samples_are_taken() -> None:
    """It loads for 5 s, more than the time there is; the next take 1 µs, and a sample of one would say nothing."""
    found = FakeClock(chain([5.0], repeat(1e-6)), resolution_s=1e-7).sample(max_time_s=2)
    assert (found.loops, found.reached) == (100, True)
    assert found.resolution == pytest.approx(0.001)


def test_a_clock_for_single_calls_says_how_well_it_resolves_them() -> None:
    clock = FakeClock(repeat(0.0003), resolution_s=3e-6, max_loops=1)
    found = clock.sample()
    assert (found.loops, set(clock.asked)) == (1, {1})
    assert found.resolution == pytest.approx(0.01)


def test_target_is_half_the_interval() -> None:
    """Samples of 0.9 and 1.1 in turn: ±10 % whatever their number."""
    assert FakeClock(cycle([0.9, 1.1])).sample(target_ci=0.11, max_time_s=1000).reached
    wide = FakeClock(cycle([0.9, 1.1])).sample(target_ci=0.09, max_time_s=1000)
    assert not wide.reached
    assert wide.interval.relative == pytest.approx(0.1)


def test_stops_when_time_is_up_and_says_so() -> None:
    """Blocks that fit a quarter of 10 s, then what is left: calls of 0.5 and 1 s in turn."""
    found = FakeClock(cycle([0.5, 1.0])).sample()
    assert not found.reached
    assert 9.0 < found.sampling_time_s <= 10.5
    assert set(found.samples_s) == {0.5, 1.0}


def test_time_up_still_counts_a_narrow_interval() -> None:
    found = FakeClock(repeat(1.0)).sample(max_time_s=8)
    assert (len(found.samples_s), found.reached) == (8, True)


def test_slow_calls_get_six_samples() -> None:
    """Six calls of 0.4 s take 2.4 s, more than the 1 s given and less than three times that."""
    found = FakeClock(repeat(0.4)).sample(max_time_s=1)
    assert (len(found.samples_s), found.reached) == (6, True)


def test_very_slow_calls_stop_after_three_times_the_time() -> None:
    found = FakeClock(repeat(1.25)).sample(max_time_s=1)
    assert (found.warmups, found.samples_s, found.reached) == (2, (1.25, 1.25, 1.25), False)
    assert (found.interval.low, found.interval.high) == (None, None)


def test_samples_that_never_settle_end_at_the_most() -> None:
    clock = FakeClock(cycle([0.9e-6, 1.1e-6]))
    assert len(clock.sample(max_time_s=1).samples_s) == MAX_SAMPLES


def test_more_than_the_most_are_taken_where_they_are_asked_for() -> None:
    asked = MAX_SAMPLES + 500
    assert len(FakeClock(repeat(1e-6)).sample(max_time_s=0.1, min_samples=asked).samples_s) == asked


def test_correlated_samples_are_worth_fewer_and_go_on() -> None:
    """Runs of 10 of a kind: of 100 samples only a few are independent, so the same values take longer to settle."""
    mixed, runs = [0.99, 1.01] * 5, [0.99] * 10 + [1.01] * 10
    quick = FakeClock(chain(WARM, cycle(mixed))).sample(target_ci=0.011, max_time_s=400, min_samples=20)
    slow = FakeClock(chain(WARM, cycle(runs))).sample(target_ci=0.011, max_time_s=400, min_samples=20)
    assert len(quick.samples_s) == 25
    assert len(slow.samples_s) > 100
    assert slow.interval.correlation > 5


def test_outliers_stay_and_are_counted() -> None:
    values = cycle([0.999, 1.0, 1.001, 1.0, 0.999, 1.0, 1.001, 1.0, 1.0, 9.0])
    found = FakeClock(chain(WARM, values)).sample(max_time_s=1000)
    assert found.outliers == found.samples_s.count(9.0) > 0
    assert found.interval.median == 1.0


def test_drift_is_second_half_over_first() -> None:
    """Warm-up has half of the 10 s, 5 calls after the first; then samples until they are over."""
    found = FakeClock(chain([1.0] * 6, [1.0] * 5, [1.1] * 5)).sample(max_time_s=10, min_samples=100, target_ci=1e-9)
    assert found.samples_s == (1.0,) * 5 + (1.1,) * 5
    assert found.drift == pytest.approx(0.1)


def test_the_function_that_is_timed_is_the_one_given() -> None:
    calls: list[int] = []
    found = FakeClock(repeat(1.0)).sample(max_time_s=1000, run=lambda: calls.append(1))
    assert len(calls) == found.warmups + len(found.samples_s)


@pytest.mark.parametrize("on", [True, False])
def test_garbage_is_not_collected_within_samples(on: bool) -> None:
    """And collection is as it was afterwards, after an error too."""
    seen: set[bool] = set()

    def fails() -> None:
        seen.add(gc.isenabled())
        raise ValueError("of the run")

    (gc.enable if on else gc.disable)()
    try:
        FakeClock(repeat(1.0)).sample(max_time_s=100, run=lambda: seen.add(gc.isenabled()))
        assert gc.isenabled() == on
        with pytest.raises(ValueError, match="of the run"):
            FakeClock(repeat(1.0)).sample(run=fails)
        assert gc.isenabled() == on
    finally:
        gc.enable()
    assert seen == {False}


@pytest.mark.parametrize(
    ("durations", "message"),
    [
        (lambda: repeat(0.0), "fake stands still: it read 0 s for 1000000 calls"),
        (lambda: repeat(-1.0), "fake goes backwards: it read -1 s for 1 calls"),
        (lambda: chain(WARM, [1.0, 1.0, 0.0], repeat(1.0)), "fake stands still: it read 0 s for 1 calls"),
        (lambda: chain(WARM, [1.0, 1.0, -0.5], repeat(1.0)), "fake goes backwards: it read -0.5 s for 1 calls"),
    ],
)
def test_a_clock_that_does_not_go_forward(durations: Callable[[], Iterable[float]], message: str) -> None:
    with pytest.raises(MeasurementError) as raised:
        FakeClock(durations(), resolution_s=1e-9).sample(max_time_s=100)
    assert str(raised.value) == f"{message}; it cannot time this, use another machine or a larger input"


def test_a_time_that_stands_still_ends_all_the_same() -> None:
    clock = FakeClock(repeat(1.0))
    found = sample(clock, lambda: None, target_ci=0.01, max_time_s=1, min_samples=10, now=lambda: 0.0)
    assert len(found.samples_s) == MAX_SAMPLES


def test_usage_of_the_samples_is_added_up_and_that_of_warm_up_is_not() -> None:
    class Counting(FakeClock):
        def block(self, run: Run, loops: int, count: int) -> Block:
            return Block(super().block(run, loops, count).samples_s, usage=Usage(2 * count, count, count))

    found = Counting(repeat(1.0)).sample(max_time_s=100)
    assert found.usage == Usage(30, 15, 15)
    assert found.reading is None


FAST, SLOW = Reading(sm_clock_hz=2.0e9, temperature_c=50.0, power_w=300.0), Reading(sm_clock_hz=1.4e9)
HOT = Reading(sm_clock_hz=2.0e9, temperature_c=90.0, power_w=350.0, throttles=("thermal slowdown",))
BEFORE = [FAST] * 4  # the blocks of warm-up: first call, calibration, two of five


def watched(*readings: Reading) -> WatchedClock:
    """A clock whose n-th call takes n µs more than a second, so that a sample tells which call it was."""
    return WatchedClock(chain(WARM, (1 + 1e-6 * n for n in range(10_000))), [*BEFORE, *readings])


def kept(found: tuple[float, ...]) -> list[int]:
    return [round((value - 1) * 1e6) for value in found]


def test_throttled_samples_are_left_out_after_a_wait() -> None:
    """Block 2 of 10, 5, 5 ... is slow (70 % of the start): its 5 samples go, a wait of 0.25 s, and on."""
    clock = watched(FAST, SLOW, FAST)
    found = clock.sample(max_time_s=200)
    assert kept(found.samples_s) == [*range(10), *range(15, 20)]
    assert clock.waits == [0.25]
    assert (found.throttled, found.gave_up, found.reached) == (5, "", True)
    assert found.reading == FAST


def test_waits_double_and_start_anew_after_a_good_block() -> None:
    clock = watched(SLOW, SLOW, SLOW, FAST, HOT, FAST)
    found = clock.sample(max_time_s=200)
    assert clock.waits == [0.25, 0.5, 1.0, 0.25]
    assert clock.blocks[4:] == [10, 10, 10, 10, 5, 5]
    assert found.throttled == 35
    assert kept(found.samples_s) == [*range(30, 40), *range(45, 50)]


def test_waits_and_discarded_samples_are_not_sampling_time() -> None:
    found = watched(SLOW, FAST).sample(max_time_s=200)
    assert found.sampling_time_s == pytest.approx(sum(found.samples_s))


def test_a_gpu_that_never_recovers_ends_it_with_what_there_was() -> None:
    """0.25 + 0.5 + 1 + 2 + 4 + 8 s are 15.75; another wait would be over 16 s."""
    clock = watched(FAST, HOT)
    found = clock.sample(max_time_s=200)
    assert clock.waits == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0]
    assert kept(found.samples_s) == list(range(10))
    assert (found.throttled, found.gave_up) == (35, "thermal slowdown")


def test_a_gpu_that_is_slow_from_the_start_leaves_its_last_samples() -> None:
    found = watched(SLOW).sample(max_time_s=200)
    assert found.gave_up == "SM clock at 70% of its start"
    assert kept(found.samples_s) == list(range(60, 70))
    assert (found.throttled, found.reading) == (70, SLOW)


def test_the_reading_of_a_row_is_that_of_its_samples() -> None:
    """Median clock and power, highest temperature, of blocks that were kept."""
    warmer = Reading(sm_clock_hz=1.8e9, temperature_c=60.0, power_w=400.0)
    found = watched(FAST, HOT, warmer).sample(max_time_s=200)
    assert found.reading == Reading(sm_clock_hz=1.9e9, temperature_c=60.0, power_w=350.0)
