"""The Pareto frontier of points."""

from __future__ import annotations

from collections.abc import Iterable


def frontier(points: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """The points (cost, score) that no other beats, by cost: less is better in the first, more in the second.

    A point is beaten by one that is at least as good in both and better in one; equal points stand once.
    """
    found: list[tuple[float, float]] = []
    for cost, score in sorted(set(points), key=lambda point: (point[0], -point[1])):
        if not found or score > found[-1][1]:
            found.append((cost, score))
    return tuple(found)
