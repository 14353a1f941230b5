"""Peak memory above what was there before: the allocator's own record, on the GPU and on the CPU.

One definition for both: the most bytes that PyTorch's allocator had given out at any moment of a call, above those
it had given out before the call. What was there before is inputs, parameters and, from earlier calls, what libraries
keep (workspaces of cuBLAS); the peak has what the call makes: intermediate tensors, outputs, what is saved for the
backward pass, gradients. A GPU's allocator gives out multiples of 512 bytes and is read as such.

On the CPU the process's resident size is wrong (it keeps freed pages and counts libraries), so the profiler's
record of every allocation and release is added up instead. It does not know memory from before, so that
releasing that makes no room here, as it does on a GPU. What a library allocates past PyTorch's allocator
(scratch inside oneDNN) is in neither.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

Run = Callable[[], Any]


def peak_memory_bytes(device: torch.device, run: Run) -> int:
    """The most that was allocated on `device` during `run`, above what was allocated before it."""
    gc.collect()
    return _PEAKS[device.type](device, run)


def _peak_cuda(device: torch.device, run: Run) -> int:
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    run()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def _peak_cpu(device: torch.device, run: Run) -> int:
    with _quiet_stderr(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    results = profiler.profiler.kineto_results
    events = [event for event in results.events() if event.name() == "[memory]"]
    events.sort(key=lambda event: event.start_ns())
    return int(max(accumulate((event.nbytes() for event in events), initial=0)))


_PEAKS: Mapping[str, Callable[[torch.device, Run], int]] = {"cpu": _peak_cpu, "cuda": _peak_cuda}


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """The profiler's C++ part writes notices to file descriptor 2 when it starts and stops."""
    saved = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
