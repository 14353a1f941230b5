"""The machine as a process of its own sees it (no torch)."""

from __future__ import annotations

from dataclasses import dataclass

from invobench.results import Environment


@dataclass(frozen=True)
class Machine:
    """What a run needs to know of the machine before its first cell."""

    environment: Environment
    cuda_devices: int
    cuda_missing: str
