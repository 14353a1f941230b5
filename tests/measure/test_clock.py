"""Clocks: the processor's against a known sleep, the GPU's against a fake one."""

from __future__ import annotations

import time

import pytest
import torch

from invobench.measure.clock import CLOCKS, CudaEvent, PerfCounter, clock_for
from tests.measure.fakes import FakeGPU


def test_the_processor_is_timed_by_perf_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([10.0, 10.75])
    calls: list[int] = []
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
    assert PerfCounter().time(lambda: calls.append(1), 3) == 0.75
    assert len(calls) == 3


def test_a_sleep_takes_its_time() -> None:
    assert 0.02 <= PerfCounter().time(lambda: time.sleep(0.01), 2) < 2


def test_a_gpu_is_timed_by_events_around_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work from before is waited for and not counted; 3 calls of 2 ms are 6 ms."""
    gpu = FakeGPU().install(monkeypatch)
    gpu.work(100)
    clock = CudaEvent(torch.device("cuda:1"))
    assert clock.time(lambda: gpu.work(2), 3) == pytest.approx(0.006)
    assert gpu.log == ["work", "synchronize cuda:1", "record", "work", "work", "work", "record", "event"]
    assert clock.time(lambda: gpu.work(0.5), 1) == pytest.approx(0.0005)


def test_each_device_has_its_clock() -> None:
    assert set(CLOCKS) == {"cpu", "cuda"}
    cuda = clock_for(torch.device("cuda:1"))
    assert isinstance(cuda, CudaEvent)
    assert (cuda.name, cuda.device) == ("cuda_event", torch.device("cuda:1"))
    assert clock_for(torch.device("cpu")).name == "perf_counter"


@pytest.mark.parametrize("clock", [PerfCounter(), CudaEvent(torch.device("cuda"))])
def test_resolution_is_that_of_the_clock(clock: PerfCounter | CudaEvent) -> None:
    """A tick of `perf_counter` is under 0.1 µs; events resolve 0.5 µs (CUDA runtime API, cudaEventElapsedTime)."""
    assert clock.resolution_s == {"perf_counter": 1e-7, "cuda_event": 5e-7}[clock.name]
    assert time.get_clock_info("perf_counter").resolution <= 1e-7
