"""When to stop: warm up until stable, then sample until the median is known well enough or time is up."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from invobench.errors import MeasurementError
from invobench.measure.clock import Clock, Run
from invobench.measure.interval import MIN_SAMPLES, Interval, median_interval

_WARMUP_BLOCK = 3
_STABLE = 0.05
_RESOLUTIONS = 1000
_BLOCK = 5
_MAX_LOOPS = 1_000_000


@dataclass(frozen=True)
class Sampled:
    """Raw samples in seconds a call, the median's interval, and whether it is as narrow as was asked."""

    samples_s: tuple[float, ...]
    loops: int
    warmups: int
    interval: Interval
    reached: bool


def sample(
    clock: Clock,
    run: Run,
    *,
    target_ci: float,
    max_time_s: float,
    now: Callable[[], float] = time.perf_counter,
) -> Sampled:
    """Time `run` until the median's 95 % interval is within ± `target_ci`, or `max_time_s` of sampling is up.

    Warm-up takes at most half of `max_time_s` more. A call that is slow against the time is still sampled
    6 times, the fewest that have an interval, unless that takes three times `max_time_s`. Raises
    MeasurementError where the clock sees no time pass.
    """
    warmups, call_s = _warm_up(clock, run, max_time_s / 2, now)
    loops = _loops(clock, call_s)
    samples: list[float] = []
    start = now()
    while True:
        for _ in range(_BLOCK):
            samples.append(clock.time(run, loops) / loops)
            if _time_is_up(len(samples), now() - start, max_time_s):
                break
        interval = median_interval(samples)
        reached = interval.relative <= target_ci
        if reached or _time_is_up(len(samples), now() - start, max_time_s):
            break
    if interval.median <= 0:
        raise MeasurementError(f"{clock.name} read {interval.median:g} s a call, of {loops} calls: it cannot time this")
    return Sampled(tuple(samples), loops, warmups, interval, reached)


def _time_is_up(count: int, spent_s: float, max_time_s: float) -> bool:
    return spent_s >= (max_time_s if count >= MIN_SAMPLES else 3 * max_time_s)


def _warm_up(clock: Clock, run: Run, max_time_s: float, now: Callable[[], float]) -> tuple[int, float]:
    """Call until the median of three calls is within 5 % of that of the three before. Calls, seconds a call."""
    start = now()
    times: list[float] = []
    while now() - start < max_time_s or not times:
        times.append(clock.time(run, 1))
        last, before = times[-_WARMUP_BLOCK:], times[-2 * _WARMUP_BLOCK : -_WARMUP_BLOCK]
        if len(before) == _WARMUP_BLOCK:
            was, is_ = statistics.median(before), statistics.median(last)
            if abs(is_ - was) <= _STABLE * was:
                break
    return len(times), statistics.median(times[-_WARMUP_BLOCK:])


def _loops(clock: Clock, call_s: float) -> int:
    """Calls a sample, so that the clock's resolution is under 0.1 % of it."""
    wanted = _RESOLUTIONS * clock.resolution_s
    return min(_MAX_LOOPS, max(1, math.ceil(wanted / call_s))) if call_s > 0 else _MAX_LOOPS
