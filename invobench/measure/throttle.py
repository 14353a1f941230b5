"""A GPU that slows down: its samples are left out, and it gets time to recover, twice as long each time."""

from __future__ import annotations

from collections.abc import Callable

from invobench.measure.nvml import Reading

#: the SM clock may fall to this share of its start (nvbench's default)
SLOW = 0.75
FIRST_WAIT_S = 0.25
#: waiting in one cell, in all
PATIENCE_S = 16.0


class Throttle:
    """Judges readings against `start_hz`, the highest SM clock of the warm-up, and waits between blocks.

    `samples` counts those that were taken while it was slow; `gave_up` says why the waiting ended without recovery.
    """

    def __init__(self, start_hz: float | None, sleep: Callable[[float], None]) -> None:
        self.start_hz = start_hz
        self.samples = 0
        self.waited_s = 0.0
        self.gave_up = ""
        self._sleep = sleep
        self._next_s = FIRST_WAIT_S

    def slowed(self, reading: Reading | None) -> str:
        """Why the GPU was slow during a block; empty where it was not, or where nobody knows."""
        if reading is None:
            return ""
        if reading.throttles:
            return ", ".join(reading.throttles)
        clock, start = reading.sm_clock_hz, self.start_hz
        if clock is not None and start is not None and clock < SLOW * start:
            return f"SM clock at {clock / start:.0%} of its start"
        return ""

    def keeps(self, count: int, reading: Reading | None) -> bool:
        """Whether `count` samples are fit to keep. If not they are counted, and the time to recover has passed.

        Where it would wait more than PATIENCE_S in all, it does not, and `gave_up` is set.
        """
        why = self.slowed(reading)
        if not why:
            self._next_s = FIRST_WAIT_S
            return True
        self.samples += count
        if self.waited_s + self._next_s > PATIENCE_S:
            self.gave_up = why
            return False
        self._sleep(self._next_s)
        self.waited_s += self._next_s
        self._next_s *= 2
        return False
