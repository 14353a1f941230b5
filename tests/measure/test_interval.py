"""The interval of the median: ranks against tables and exact binomials, coverage by simulation."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

from invobench.measure.interval import MIN_SAMPLES, Interval, lower_rank, median_interval


@pytest.mark.parametrize(
    ("samples", "rank"),
    # the table of 95 % intervals of the median in textbooks of order statistics: the k-th from each end
    [(1, 0), (5, 0), (6, 1), (8, 1), (9, 2), (10, 2), (11, 2), (12, 3), (15, 4), (20, 6), (25, 8), (50, 18), (100, 40)],
)
def test_ranks_of_the_table(samples: int, rank: int) -> None:
    assert lower_rank(samples) == rank


def test_ranks_by_exact_binomials() -> None:
    """k-1 of n below the median is rare enough, k of n is not."""
    for samples in range(1, 400):
        rank = lower_rank(samples)
        below = Fraction(sum(math.comb(samples, i) for i in range(rank)), 2**samples)
        assert below <= Fraction(25, 1000) < below + Fraction(math.comb(samples, rank), 2**samples), samples


def test_many_samples() -> None:
    """By the normal approximation of the binomial, n/2 - 0.98·√n."""
    assert lower_rank(100_000) == pytest.approx(50_000 - 0.98 * math.sqrt(100_000), abs=2)


@pytest.mark.parametrize(("samples", "exact"), [(6, 0.96875), (11, 0.98828), (50, 0.96716)])
@pytest.mark.parametrize("shape", ["uniform", "skewed", "two-peaked"])
def test_coverage(samples: int, exact: float, shape: str) -> None:
    """Of 4,000 intervals, the share that holds the true median; 4 standard deviations of it are allowed."""
    seeded = random.Random(20_211)
    draw = {
        "uniform": seeded.random,
        "skewed": lambda: math.exp(3 * seeded.gauss(0, 1)),
        "two-peaked": lambda: seeded.choice((-1, 1)) * (1 + seeded.random()),
    }[shape]
    true = {"uniform": 0.5, "skewed": 1.0, "two-peaked": 0.0}[shape]
    inside = 0
    for _ in range(4000):
        interval = median_interval([draw() for _ in range(samples)])
        assert interval.low is not None
        assert interval.high is not None
        inside += interval.low <= true <= interval.high
    assert abs(inside / 4000 - exact) <= 4 * math.sqrt(exact * (1 - exact) / 4000)
    assert inside / 4000 >= 0.95


def test_an_interval_takes_samples_from_both_ends() -> None:
    assert median_interval([5.0, 1.0, 4.0, 2.0, 6.0, 3.0]) == Interval(3.5, 1.0, 6.0)
    assert median_interval([float(value) for value in range(20)]) == Interval(9.5, 5.0, 14.0)


def test_too_few_samples_have_no_interval() -> None:
    for count in range(1, MIN_SAMPLES):
        interval = median_interval([2.0] * count)
        assert interval == Interval(2.0, None, None)
        assert interval.relative == math.inf


def test_relative_width() -> None:
    assert Interval(10.0, 9.0, 12.0).relative == 0.15
    assert Interval(0.0, 0.0, 0.0).relative == 0.0
