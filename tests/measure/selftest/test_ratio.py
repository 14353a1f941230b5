"""Ratios of medians: limits worked out by hand, coverage by simulation, and shares with their intervals."""

from __future__ import annotations

import math
import random

import pytest

from invobench.measure.interval import Interval, median_interval
from invobench.measure.selftest.ratio import Share, above, ratio_interval, reaches


def test_limits_by_hand() -> None:
    """Log distances 0.03 and 0.04 make 0.05, to either side."""
    base = Interval(2.0, 2.0 * math.exp(-0.04), 2.0 * math.exp(0.04))
    multiple = Interval(3.0, 3.0 * math.exp(-0.03), 3.0 * math.exp(0.03))
    found = ratio_interval(multiple, base)
    assert found.median == 1.5
    assert found.low == pytest.approx(1.5 * math.exp(-0.05))
    assert found.high == pytest.approx(1.5 * math.exp(0.05))


def test_a_skewed_interval_stays_skewed() -> None:
    """The multiple's upper distance goes up, the base's upper distance goes down."""
    base = Interval(1.0, 1.0, math.exp(0.3))
    multiple = Interval(1.0, 1.0, math.exp(0.1))
    found = ratio_interval(multiple, base)
    assert (found.low, found.high) == (pytest.approx(math.exp(-0.3)), pytest.approx(math.exp(0.1)))


@pytest.mark.parametrize(
    ("multiple", "base"),
    [
        (Interval(3.0, None, None), Interval(2.0, 1.0, 3.0)),
        (Interval(3.0, 2.0, 4.0), Interval(2.0, None, None)),
        (Interval(3.0, 2.0, 4.0), Interval(2.0, 0.0, 3.0)),
    ],
)
def test_no_interval_of_a_side_is_none_of_the_ratio(multiple: Interval, base: Interval) -> None:
    found = ratio_interval(multiple, base)
    assert found == Interval(1.5, None, None)
    assert not reaches(found, 1.4, 1.6)
    assert not above(found, 1.0)


def test_reaches_and_above() -> None:
    interval = Interval(1.02, 1.01, 1.03)
    assert [reaches(interval, value, value) for value in (1.0, 1.01, 1.02, 1.03, 1.04)] == [0, 1, 1, 1, 0]
    assert reaches(interval, 1.0, 1.01)
    assert reaches(interval, 1.03, 2.0)
    assert reaches(interval, 1.0, 2.0)
    assert not reaches(interval, 0.9, 1.009)
    assert above(interval, 1.0)
    assert not above(interval, 1.01)


def test_coverage_of_the_ratio() -> None:
    """Two sides of 25 independent skewed samples: 95 % within 4 standard deviations of 2,000 repeats, or a bit more."""
    seeded = random.Random(4)
    inside = 0
    for _ in range(2000):
        base = median_interval([math.exp(0.3 * seeded.gauss(0, 1)) for _ in range(25)])
        multiple = median_interval([1.1 * math.exp(0.3 * seeded.gauss(0, 1)) for _ in range(25)])
        inside += reaches(ratio_interval(multiple, base), 1.1, 1.1)
    assert 0.93 <= inside / 2000 <= 0.98


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    # the Wilson intervals of textbooks
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_share(hits: int, trials: int, low: float, high: float) -> None:
    share = Share(hits, trials)
    assert share.value == hits / trials
    assert share.limits == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_no_trials_have_no_share() -> None:
    assert Share.of([]).value is None
    assert Share.of([]).limits == (0.0, 1.0)
    assert Share.of([True, False]) + Share.of([True]) == Share(2, 3)
