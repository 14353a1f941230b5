"""When to stop: warm up until steady, then sample until the median is known well enough or time is up.

This is the one sampling loop, on every device. What it promises of the interval is in `interval.py`. Looking again
and again for a narrow interval makes it narrow by luck at times; two looks in a row must agree, the next at a quarter
more samples, and the samples must be worth `min_samples` independent ones, which keeps the interval's coverage near
95 % (tools/study_coverage.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from invobench.measure.clock.base import Clock, Run, require_forward
from invobench.measure.interval import Interval, median_interval
from invobench.measure.nvml import Reading
from invobench.measure.resources import Usage, paused_gc
from invobench.measure.series import drift, outliers
from invobench.measure.taking import Taking
from invobench.measure.throttle import Throttle
from invobench.measure.warmup import warm_up

#: looks in a row at which the interval must be narrow
_LOOKS = 2


@dataclass(frozen=True)
class Sampled:
    """Raw samples in seconds a call, the median's interval, and whether it is as narrow as was asked.

    `warmups`: calls before; `sampling_time_s`: seconds that sampling took, waits and discarded samples apart;
    `resolution`: the clock's, relative to a sample. `outliers` are among the samples and count; `drift` is second half
    over first, less 1. `throttled` samples ran on a GPU that had slowed down, and are left out; where it never
    recovered, `gave_up` says why, and if there are no others, the last of them are all there is. `usage` is None on a
    GPU, `reading` elsewhere: the median SM clock and power, and the highest temperature.
    """

    samples_s: tuple[float, ...]
    loops: int
    warmups: int
    interval: Interval
    reached: bool
    warmup_time_s: float = 0.0
    sampling_time_s: float = 0.0
    resolution: float = 0.0
    outliers: int = 0
    drift: float | None = None
    throttled: int = 0
    gave_up: str = ""
    usage: Usage | None = None
    reading: Reading | None = None


def sample(
    clock: Clock,
    run: Run,
    *,
    target_ci: float,
    max_time_s: float,
    min_samples: int = 50,
    now: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> Sampled:
    """Time `run` until the median's 95 % interval is within ± `target_ci`, or `max_time_s` of sampling is up.

    A narrow interval ends it no sooner than at `min_samples` and a fortieth of `max_time_s`; time ends it sooner.
    Warm-up takes at most half of `max_time_s` more after its first call, and at least one call. A call that is slow
    against the time is still sampled 6 times, the fewest that have an interval, unless that takes three times
    `max_time_s`. Raises MeasurementError where the clock stands still or goes backwards.
    """
    warm = warm_up(clock, run, target_ci=target_ci, max_time_s=max_time_s, now=now)
    throttle = Throttle(warm.clock_hz, sleep)
    taking = Taking(max_time_s, warm.cost_s, min_samples)
    narrow = 0
    while narrow < _LOOKS and not taking.is_over:
        count, start = taking.next_count(), now()
        with paused_gc():
            block = clock.block(run, warm.loops, count)
        took_s = now() - start
        require_forward(clock, block.samples_s, warm.loops)
        kept = throttle.keeps(count, block.reading)
        if kept or (throttle.gave_up and not taking.samples):
            taking.keep(block, took_s)
            narrow = narrow + 1 if taking.is_narrow(target_ci) else 0
        if throttle.gave_up:
            break
    interval = median_interval(taking.samples)
    return Sampled(
        tuple(taking.samples),
        warm.loops,
        warm.calls,
        interval,
        reached=interval.relative <= target_ci,
        warmup_time_s=warm.took_s,
        sampling_time_s=taking.spent_s,
        resolution=clock.resolution_s / (interval.median * warm.loops),
        outliers=outliers(taking.samples),
        drift=drift(taking.samples),
        throttled=throttle.samples,
        gave_up=throttle.gave_up,
        usage=taking.usage,
        reading=Reading.typical(*taking.readings),
    )
