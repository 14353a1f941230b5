"""Checks of the GPUs by what NVML tells; all but the first are left out where there is no GPU."""

from __future__ import annotations

from collections.abc import Callable

from invobench import units
from invobench.measure.doctor.base import Finding, Gpu, Snapshot, not_shown

_HOT_C = 80.0


def _each(at: Snapshot, text: Callable[[Gpu], str | None]) -> str:
    """What is said of the GPUs, in their order; nothing of one that does not tell."""
    said = [text(gpu) for gpu in at.gpus]
    return ", ".join(one for one in said if one)


def names(at: Snapshot) -> Finding:
    """The GPUs and their caches, and whether anything watches them."""
    if not at.gpus:
        return Finding("none that PyTorch can use")
    found = _each(at, lambda gpu: gpu.name + (f" (L2 {units.size(gpu.cache_bytes)})" if gpu.cache_bytes else ""))
    if all(gpu.watched for gpu in at.gpus):
        return Finding(found)
    why = "NVML is not there: clocks, throttling and energy are not seen"
    return Finding(found, why, "pip install 'invobench[gpu]'")


def clocks(at: Snapshot) -> Finding | None:
    """SM clocks now and at most."""
    if not at.gpus:
        return None
    found = _each(at, _clock)
    return Finding(found) if found else not_shown("pip install 'invobench[gpu]'")


def _clock(gpu: Gpu) -> str | None:
    if gpu.sm_clock_hz is None or gpu.max_sm_clock_hz is None:
        return None
    return f"{units.count(gpu.sm_clock_hz)}Hz now, {units.count(gpu.max_sm_clock_hz)}Hz at most"


def throttling(at: Snapshot) -> Finding | None:
    """Whether a GPU is held back now."""
    if not at.gpus:
        return None
    if any(gpu.throttles for gpu in at.gpus):
        found = _each(at, lambda gpu: " and ".join(gpu.throttles))
        return Finding(found, "the clock is below what the GPU could do", "cool it, or see to its power supply")
    if not any(gpu.watched for gpu in at.gpus):
        return not_shown("pip install 'invobench[gpu]'")
    return Finding("none")


def heat(at: Snapshot) -> Finding | None:
    """Whether a GPU is about to be held back."""
    if not at.gpus:
        return None
    found = _each(at, lambda gpu: None if gpu.temperature_c is None else f"{gpu.temperature_c:.0f} °C")
    if not found:
        return not_shown("pip install 'invobench[gpu]'")
    if any((gpu.temperature_c or 0.0) >= _HOT_C for gpu in at.gpus):
        return Finding(found, f"from about {_HOT_C:.0f} °C on a GPU slows itself down", "wait, or cool it")
    return Finding(found)


def persistence(at: Snapshot) -> Finding | None:
    """Whether the driver stays loaded between processes."""
    if not at.gpus:
        return None
    states = [gpu.persistence for gpu in at.gpus]
    if None in states:
        return not_shown()
    if all(states):
        return Finding("on")
    why = "each process waits for the driver, and clocks are forgotten between"
    return Finding("off", why, "sudo nvidia-smi -pm 1")


def others(at: Snapshot) -> Finding | None:
    """Whether others compute on a GPU."""
    if not at.gpus:
        return None
    if any(gpu.others for gpu in at.gpus):
        found = _each(at, lambda gpu: f"{gpu.others} on {gpu.name}" if gpu.others else None)
        return Finding(found, "others compute at the same time", "stop them (nvidia-smi), or choose --device cuda:N")
    if any(gpu.others is None for gpu in at.gpus):
        return not_shown()
    return Finding("none")
