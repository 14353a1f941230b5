"""Clocks: CUDA events on a GPU, `perf_counter` on the CPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch

Run = Callable[[], Any]


class Clock(Protocol):
    """What times calls. `resolution_s`: a sample of a thousand times this is exact to 0.1 %."""

    name: str
    resolution_s: float

    def time(self, run: Run, loops: int) -> float:
        """Seconds that `loops` calls of `run` take together, to their end on the device."""
        ...


class PerfCounter:
    """Wall time on the CPU, where calls return when they are done."""

    name = "perf_counter"
    resolution_s = 1e-7

    def time(self, run: Run, loops: int) -> float:
        """Seconds of `loops` calls."""
        start = time.perf_counter()
        for _ in range(loops):
            run()
        return time.perf_counter() - start


class CudaEvent:
    """Time between two events in the current stream of a GPU; each sample starts on an idle device."""

    name = "cuda_event"
    resolution_s = 5e-7

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def time(self, run: Run, loops: int) -> float:
        """Seconds of `loops` calls, by events around them."""
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda.synchronize(self.device)
        begin.record()
        for _ in range(loops):
            run()
        end.record()
        end.synchronize()
        return float(begin.elapsed_time(end)) * 1e-3


CLOCKS: Mapping[str, Callable[[torch.device], Clock]] = {"cpu": lambda device: PerfCounter(), "cuda": CudaEvent}


def clock_for(device: torch.device) -> Clock:
    """The clock of a device's type."""
    return CLOCKS[device.type](device)
