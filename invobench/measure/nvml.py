"""SM clock, temperature and power of a GPU, and why it is slowed down, through NVML where that is installed."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch

#: bits of NVML's clock event reasons that mean slower than the GPU could. Not among them: idle, clocks that
#: somebody set, and the software power cap, under which heavy kernels run all the time: what that costs shows in
#: the SM clock.
THROTTLES = {
    0x08: "hardware slowdown",
    0x20: "thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}
#: the name since driver 535, and the one before it, which CUDA 14 removes
_REASONS = ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons")


@dataclass(frozen=True)
class Reading:
    """What NVML says; None where this GPU does not tell. `throttles`: the reasons of THROTTLES that are active."""

    sm_clock_hz: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    throttles: tuple[str, ...] = ()

    @staticmethod
    def worst(*readings: Reading | None) -> Reading | None:
        """The slowest clock, the highest temperature and power, and every reason; None of no reading."""
        known = [reading for reading in readings if reading is not None]
        if not known:
            return None
        return Reading(
            min((r.sm_clock_hz for r in known if r.sm_clock_hz is not None), default=None),
            max((r.temperature_c for r in known if r.temperature_c is not None), default=None),
            max((r.power_w for r in known if r.power_w is not None), default=None),
            tuple(dict.fromkeys(reason for r in known for reason in r.throttles)),
        )

    @staticmethod
    def typical(*readings: Reading) -> Reading | None:
        """The median clock and power, the highest temperature, and every reason; None of no reading."""
        worst = Reading.worst(*readings)
        if worst is None:
            return None
        clocks = [reading.sm_clock_hz for reading in readings if reading.sm_clock_hz is not None]
        powers = [reading.power_w for reading in readings if reading.power_w is not None]
        return Reading(
            statistics.median(clocks) if clocks else None,
            worst.temperature_c,
            statistics.median(powers) if powers else None,
            worst.throttles,
        )


class Monitor(Protocol):
    """Who watches a GPU."""

    def read(self) -> Reading:
        """Its state now."""
        ...


class Nvml:
    """One GPU through the functions of `pynvml` (the package nvidia-ml-py)."""

    def __init__(self, library: Any, handle: Any) -> None:
        self.library, self.handle = library, handle

    def read(self) -> Reading:
        """Clock, temperature, power and reasons."""
        library, handle = self.library, self.handle
        clock = self.ask(lambda: library.nvmlDeviceGetClockInfo(handle, library.NVML_CLOCK_SM))
        celsius = self.ask(lambda: library.nvmlDeviceGetTemperature(handle, library.NVML_TEMPERATURE_GPU))
        power = self.ask(lambda: library.nvmlDeviceGetPowerUsage(handle))
        bits = self._reasons()
        return Reading(
            None if clock is None else clock * 1e6,
            None if celsius is None else float(celsius),
            None if power is None else power * 1e-3,
            tuple(name for bit, name in THROTTLES.items() if bits & bit),
        )

    def _reasons(self) -> int:
        """The bits of the reasons that are active, by the first function that library and driver both have."""
        functions = [getattr(self.library, name) for name in _REASONS if hasattr(self.library, name)]
        told = (self.ask(partial(function, self.handle)) for function in functions)
        return next((int(bits) for bits in told if bits is not None), 0)

    def energy_j(self) -> float | None:
        """Energy used since the driver was loaded; NVML counts millijoules."""
        used = self.ask(lambda: self.library.nvmlDeviceGetTotalEnergyConsumption(self.handle))
        return None if used is None else used * 1e-3

    def ask(self, question: Callable[[], Any]) -> Any:
        """The answer, None where this GPU or driver has none."""
        try:
            return question()
        except self.library.NVMLError:
            return None


def monitor_for(device: torch.device) -> Nvml | None:
    """NVML on `device`, None without nvidia-ml-py or where the driver has no NVML.

    The GPU is found by its UUID: CUDA and NVML number them differently.
    """
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")
    except pynvml.NVMLError:
        return None
    return Nvml(pynvml, handle)
