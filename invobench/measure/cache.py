"""Cold caches: more memory than they hold is written, on the CPU read too, so that nothing of before is in them."""

from __future__ import annotations

import torch

from invobench.errors import BackendUnavailable
from invobench.measure.system import System

#: the buffer is this many times the caches: they do not drop the oldest line first
_TIMES = 2
_NOT_SHOWN = {
    "cpu": "this system does not show it (/sys/devices/system/cpu/cpu*/cache)",
    "cuda": "the driver does not tell that of this GPU's L2",
}


def cache_bytes(device: torch.device) -> int | None:
    """The last cache before the device's memory: last-level caches of the processors in use, or a GPU's L2.

    None where its size is not known.
    """
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).L2_cache_size) or None
    return System().last_level_cache_bytes()


def flush_bytes(device: torch.device) -> int:
    """Bytes to write so that nothing is left in the cache. Raises BackendUnavailable where its size is not known."""
    size = cache_bytes(device)
    if not size:
        why = _NOT_SHOWN[device.type]
        raise BackendUnavailable(f"cache: cold needs the size of the last-level cache, and {why}; use cache: hot")
    return _TIMES * size


class Evictor:
    """A buffer of twice the last-level caches. Raises BackendUnavailable where the system does not tell their size."""

    def __init__(self) -> None:
        self.buffer = torch.zeros(flush_bytes(torch.device("cpu")) // 8, dtype=torch.int64)

    def evict(self) -> None:
        """Read and write every line of the buffer, on as many threads as the calls use.

        Adding, not filling: large fills may be written past the caches.
        """
        self.buffer.add_(1)
