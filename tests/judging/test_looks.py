"""Looks are few, and come at even numbers of processes, so that both orders of a pair are in."""

from __future__ import annotations

from invobench.judging.looks import until_next


def test_looks_come_at_two_fifths_more() -> None:
    seen = [10]
    while seen[-1] < 40:
        seen.append(seen[-1] + until_next(seen[-1]))
    assert seen == [10, 14, 20, 28, 40]


def test_there_is_always_a_next_one() -> None:
    assert all(until_next(processes) >= 2 and until_next(processes) % 2 == 0 for processes in range(1, 200))
