"""Cold caches on the CPU: more memory than they hold is read and written, so that nothing of before is in them."""

from __future__ import annotations

import torch

from invobench.errors import BackendUnavailable
from invobench.measure.system import System

#: the buffer is this many times the caches: they do not drop the oldest line first
_TIMES = 2


def cache_bytes(device: torch.device) -> int | None:
    """The last cache before the device's memory: last-level caches of the processors in use, or a GPU's L2."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).L2_cache_size)
    return System().last_level_cache_bytes()


class Evictor:
    """A buffer of twice the last-level caches. Raises BackendUnavailable where the system does not tell their size."""

    def __init__(self, size: int | None = None) -> None:
        size = size or cache_bytes(torch.device("cpu"))
        if not size:
            raise BackendUnavailable(
                "cache: cold needs the size of the last-level cache, and this system does not show it "
                "(/sys/devices/system/cpu/cpu*/cache); use cache: hot"
            )
        self.buffer = torch.zeros(_TIMES * size // 8, dtype=torch.int64)

    def evict(self) -> None:
        """Read and write every line of the buffer, on as many threads as the calls use.

        Adding, not filling: large fills may be written past the caches.
        """
        self.buffer.add_(1)
