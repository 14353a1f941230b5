"""Overhead of the sampling loop: the part of its time that is spent outside of what it times."""

from __future__ import annotations

import time
from collections.abc import Callable

from invobench.measure.clock import Block, Clock, Run


class Watched(Clock):
    """A clock that adds up the time spent in it (`inside_s`), warm-up calls and samples alike."""

    def __init__(self, clock: Clock, now: Callable[[], float] = time.perf_counter) -> None:
        self._clock, self._now = clock, now
        self.name, self.resolution_s, self.max_loops = clock.name, clock.resolution_s, clock.max_loops
        self.inside_s = 0.0

    def time(self, run: Run, loops: int) -> float:
        """Seconds of `loops` calls, by the clock that is watched."""
        start = self._now()
        try:
            return self._clock.time(run, loops)
        finally:
            self.inside_s += self._now() - start

    def block(self, run: Run, loops: int, count: int) -> Block:
        """A block of samples, by the clock that is watched."""
        start = self._now()
        try:
            return self._clock.block(run, loops, count)
        finally:
            self.inside_s += self._now() - start
