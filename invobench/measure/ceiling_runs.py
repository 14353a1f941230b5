"""Measuring the ceilings of a device: copies, matrix products of each dtype, and a call that does next to nothing.

Several sizes are tried and the best median is kept, since no size is best everywhere: each is a time that the device
did reach. Everything goes through the clock and the sampling of the layers that are set against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from invobench.measure.cache import cache_bytes
from invobench.measure.ceilings import Ceiling, Quantity
from invobench.measure.clock import clock_for
from invobench.measure.sampling import Sampled, sample
from invobench.measure.system import System
from invobench.units import MIB

DTYPES = {name: getattr(torch, name) for name in ("float32", "bfloat16", "float16", "float64")}

#: buffers of a copy beyond the cache, in last-level caches; STREAM asks for 4
_BEYOND = (4, 8, 16)
#: buffers of a copy within it, in parts of the cache; two of them must fit
_WITHIN = (4, 8, 16, 32)
#: where the system does not tell
_ASSUMED_CACHE_BYTES = 32 * MIB
#: each of the two buffers takes at most this part of the free memory
_MEMORY_PART = 8
#: rows of the square matrices
_ROWS: Mapping[str, tuple[int, ...]] = {"cpu": (256, 512, 1024, 2048, 4096), "cuda": (1024, 2048, 4096, 8192)}
_TARGET_CI = 0.01

Say = Callable[[str], None]


@dataclass(frozen=True)
class Effort:
    """How long to measure: seconds of samples a size, and the longest product worth it."""

    max_time_s: float = 0.8
    longest_s: float = 0.2


@dataclass(frozen=True)
class _Timed:
    """A size, the work of a call there (bytes, flops, or 1 for the call itself) and its samples."""

    size: int
    work: float
    sampled: Sampled

    @property
    def rate(self) -> float:
        return self.work / self.sampled.interval.median


def measure_device(device: torch.device, say: Say, effort: Effort | None = None) -> list[Ceiling]:
    """The ceilings of `device`; of the CPU with the threads in use.

    `say` is told what is measured, and of which dtype there is no product.
    """
    effort = effort or Effort()
    name = "cpu" if device.type == "cpu" else f"cuda:{device.index or 0}"
    threads = torch.get_num_threads() if device.type == "cpu" else None
    where: dict[str, Any] = {"device": name, "threads": threads}
    if device.type == "cuda":
        torch.cuda.set_device(device)
    beyond, within = copy_sizes(cache_bytes(device), _free_bytes(device))
    say(f"measuring {name}: copies")
    found = [_rated("copy", _copies(device, beyond, effort), **where)]
    found.append(_rated("cached_copy", _copies(device, within, effort), **where))
    for dtype, tf32 in _products_of(device):
        say(f"measuring {name}: matrix products of {dtype}{' with tf32' if tf32 else ''}")
        try:
            timed = _products(device, dtype, tf32, effort)
        except RuntimeError as error:  # NotImplementedError and torch.OutOfMemoryError are such
            say(f"{name}: no ceiling of {dtype}: {str(error).splitlines()[0]}")
            continue
        found.append(_rated("matmul", timed, dtype=dtype, tf32=tf32, **where))
    found.append(_floor(_launches(device, effort), **where))
    return found


def copy_sizes(cache_bytes: int | None, free_bytes: int | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Bytes of a buffer of copies beyond the cache and within it, ascending; the first as far as memory goes."""
    cache = cache_bytes or _ASSUMED_CACHE_BYTES
    most = max(MIB, (free_bytes or _BEYOND[0] * cache * _MEMORY_PART) // _MEMORY_PART)
    beyond = {min(times * cache, most) for times in _BEYOND}
    within = {min(cache // parts, most) for parts in _WITHIN}
    return tuple(sorted(beyond)), tuple(sorted(within))


def _free_bytes(device: torch.device) -> int | None:
    return System().available_memory_bytes() if device.type == "cpu" else torch.cuda.mem_get_info(device)[0]


def _copies(device: torch.device, sizes: tuple[int, ...], effort: Effort) -> list[_Timed]:
    """Copies of float32 buffers; every byte is read once and written once."""
    timed = []
    for size in sizes:
        source = torch.ones(size // 4, device=device)
        target = torch.zeros_like(source)
        timed.append(_Timed(size, 2 * 4 * source.numel(), _timed(device, _copy(source, target), effort)))
    return timed


def _products_of(device: torch.device) -> list[tuple[str, bool]]:
    """Dtypes with and without tf32, which is a way of a GPU to multiply float32."""
    return [(name, False) for name in DTYPES] + ([("float32", True)] if device.type == "cuda" else [])


def _products(device: torch.device, dtype: str, tf32: bool, effort: Effort) -> list[_Timed]:
    """Products of square matrices, larger and larger while one takes no longer than `longest_s`.

    It is tried and not foretold: on a busy machine a small product takes as long as a thread waits for its turn. One
    for which there is no memory ends it too. Raises RuntimeError where there is no product at all.
    """
    timed: list[_Timed] = []
    with _tf32(tf32):
        for rows in _ROWS[device.type]:
            try:
                a, b = (torch.randn(rows, rows, device=device).to(DTYPES[dtype]) for _ in range(2))
                run = _product(a, b, torch.empty_like(a))
                if timed and _took(device, run) > effort.longest_s:
                    break
                timed.append(_Timed(rows, 2.0 * rows**3, _timed(device, run, effort)))
            except RuntimeError:
                if not timed:
                    raise
                break
    return timed


def _copy(source: torch.Tensor, target: torch.Tensor) -> Callable[[], Any]:
    return lambda: target.copy_(source)


def _product(a: torch.Tensor, b: torch.Tensor, out: torch.Tensor) -> Callable[[], Any]:
    return lambda: torch.mm(a, b, out=out)


@contextmanager
def _tf32(allowed: bool) -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def _took(device: torch.device, run: Callable[[], Any]) -> float:
    """Seconds of one call."""
    return clock_for(device).time(run, 1)


def _timed(device: torch.device, run: Callable[[], Any], effort: Effort) -> Sampled:
    return sample(clock_for(device), run, target_ci=_TARGET_CI, max_time_s=effort.max_time_s)


def _rated(quantity: Quantity, timed: list[_Timed], **fields: Any) -> Ceiling:
    """The ceiling of the best size: work a second, with the interval of the time turned round."""
    best = max(timed, key=lambda item: item.rate)
    interval = best.sampled.interval
    return Ceiling(
        quantity=quantity,
        value=best.rate,
        low=None if interval.high is None else best.work / interval.high,
        high=None if interval.low is None else best.work / interval.low,
        size=best.size,
        samples=len(best.sampled.samples_s),
        reached=best.sampled.reached,
        **fields,
    )


def _launches(device: torch.device, effort: Effort) -> Sampled:
    """Calls that add 1 to one number, with what the host needs to launch them."""
    one = torch.zeros(1, device=device)
    clock = clock_for(device, launches=True)
    return sample(clock, lambda: one.add_(1), target_ci=_TARGET_CI, max_time_s=effort.max_time_s)


def _floor(timed: Sampled, **fields: Any) -> Ceiling:
    """Seconds of such a call: what any call costs, whatever it does."""
    interval = timed.interval
    return Ceiling(
        quantity="launch",
        value=interval.median,
        low=interval.low,
        high=interval.high,
        samples=len(timed.samples_s),
        reached=timed.reached,
        **fields,
    )
