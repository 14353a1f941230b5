"""What is not there: clocks, GPUs and monitors that replay what the test says, and no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from invobench.measure.clock import Block, Clock, Run
from invobench.measure.nvml import Reading
from invobench.measure.sampling import Sampled, sample


class FakeClock(Clock):
    """Each call takes the next of `durations`; `now` is the time that has passed, waits included."""

    name = "fake"

    def __init__(self, durations: Iterable[float], resolution_s: float = 0.0, max_loops: int = 1_000_000) -> None:
        self.durations: Iterator[float] = iter(durations)
        self.resolution_s, self.max_loops = resolution_s, max_loops
        self.passed = 0.0
        self.asked: list[int] = []
        self.waits: list[float] = []

    def time(self, run: Run, loops: int) -> float:
        self.asked.append(loops)
        run()
        spent = next(self.durations) * loops
        self.passed += spent
        return spent

    def now(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.passed += seconds

    def sample(
        self, target_ci: float = 0.01, max_time_s: float = 10.0, run: Run = lambda: None, min_samples: int = 10
    ) -> Sampled:
        times = {"target_ci": target_ci, "max_time_s": max_time_s}
        return sample(self, run, **times, min_samples=min_samples, now=self.now, sleep=self.sleep)


class WatchedClock(FakeClock):
    """A FakeClock whose blocks have the next of `readings` each, the last for ever."""

    def __init__(self, durations: Iterable[float], readings: Iterable[Reading | None]) -> None:
        super().__init__(durations)
        self.readings = iter(readings)
        self.last: Reading | None = None
        self.blocks: list[int] = []

    def block(self, run: Run, loops: int, count: int) -> Block:
        self.last = next(self.readings, self.last)
        self.blocks.append(count)
        return Block(super().block(run, loops, count).samples_s, reading=self.last)


class TraceMonitor:
    """A monitor that reads the next of `readings`, the last for ever."""

    def __init__(self, *readings: Reading) -> None:
        self.readings = list(readings)

    def read(self) -> Reading:
        return self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]


@dataclass
class TraceGpu:
    """A `Gpu` with a timeline: the host queues work, each launch taking `launch_s`; the GPU does it in order.

    `host_s` is the time now on the host, `free_s` when the GPU will have done what is queued. `log` has what was
    queued, in order.
    """

    launch_s: float = 0.0
    flush_s: float = 0.0
    clock_hz: float = 1e9
    host_s: float = 0.0
    free_s: float = 0.0
    log: list[str] = field(default_factory=list)

    def now(self) -> float:
        return self.host_s

    def launch(self, what: str, seconds: float) -> None:
        """Queue a kernel."""
        self.log.append(what)
        self.host_s += self.launch_s
        self.free_s = max(self.free_s, self.host_s) + seconds

    def event(self) -> TraceEvent:
        return TraceEvent(self)

    def synchronize(self) -> None:
        self.log.append("synchronize")
        self.host_s = max(self.host_s, self.free_s)

    def flush(self) -> None:
        self.launch("flush", self.flush_s)

    def sleep(self, cycles: int) -> None:
        self.launch("sleep", cycles / self.clock_hz)


class TraceEvent:
    """A mark on the timeline of a TraceGpu."""

    def __init__(self, gpu: TraceGpu) -> None:
        self.gpu, self.at = gpu, float("nan")

    def record(self) -> None:
        self.gpu.log.append("event")
        self.at = max(self.gpu.free_s, self.gpu.host_s)

    def seconds_to(self, later: TraceEvent) -> float:
        assert self.gpu.host_s >= later.at, "the event is not done"
        return later.at - self.at


@dataclass
class FakeGPU:
    """`torch.cuda` with a clock and an allocator that the test moves.

    `log` has what was asked of the device, in order. Times in milliseconds, memory in bytes; its clock runs at 1 GHz.
    """

    time_ms: float = 0.0
    pending_ms: float = 0.0
    allocated: int = 0
    peak: int = 0
    l2_bytes: int = 4096
    current: str = "cuda:0"
    uuid: str = "11111111-2222-3333-4444-555555555555"
    log: list[str] = field(default_factory=list)

    def work(self, milliseconds: float) -> None:
        """Start a kernel: it is done at the next synchronisation."""
        self.log.append("work")
        self.pending_ms += milliseconds

    def allocate(self, size: int) -> None:
        self.allocated += size
        self.peak = max(self.peak, self.allocated)

    def drain(self, what: str) -> None:
        self.log.append(what)
        self.time_ms += self.pending_ms
        self.pending_ms = 0.0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> FakeGPU:
        """Put this GPU behind `torch.cuda`."""
        gpu = self

        class Event:
            def __init__(self, enable_timing: bool = False) -> None:
                assert enable_timing
                self.at = float("nan")

            def record(self, stream: str | None = None) -> None:
                gpu.log.append(f"record {stream}" if stream else "record")
                self.at = gpu.time_ms + gpu.pending_ms

            def synchronize(self) -> None:
                gpu.drain("event")

            def elapsed_time(self, other: Event) -> float:
                assert gpu.time_ms >= other.at, "the event is not done"
                return other.at - self.at

        def spin(cycles: int) -> None:
            self.log.append(f"sleep {cycles} on {self.current}")
            self.pending_ms += cycles * 1e-6

        @contextmanager
        def current(device: torch.device) -> Iterator[None]:
            before, self.current = self.current, str(device)
            yield
            self.current = before

        def forget(device: torch.device) -> None:
            self.log.append("reset")
            self.peak = self.allocated

        fakes: dict[str, Any] = {
            "Event": Event,
            "synchronize": lambda device: self.drain(f"synchronize {device}"),
            "reset_peak_memory_stats": forget,
            "memory_allocated": lambda device: self.allocated,
            "max_memory_allocated": lambda device: self.peak,
            "current_stream": lambda device: f"stream of {device}",
            "_sleep": spin,
            "device": current,
            "get_device_properties": lambda device: SimpleNamespace(L2_cache_size=self.l2_bytes, uuid=self.uuid),
            "is_available": lambda: True,
            "device_count": lambda: 2,
            "get_device_name": lambda index: f"GPU {index}",
        }
        for name, value in fakes.items():
            monkeypatch.setattr(torch.cuda, name, value)
        return self
