"""The processor's clock, and which clock a device has."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import chain, count, repeat

import pytest
import torch

from invobench.errors import MeasurementError
from invobench.measure.cache import Evictor
from invobench.measure.clock import CLOCKS, CudaEvent, PerfCounter, clock_for, cpu
from invobench.measure.clock.cpu import resolution_s
from invobench.measure.gpu import TorchGpu
from invobench.measure.resources import Usage
from tests.measure.fakes import FakeGPU

CPU = torch.device("cpu")


def reader(values: Iterator[int]) -> Callable[[], int]:
    return lambda: next(values)


def test_the_processor_is_timed_by_perf_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, calls = PerfCounter(), []
    monkeypatch.setattr(time, "perf_counter_ns", reader(iter([10_000, 10_750])))
    assert clock.time(lambda: calls.append(1), 3) == pytest.approx(0.75e-6)
    assert len(calls) == 3


def test_a_sleep_takes_its_time() -> None:
    assert 0.02 <= PerfCounter().time(lambda: time.sleep(0.01), 2) < 2


def test_resolution_is_the_smallest_step_that_was_seen() -> None:
    """A thousand steps of 200 ns with one of 70 among them; readings that do not move are no steps."""
    steps = chain([0, 0, 200, 400, 400, 470], count(670, 200))
    assert resolution_s(reader(steps)) == pytest.approx(70e-9)


def test_resolution_here_is_measured() -> None:
    """That of a system call at worst: no processor's clock that PyTorch runs on is slower."""
    assert 1e-9 <= PerfCounter().resolution_s <= 1e-4


@pytest.mark.parametrize(
    ("ticks", "message"),
    [
        (chain([5, 6, 8], count(3)), "perf_counter goes backwards, by 5 ns: it cannot time anything here"),
        (repeat(5), "perf_counter stands still over 1000000 readings: it cannot time anything here"),
    ],
)
def test_a_clock_that_does_not_go_forward(ticks: Iterator[int], message: str) -> None:
    with pytest.raises(MeasurementError) as raised:
        resolution_s(reader(ticks))
    assert str(raised.value) == message


def test_a_block_has_the_usage_of_its_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(cpu, "usage", lambda: Usage(len(calls), 10 * len(calls), 5 * len(calls)))
    block = PerfCounter().block(lambda: calls.append(1), 3, 4)
    assert (len(block.samples_s), block.usage, block.reading) == (4, Usage(12, 120, 60), None)


def test_cold_empties_the_caches_before_each_sample_and_does_not_count_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evicting takes a second and 1,000 page faults here; a call takes 2 µs and 1."""
    log: list[str] = []
    clock = PerfCounter(lambda: log.append("evict"))
    cost = {"evict": (1_000_000_000, 1000), "call": (2000, 1)}
    monkeypatch.setattr(time, "perf_counter_ns", lambda: sum(cost[what][0] for what in log))
    monkeypatch.setattr(cpu, "usage", lambda: Usage(sum(cost[what][1] for what in log)))
    block = clock.block(lambda: log.append("call"), 1, 3)
    assert block.samples_s == pytest.approx((2e-6,) * 3)
    assert block.usage == Usage(3)
    assert log == ["evict", "call"] * 3
    assert clock.time(lambda: log.append("call"), 1) == pytest.approx(2e-6)
    assert clock.max_loops == 1


def test_each_device_has_its_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeGPU().install(monkeypatch)
    assert set(CLOCKS) == {"cpu", "cuda"}
    cuda = clock_for(torch.device("cuda:1"))
    assert isinstance(cuda, CudaEvent)
    assert isinstance(cuda.gpu, TorchGpu)
    assert (cuda.name, cuda.gpu.device, cuda.cold, cuda.launches) == (
        "cuda_event",
        torch.device("cuda:1"),
        False,
        False,
    )
    assert clock_for(CPU).name == "perf_counter"


def test_cold_and_launches_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeGPU().install(monkeypatch)
    cold = clock_for(torch.device("cuda:0"), "cold", launches=True)
    assert isinstance(cold, CudaEvent)
    assert (cold.cold, cold.launches, cold.max_loops) == (True, True, 1)
    hot = clock_for(CPU)
    assert isinstance(hot, PerfCounter)
    assert hot.evict is None
    evicting = clock_for(CPU, "cold")
    assert isinstance(evicting, PerfCounter)
    assert isinstance(getattr(evicting.evict, "__self__", None), Evictor)
