"""Outliers, drift and trend of series that are worked out by hand."""

from __future__ import annotations

import random

import pytest

from invobench.measure.series import drift, has_trend, outliers


def test_outliers_by_the_modified_z_score() -> None:
    """Median 10, MAD 1: 0.6745 · 5.2 is over 3.5, 0.6745 · 5.1 is not; on both sides."""
    steady = [9.0, 11.0, 9.0, 11.0, 9.0, 11.0, 10.0]
    assert outliers([*steady, 15.1, 4.9]) == 0
    assert outliers([*steady, 15.2, 9.0]) == 1
    assert outliers([*steady, 15.2, 4.8]) == 2


def test_nothing_is_an_outlier_without_a_scale() -> None:
    """More than half are equal: the MAD is 0."""
    assert outliers([1.0, 1.0, 1.0, 5.0, 9.0]) == 0
    assert outliers([1.0]) == 0


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([1.0, 1.0, 2.0, 2.0], 1.0),
        ([2.0, 1.0], -0.5),
        ([1.0, 99.0, 1.5], 0.5),  # the middle one is in neither half
        ([3.0] * 7, 0.0),
        ([3.0], None),
    ],
)
def test_drift(samples: list[float], expected: float | None) -> None:
    assert drift(samples) == expected


def test_trend_by_mann_and_kendall() -> None:
    """Ten samples: of S = 45 at most, 23 is a trend and 21 is none, as tables of Kendall's S at 5 % have it."""
    rising = [float(n) for n in range(10)]
    assert has_trend(rising)
    assert has_trend(rising[::-1])
    assert not has_trend([1.0] * 10)
    assert not has_trend([1.0, 2.0] * 5)
    for samples, s, expected in (
        ([4.0, 3.0, 2.0, 1.0, 0.0, 5.0, 6.0, 7.0, 9.0, 8.0], 23, True),
        ([4.0, 3.0, 2.0, 1.0, 0.0, 5.0, 7.0, 6.0, 9.0, 8.0], 21, False),
    ):
        assert sum((b > a) - (b < a) for i, a in enumerate(samples) for b in samples[i + 1 :]) == s
        assert has_trend(samples) == expected


def test_noise_has_a_trend_one_time_in_twenty() -> None:
    seeded = random.Random(20_211)
    found = sum(has_trend([seeded.gauss(0, 1) for _ in range(10)]) for _ in range(4000))
    assert 0.03 <= found / 4000 <= 0.06
