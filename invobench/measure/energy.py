"""Energy of a call: a counter of the device's total energy, over at least a second of calls, without idle power.

Such counters move in steps (some are renewed every tenth of a second), so that both ends of a stretch are put where
the counter has just moved. What is left of the error is a step at most, which is the resolution.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

#: of idling, and of calls
STRETCH_S = 1.0
#: calls between two looks at the counter take about so long
_LOOK_S = 0.005
#: a counter that stands still for so long does not work
_PATIENCE_S = 5.0


class Meter(Protocol):
    """Who reads the energy that a device has used."""

    def energy_j(self) -> float | None:
        """Joules since some moment long ago, None where the device has no such counter."""
        ...


@dataclass(frozen=True)
class Energy:
    """`call_j`: joules of a call above idle power. `resolution_j`: the counter's largest step, for each call of the
    stretch. `idle_power_w`: watts without any call, measured just before. `calls`: in the stretch.
    """

    call_j: float
    resolution_j: float
    idle_power_w: float
    calls: int


@dataclass(frozen=True)
class Clockwork:
    """Time as it is measured and waited for, so that a test can move it."""

    now: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class _Stretch:
    """What the counter did between two of its steps."""

    energy_j: float
    seconds: float
    turns: int
    largest_step_j: float


def energy_of(
    meter: Meter, run: Callable[[], Any], wait: Callable[[], None], clockwork: Clockwork | None = None
) -> Energy | None:
    """Measure `run` for a second or more, after a second without it; None without a counter that moves.

    `wait` returns when the device has done all that it was given.
    """
    clockwork = clockwork or Clockwork()
    if meter.energy_j() is None:
        return None
    wait()
    idle = _stretch(meter, lambda: clockwork.sleep(_LOOK_S), clockwork.now)
    if idle is None:
        return None
    calls = _calls_a_look(run, wait, clockwork.now)

    def turn() -> None:
        for _ in range(calls):
            run()
        wait()

    busy = _stretch(meter, turn, clockwork.now)
    if busy is None:
        return None
    idle_w, done = idle.energy_j / idle.seconds, calls * busy.turns
    return Energy((busy.energy_j - idle_w * busy.seconds) / done, busy.largest_step_j / done, idle_w, done)


def _calls_a_look(run: Callable[[], Any], wait: Callable[[], None], now: Callable[[], float]) -> int:
    """How many calls there are between two looks; the second call says, since the first may load things."""
    took = 0.0
    for _ in range(2):
        start = now()
        run()
        wait()
        took = now() - start
    return max(1, math.ceil(_LOOK_S / took)) if took > 0 else 1


def _stretch(meter: Meter, turn: Callable[[], None], now: Callable[[], float]) -> _Stretch | None:
    """Turns from a step of the counter to its first step a second later; None where it stands still."""
    first = _until_it_moves(meter, turn, now)
    if first is None:
        return None
    begun = last = first[1]
    start, turns, largest = now(), 0, 0.0
    while now() - start < STRETCH_S:
        moved = _until_it_moves(meter, turn, now)
        if moved is None:
            return None
        count, value = moved
        largest, last, turns = max(largest, value - last), value, turns + count
    return _Stretch(last - begun, now() - start, turns, largest)


def _until_it_moves(meter: Meter, turn: Callable[[], None], now: Callable[[], float]) -> tuple[int, float] | None:
    """Turns until the counter shows another value, and that value; None where it does not in time."""
    before, start, turns = meter.energy_j(), now(), 0
    while True:
        turn()
        turns += 1
        value = meter.energy_j()
        if value is None or before is None:
            return None
        if value != before:
            return turns, value
        if now() - start > _PATIENCE_S:
            return None
