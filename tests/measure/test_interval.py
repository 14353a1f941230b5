"""The interval of the median: ranks against tables and exact binomials, coverage by simulation."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

from invobench.measure.interval import MIN_SAMPLES, RANGE_METHOD, Interval, correlation_of, lower_rank, median_interval


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


@pytest.mark.parametrize(("samples", "exact"), [(6, 0.96875), (11, 0.98828), (19, 0.98079)])
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


def autoregressive(seeded: random.Random, phi: float, count: int) -> list[float]:
    """exp of a Gaussian series that remembers `phi` of the value before; its median is 1."""
    value, found = seeded.gauss(0, 1), []
    for _ in range(count):
        found.append(math.exp(0.03 * value))
        value = phi * value + math.sqrt(1 - phi**2) * seeded.gauss(0, 1)
    return found


@pytest.mark.parametrize(("phi", "samples", "least"), [(0.0, 50, 0.95), (0.5, 100, 0.94), (0.9, 500, 0.92)])
def test_coverage_of_samples_that_resemble_the_one_before(phi: float, samples: int, least: float) -> None:
    """Without widening, phi = 0.5 has a coverage of 0.82 and phi = 0.9 of 0.43."""
    seeded = random.Random(20_211)
    inside = narrow = 0
    for _ in range(1000):
        values = autoregressive(seeded, phi, samples)
        interval = median_interval(values)
        inside += interval.low is not None and interval.low <= 1 <= (interval.high or 0)
        rank = lower_rank(samples)
        narrow += sorted(values)[rank - 1] <= 1 <= sorted(values)[-rank]
    assert inside / 1000 >= least
    assert narrow / 1000 <= {0.0: 1.0, 0.5: 0.87, 0.9: 0.5}[phi]


def test_correlation_counts_samples_that_are_worth_one() -> None:
    """(1 + phi) / (1 - phi) of an autoregressive series is 3 and 19; of its signs somewhat less."""
    seeded = random.Random(20_211)
    for phi, low, high in ((0.0, 1.0, 1.2), (0.5, 1.9, 2.8), (0.9, 10.0, 20.0)):
        found = [median_interval(autoregressive(seeded, phi, 2000)).correlation for _ in range(20)]
        assert low <= sum(found) / 20 <= high, phi


def test_correlation_of_ties_and_of_turns() -> None:
    """What alternates is not widened, nor what is one value or two; a step is worth hardly two samples."""
    assert correlation_of([1.0, 2.0] * 20 + [1.0], 1.0) == 1.0
    assert correlation_of([1.0] * 40, 1.0) == 1.0
    assert correlation_of([1.0] * 20 + [2.0] * 20, 1.5) > 10
    assert correlation_of([float(value) for value in range(3000)], 1499.5) == pytest.approx(1000, abs=2)
    seeded = random.Random(20_211)
    two = [correlation_of([float(seeded.random() < 0.4) for _ in range(400)], 0.0) for _ in range(50)]
    assert sum(two) / 50 < 1.2


def test_samples_worth_too_few_have_three_times_their_range() -> None:
    """To either side of the median, and never below 0."""
    assert median_interval([10.0] * 20 + [11.0] * 20) == Interval(10.5, 9.0, 12.0, 14.0, RANGE_METHOD)
    assert median_interval([1.0] * 20 + [2.0] * 19 + [9.0]).low == 0.0


def test_correlation_is_that_of_the_signs() -> None:
    """By the sums that the number of bits stands for, on series with ties."""
    seeded = random.Random(20_211)
    for _ in range(50):
        values = [float(round(value * 20)) for value in autoregressive(seeded, 0.7, 60)]
        middle = sorted(values)[30]
        signs = [(value > middle) - (value < middle) for value in values]
        mean = Fraction(sum(signs), 60)
        variance = Fraction(sum(sign * sign for sign in signs), 60) - mean**2
        expected = Fraction(1)
        for lag in range(1, 30 if variance else 0):
            products = sum(a * b for a, b in zip(signs, signs[lag:], strict=False))
            rho = (Fraction(products, 60) - Fraction(60 - lag, 60) * mean**2) / variance + Fraction(1, 60)
            if rho <= 0:
                break
            expected += 2 * rho
        assert correlation_of(values, middle) == pytest.approx(float(expected))


def test_an_interval_takes_samples_from_both_ends() -> None:
    assert median_interval([5.0, 1.0, 4.0, 2.0, 6.0, 3.0]) == Interval(3.5, 1.0, 6.0)
    turns = [float(value + 10 * (value % 2) * (1 if value < 10 else -1)) for value in range(20)]
    assert sorted(turns) == list(range(20))
    assert median_interval(turns) == Interval(9.5, 5.0, 14.0)


def test_too_few_samples_have_no_interval() -> None:
    for count in range(1, MIN_SAMPLES):
        interval = median_interval([2.0] * count)
        assert interval == Interval(2.0, None, None)
        assert interval.relative == math.inf


def test_relative_width() -> None:
    assert Interval(10.0, 9.0, 12.0).relative == 0.15
    assert Interval(0.0, 0.0, 0.0).relative == 0.0
