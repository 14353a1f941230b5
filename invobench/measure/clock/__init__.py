"""Clocks: what times calls on a device. CUDA events on a GPU, `perf_counter` on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from invobench.measure.cache import Evictor, flush_bytes
from invobench.measure.clock.base import Block, Clock, Run
from invobench.measure.clock.cpu import PerfCounter
from invobench.measure.clock.cuda import CudaEvent
from invobench.measure.gpu import TorchGpu
from invobench.measure.nvml import monitor_for

__all__ = ["CLOCKS", "Block", "Clock", "CudaEvent", "PerfCounter", "Run", "clock_for"]


def _cpu(device: torch.device, cold: bool, launches: bool) -> Clock:
    return PerfCounter(Evictor().evict if cold else None)


def _cuda(device: torch.device, cold: bool, launches: bool) -> Clock:
    if cold:
        flush_bytes(device)  # raises here, not in the middle of a sample
    return CudaEvent(TorchGpu(device), monitor_for(device), cold=cold, launches=launches)


CLOCKS: Mapping[str, Callable[[torch.device, bool, bool], Clock]] = {"cpu": _cpu, "cuda": _cuda}


def clock_for(device: torch.device, cache: str = "hot", *, launches: bool = False) -> Clock:
    """The clock of a device's type.

    `cache`: `cold` empties the device's last cache before each sample, outside of its time; `hot` leaves it as the
    call before left it. `launches`: a GPU's samples have the host's launches in them, as a program sees them; else
    the GPU waits until all of a sample is queued. Raises BackendUnavailable for `cold` where the cache's size is
    not known.
    """
    return CLOCKS[device.type](device, cache == "cold", launches)
