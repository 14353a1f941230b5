"""What one process of a side measures: cells one after another, as data that crosses to it (no torch)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from invobench.spec.cells import Cell

Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Task:
    """One cell in one process.

    `device`: where it runs. `sample_time_s`: for its samples, however narrow their interval; `target_ci`: what is
    narrow. `checked`: another process has found its backends right. `slow`: every call takes this many times its own
    time. `timeout_s`: after it the process ends.
    """

    cell: Cell
    device: str
    metrics: tuple[str, ...]
    sample_time_s: float
    target_ci: float
    checked: bool = False
    slow: float = 1.0

    @property
    def key(self) -> str:
        """The cell's."""
        return self.cell.key

    @property
    def timeout_s(self) -> float:
        """Seconds after which the cell is given up."""
        return self.cell.measure.timeout_s


@dataclass(frozen=True)
class Watch:
    """Which modules a process reports: those from below `foreign` (None: nobody asks), and how many are below `own`."""

    own: str | None = None
    foreign: str | None = None
