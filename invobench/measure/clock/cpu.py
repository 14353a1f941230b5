"""The processor's clock: `perf_counter`, with its resolution measured and the system's interruptions counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from itertools import repeat

from invobench.errors import MeasurementError
from invobench.measure.clock.base import Block, Clock, Run
from invobench.measure.resources import Usage, usage

_STEPS = 1000
_READINGS = 1_000_000


@lru_cache(maxsize=1)
def resolution_s(ticks: Callable[[], int] = time.perf_counter_ns) -> float:
    """The smallest step of `ticks` that was seen, in seconds: what the clock resolves, its own reading included.

    Raises MeasurementError where the clock stands still or goes backwards.
    """
    steps: list[int] = []
    last = ticks()
    for _ in range(_READINGS):
        here = ticks()
        if here < last:
            raise MeasurementError(f"perf_counter goes backwards, by {last - here} ns: it cannot time anything here")
        if here > last:
            steps.append(here - last)
            if len(steps) == _STEPS:
                break
        last = here
    if not steps:
        raise MeasurementError(f"perf_counter stands still over {_READINGS} readings: it cannot time anything here")
    return min(steps) * 1e-9


class PerfCounter(Clock):
    """Wall time on the CPU, where calls return when they are done.

    `evict` empties the caches before each sample, outside of its time; samples are single calls then.
    """

    name = "perf_counter"

    def __init__(self, evict: Callable[[], None] | None = None) -> None:
        self.evict = evict
        self.resolution_s = resolution_s()
        self.max_loops = 1 if evict else Clock.max_loops

    def time(self, run: Run, loops: int) -> float:
        """Seconds of `loops` calls."""
        if self.evict:
            self.evict()
        return _time(run, loops)

    def block(self, run: Run, loops: int, count: int) -> Block:
        """`count` samples, and the page faults and context switches within them: not those of evicting."""
        if not self.evict:
            before = usage()
            taken = [_time(run, loops) / loops for _ in range(count)]
            return Block(tuple(taken), usage() - before)
        cold, spent = [], Usage()
        for _ in range(count):
            self.evict()
            before = usage()
            cold.append(_time(run, loops) / loops)
            spent += usage() - before
        return Block(tuple(cold), spent)


def _time(run: Run, loops: int) -> float:
    start = time.perf_counter_ns()
    for _ in repeat(None, loops):
        run()
    return (time.perf_counter_ns() - start) * 1e-9
