"""Busy kernels do as many operations as they say, and time follows work."""

from __future__ import annotations

import statistics
import time

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from invobench.measure.selftest import kernels
from invobench.measure.selftest.kernels import BASE, busy, operands
from invobench.measure.selftest.ladder import RATIOS

CPU = torch.device("cpu")


class Calls(TorchDispatchMode):
    """Counts what is dispatched."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.count += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("ratio", RATIOS)
def test_work_is_exact(ratio: float) -> None:
    run = busy(operands(CPU), ratio)
    with Calls() as calls:
        run()
    assert calls.count / BASE == pytest.approx(ratio, abs=1e-12)


def test_work_that_is_no_whole_number_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1\.015 times 100 is no whole number of operations"):
        busy(operands(CPU), 1.015)


def test_both_sides_use_the_same_memory() -> None:
    memory = operands(CPU)
    busy(memory, 1.0)()
    assert torch.equal(memory.out, torch.ones(4096))


def test_time_is_proportional_to_work() -> None:
    """Double work in double time: the least of many interleaved calls, and 3 % for the machine's noise."""
    memory = operands(CPU)
    once, twice = busy(memory, 1.0), busy(memory, 2.0)

    def spent(run) -> float:  # type: ignore[no-untyped-def]
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    ratios = []
    for _ in range(10):
        pairs = [(spent(once), spent(twice)) for _ in range(20)]
        ratios.append(min(pair[1] for pair in pairs) / min(pair[0] for pair in pairs))
    assert statistics.median(ratios) == pytest.approx(2.0, rel=0.03)


def test_a_gpu_gets_operations_that_are_longer_than_their_launch() -> None:
    """64 MiB read and 64 MiB written; on `meta`, since there need not be a GPU here."""
    gpu = kernels._OPERANDS["cuda"](torch.device("meta"))
    assert (gpu.x.numel(), gpu.x.dtype, gpu.out.shape) == (2**24, torch.float32, gpu.x.shape)
