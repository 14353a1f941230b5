"""A GPU's clock: pairs of events around the calls, many pairs between two synchronisations."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from invobench.measure.clock.base import Block, Clock, Run
from invobench.measure.gpu import Gpu
from invobench.measure.nvml import Monitor, Reading

#: blocks at the start that do not wait: what the host needs to queue a call is read from them
_UNBLOCKED = 2
#: the GPU waits this many times what the host needed to queue a sample
_MARGIN = 2
_LONGEST_S = 0.1
_CALIBRATION = 1_000_000


class CudaEvent(Clock):
    """Time between two events in the current stream of a GPU.

    Before each sample the GPU spins while the host queues all of it (flush, event, calls, event), so that the time
    the host takes to launch does not leak into the sample; with `launches` it does not spin, and a sample has in it
    what a program that launches call by call waits for. `cold` fills twice the L2 cache before each sample, before
    the first event. How long the host needs is the least it took so far, the first call apart, in which libraries
    load. A sample whose launches do not fit the driver's queue (about a thousand) has the launches beyond in it.
    """

    name = "cuda_event"
    #: CUDA runtime API, cudaEventElapsedTime
    resolution_s = 5e-7

    def __init__(
        self,
        gpu: Gpu,
        monitor: Monitor | None = None,
        *,
        cold: bool = False,
        launches: bool = False,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.gpu, self.monitor, self.cold, self.launches = gpu, monitor, cold, launches
        self.max_loops = 1 if cold else Clock.max_loops
        self._now = now
        self._blocks = 0
        self._host_s = math.inf
        self._cycles_per_s = 0.0

    def time(self, run: Run, loops: int) -> float:
        """Seconds of `loops` calls."""
        return self.block(run, loops, 1).samples_s[0] * loops

    def block(self, run: Run, loops: int, count: int) -> Block:
        """`count` samples between two synchronisations, and what the monitor read while they ran and after."""
        pairs = [(self.gpu.event(), self.gpu.event()) for _ in range(count)]
        cycles = self._spin(loops)
        self.gpu.synchronize()
        for begin, end in pairs:
            start = self._now()
            if cycles:
                self.gpu.sleep(cycles)
            if self.cold:
                self.gpu.flush()
            begin.record()
            for _ in range(loops):
                run()
            end.record()
            if self._blocks:
                self._host_s = min(self._host_s, (self._now() - start) / loops)
        during = self._read()
        self.gpu.synchronize()
        self._blocks += 1
        samples = tuple(begin.seconds_to(end) / loops for begin, end in pairs)
        return Block(samples, reading=Reading.worst(during, self._read()))

    def _spin(self, loops: int) -> int:
        """Cycles that the GPU spins before a sample."""
        if self.launches or self._blocks < _UNBLOCKED:
            return 0
        if not self._cycles_per_s:
            begin, end = self.gpu.event(), self.gpu.event()
            self.gpu.sleep(_CALIBRATION)  # meanwhile the rest is queued
            begin.record()
            self.gpu.sleep(_CALIBRATION)
            end.record()
            self.gpu.synchronize()
            took = begin.seconds_to(end)
            self._cycles_per_s = _CALIBRATION / took if took > 0 else 0.0
        return math.ceil(min(_LONGEST_S, _MARGIN * self._host_s * loops) * self._cycles_per_s)

    def _read(self) -> Reading | None:
        return self.monitor.read() if self.monitor else None
