"""Kernels that one call of the cell's step launches, on a GPU."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from invobench.runner.cases import Case

#: what a GPU does that is not a kernel
_COPIES = ("memcpy", "memset")


def measure(case: Case) -> dict[str, Any]:
    """`launches`: kernels of one call, after one that warms up; empty on a CPU, which launches none."""
    if case.device.type != "cuda":
        return {}
    step = case.step()
    step.prepare()
    step.run()
    torch.cuda.synchronize(case.device)
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        step.run()
        torch.cuda.synchronize(case.device)
    return {"launches": launches(profiler.events() or ())}


def launches(events: Iterable[Any]) -> int:
    """How many of a profile's `events` are kernels on a GPU, copies and fills left out."""
    on_gpu = (event for event in events if event.device_type == torch._C._autograd.DeviceType.CUDA)
    return sum(not event.name.lower().startswith(_COPIES) for event in on_gpu)
