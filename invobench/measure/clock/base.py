"""What a clock is: it takes samples, one or a block of them, and says what else happened meanwhile."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from invobench.errors import MeasurementError
from invobench.measure.nvml import Reading
from invobench.measure.resources import Usage

Run = Callable[[], Any]


@dataclass(frozen=True)
class Block:
    """Samples taken one after another, in seconds a call.

    `usage`: page faults and context switches within them; `reading`: the GPU's clock, temperature and power while
    they ran. None where the clock does not know.
    """

    samples_s: tuple[float, ...]
    usage: Usage | None = None
    reading: Reading | None = None


class Clock(ABC):
    """What times calls. `resolution_s`: a sample of a thousand times this is exact to 0.1 %.

    `max_loops`: the most calls that a sample may have; 1 where each call needs something done before it.
    """

    name: str
    resolution_s: float
    max_loops: int = 1_000_000

    @abstractmethod
    def time(self, run: Run, loops: int) -> float:
        """Seconds that `loops` calls of `run` take together, to their end on the device."""

    def block(self, run: Run, loops: int, count: int) -> Block:
        """`count` samples of `loops` calls each."""
        return Block(tuple(self.time(run, loops) / loops for _ in range(count)))


def require_forward(clock: Clock, samples_s: tuple[float, ...], loops: int) -> None:
    """Raises MeasurementError for a sample in which no time passed, or less than none."""
    worst = min(samples_s)
    if worst <= 0:
        how = "stands still" if worst == 0 else "goes backwards"
        raise MeasurementError(
            f"{clock.name} {how}: it read {worst * loops:g} s for {loops} calls; it cannot time this, "
            "use another machine or a larger input"
        )
