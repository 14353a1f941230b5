"""A GPU that is not there: `torch.cuda` with a clock and an allocator that the test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch


@dataclass
class FakeGPU:
    """`log` has what was asked of the device, in order. Times in milliseconds, memory in bytes."""

    time_ms: float = 0.0
    pending_ms: float = 0.0
    allocated: int = 0
    peak: int = 0
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

            def record(self) -> None:
                gpu.log.append("record")
                self.at = gpu.time_ms + gpu.pending_ms

            def synchronize(self) -> None:
                gpu.drain("event")

            def elapsed_time(self, other: Event) -> float:
                assert gpu.time_ms >= other.at, "the event is not done"
                return other.at - self.at

        def forget(device: torch.device) -> None:
            self.log.append("reset")
            self.peak = self.allocated

        fakes: dict[str, Any] = {
            "Event": Event,
            "synchronize": lambda device: self.drain(f"synchronize {device}"),
            "reset_peak_memory_stats": forget,
            "memory_allocated": lambda device: self.allocated,
            "max_memory_allocated": lambda device: self.peak,
            "is_available": lambda: True,
            "device_count": lambda: 2,
            "get_device_name": lambda index: f"GPU {index}",
        }
        for name, value in fakes.items():
            monkeypatch.setattr(torch.cuda, name, value)
        return self
