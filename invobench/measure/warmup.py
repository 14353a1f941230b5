"""Calls before the samples: until they take the same time, and until it is known how many a sample needs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from invobench.measure.clock.base import Clock, Run, require_forward
from invobench.measure.resources import paused_gc
from invobench.measure.series import has_trend

#: a sample is at least this many resolutions of the clock
RESOLUTIONS = 1000
#: warm-up and sampling take at least this share of `max_time_s`: what is over sooner has seen one moment only
LEAST = 1 / 40
#: and warm-up at most this
MOST = 1 / 2
_BLOCK = 5
_MOST_BLOCKS = 2000


@dataclass(frozen=True)
class Warm:
    """What warm-up found.

    `calls` made and the time they took; `loops`: calls that a sample needs; `cost_s`: what a sample takes with all
    that is done around it; `clock_hz`: the highest SM clock, where a GPU tells it.
    """

    calls: int
    took_s: float
    loops: int
    cost_s: float
    clock_hz: float | None


def warm_up(clock: Clock, run: Run, *, target_ci: float, max_time_s: float, now: Callable[[], float]) -> Warm:
    """Call `run` until it is steady: two blocks of 5 samples agree, and the ten have no trend.

    They agree where the median of each is within the range of the other, give or take `target_ci`. The first call may
    load and compile: its time says nothing and is not counted against the limits. After it this takes between a
    fortieth and a half of `max_time_s`, and at least one call. Raises MeasurementError for a clock that stands still
    or goes backwards.
    """
    warming = _Warming(clock, run, MOST * max_time_s, now)
    warming.take_first()
    loops, last = _calibrate(warming)
    before: Sequence[float] = ()
    for _ in range(_MOST_BLOCKS):
        if warming.left_s <= 0:
            break
        before, last = last, warming.take(loops, _BLOCK)
        if warming.spent_s >= LEAST * max_time_s and _steady(before, last, target_ci):
            break
    call_s = min([*before, *last])  # the quickest, so that all are long enough
    loops = min(clock.max_loops, max(1, math.ceil(RESOLUTIONS * clock.resolution_s / call_s))) if call_s else loops
    cost_s = warming.cost_s * loops / warming.loops
    return Warm(warming.calls, warming.first_s + warming.spent_s, loops, cost_s, max(warming.clocks_hz, default=None))


class _Warming:
    """Takes blocks and remembers what they cost: `cost_s` a sample of `loops` calls, of the last block."""

    def __init__(self, clock: Clock, run: Run, limit_s: float, now: Callable[[], float]) -> None:
        self.clock, self.run, self.limit_s, self.now = clock, run, limit_s, now
        self.calls, self.loops, self.cost_s = 0, 1, 0.0
        self.clocks_hz: list[float] = []
        self.first_s, self.start = 0.0, now()

    @property
    def spent_s(self) -> float:
        """Seconds since the start, or since the first call was done."""
        return self.now() - self.start

    @property
    def left_s(self) -> float:
        """Seconds to the limit."""
        return self.limit_s - self.spent_s

    def take_first(self) -> None:
        """The first call: what it took tells nothing of the next one, and time is counted from its end on."""
        self.take(1, 1)
        self.first_s, self.cost_s = self.spent_s, 0.0
        self.start += self.first_s

    def take(self, loops: int, count: int) -> tuple[float, ...]:
        """Up to `count` samples, as many as should fit the time that is left, at least one."""
        if self.cost_s > 0:
            count = min(count, max(1, int(self.left_s / self.cost_s * self.loops / loops)))
        began = self.now()
        with paused_gc():
            block = self.clock.block(self.run, loops, count)
        self.calls, self.loops, self.cost_s = self.calls + loops * count, loops, (self.now() - began) / count
        if block.reading is not None and block.reading.sm_clock_hz is not None:
            self.clocks_hz.append(block.reading.sm_clock_hz)
        if min(block.samples_s) < 0 or loops == self.clock.max_loops:
            require_forward(self.clock, block.samples_s, loops)
        return block.samples_s


def _calibrate(warming: _Warming) -> tuple[int, tuple[float, ...]]:
    """Calls that take a thousand of the clock's resolutions together, and the last sample of them."""
    clock, loops = warming.clock, 1
    wanted = RESOLUTIONS * clock.resolution_s
    while True:
        sample = warming.take(loops, 1)
        call_s = sample[0]
        if call_s * loops >= wanted or loops == clock.max_loops or warming.left_s <= 0:
            return loops, sample
        more = max(2 * loops, math.ceil(wanted / call_s)) if call_s > 0 else 10 * loops
        loops = min(clock.max_loops, more)


def _steady(before: Sequence[float], last: Sequence[float], target_ci: float) -> bool:
    """Whether two blocks agree and their samples, one after another, have no trend."""
    if len(before) < _BLOCK or len(last) < _BLOCK:
        return False
    return _within(last, before, target_ci) and _within(before, last, target_ci) and not has_trend([*before, *last])


def _within(one: Sequence[float], other: Sequence[float], target_ci: float) -> bool:
    median = statistics.median(one)
    return min(other) * (1 - target_ci) <= median <= max(other) * (1 + target_ci)
