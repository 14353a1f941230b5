"""The watched clock adds up what is spent in it and reads what the other reads."""

from __future__ import annotations

import pytest

from invobench.measure.clock import Block, Clock, Run
from invobench.measure.selftest.aims import Overhead
from invobench.measure.selftest.overhead import Watched


class Slow(Clock):
    """Takes 3 s of time for a call of 2 s."""

    name = "slow"
    resolution_s = 0.5
    max_loops = 7

    def __init__(self) -> None:
        self.passed = 0.0

    def time(self, run: Run, loops: int) -> float:
        run()
        self.passed += 3.0
        return 2.0

    def block(self, run: Run, loops: int, count: int) -> Block:
        self.passed += 30.0
        return Block((2.0,) * count)


def test_time_inside_is_added_up() -> None:
    slow = Slow()
    watched = Watched(slow, now=lambda: slow.passed)
    assert (watched.name, watched.resolution_s, watched.max_loops) == ("slow", 0.5, 7)
    assert watched.time(lambda: None, 1) == 2.0
    slow.passed += 100.0  # outside of it
    assert watched.block(lambda: None, 1, 4) == Block((2.0,) * 4)
    assert watched.inside_s == 33.0


def test_time_of_a_call_that_fails_counts() -> None:
    slow = Slow()
    watched = Watched(slow, now=lambda: slow.passed)

    def fails() -> None:
        slow.passed += 5.0
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        watched.time(fails, 1)
    assert watched.inside_s == 5.0


def test_overhead_is_the_rest() -> None:
    assert Overhead("cell", 10.0, 9.0).share == pytest.approx(0.1)
