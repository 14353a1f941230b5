"""How many processes a side it would take to decide."""

from __future__ import annotations

import math

#: more than a gate can be asked for (`gate.most_processes`)
MOST = 1000


def processes_needed(value: float, low: float, high: float, limit: float, processes: int) -> int | None:
    """Processes a side after which the interval of a ratio is likely to lie on one side of `limit`.

    `value`, `low`, `high`: found with `processes`, the fewer of both sides. Half an interval's width shrinks with the
    root of their number, and the ratio is taken to stay where it is. At least one more than there are; None where
    it would be over MOST, since the ratio is too close to the limit.
    """
    half = math.log(value / low) if value > limit else math.log(high / value)
    distance = abs(math.log(limit / value))
    if distance * math.sqrt(MOST / processes) < half:
        return None
    needed = math.ceil(processes * (half / distance) ** 2) if distance else processes + 1
    return min(MOST, max(processes + 1, needed))
