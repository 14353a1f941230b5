"""The frontier against its definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from invobench.report.figures.pareto import frontier

COORDINATES = st.integers(min_value=0, max_value=6).map(float)
POINTS = st.lists(st.tuples(COORDINATES, COORDINATES), max_size=12)


def beats(first: tuple[float, float], second: tuple[float, float]) -> bool:
    return first[0] <= second[0] and first[1] >= second[1] and first != second


@given(POINTS)
def test_a_point_is_on_it_unless_another_beats_it(points: list[tuple[float, float]]) -> None:
    expected = {point for point in points if not any(beats(other, point) for other in points)}
    assert frontier(points) == tuple(sorted(expected))


def test_by_hand() -> None:
    """(2, 5) costs as much as (2, 7), (3, 7) scores no more, (4, 6) is worse in both."""
    assert frontier([(4, 6), (2, 5), (1, 3), (2, 7), (3, 7), (9, 8)]) == ((1, 3), (2, 7), (9, 8))
    assert frontier([]) == ()
