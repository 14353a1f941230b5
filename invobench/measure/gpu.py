"""The few things that timing asks of a GPU, so that a test can replay them without one."""

from __future__ import annotations

from typing import Any, Protocol

import torch

from invobench.measure.cache import flush_bytes


class Event(Protocol):
    """A mark in the GPU's stream."""

    def record(self) -> None:
        """Put the mark behind everything that was queued before."""

    def seconds_to(self, later: Any) -> float:
        """Time from this mark to `later`, another of the same GPU; both must have been passed."""
        ...


class Gpu(Protocol):
    """A device with one stream of work, in order."""

    def event(self) -> Event:
        """A new mark."""
        ...

    def synchronize(self) -> None:
        """Wait until everything that was queued is done."""

    def flush(self) -> None:
        """Queue a fill of memory twice the size of the L2 cache."""

    def sleep(self, cycles: int) -> None:
        """Queue a kernel that does nothing for `cycles` of the SM clock."""


class TorchEvent:
    """An event in the current stream of a device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.event = torch.cuda.Event(enable_timing=True)

    def record(self) -> None:
        """Record in the stream that the calls use."""
        self.event.record(torch.cuda.current_stream(self.device))

    def seconds_to(self, later: Any) -> float:
        """CUDA gives milliseconds."""
        return float(self.event.elapsed_time(later.event)) * 1e-3


class TorchGpu:
    """A `Gpu` by PyTorch, whether or not it is the current device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._buffer: torch.Tensor | None = None

    def event(self) -> TorchEvent:
        """A CUDA event."""
        return TorchEvent(self.device)

    def synchronize(self) -> None:
        """Wait for every stream of the device."""
        torch.cuda.synchronize(self.device)

    def flush(self) -> None:
        """Zero the buffer, which is made the first time and kept.

        Raises BackendUnavailable where the size of the cache is not known.
        """
        if self._buffer is None:
            self._buffer = torch.empty(flush_bytes(self.device), dtype=torch.uint8, device=self.device)
        self._buffer.zero_()

    def sleep(self, cycles: int) -> None:
        """PyTorch's own kernel for this; it has been private since it exists, and its tests depend on it."""
        with torch.cuda.device(self.device):
            torch.cuda._sleep(cycles)
