"""The rule for time, on intervals that are given: every verdict at and about its border."""

from __future__ import annotations

import pytest

from invobench.judging.ratio import Ratio
from invobench.judging.timing import timing
from invobench.judging.verdicts import Check, Verdict
from tests.judging.samples import limit

BASE_S = 0.01


def judged(low: float | None, value: float, high: float | None, base_s: float = BASE_S, **thresholds: object) -> Check:
    ratio = Ratio(value, low, high, (10, 12), 2000, base_s, value * base_s)
    check = timing(ratio, limit(**{"latency": "5%", **thresholds}))
    assert check is not None
    assert (check.quantity, check.field) == ("latency", "latency_s")
    assert (check.base, check.candidate, check.ratio) == (base_s, value * base_s, value)
    assert (check.low, check.high) == (low, high)
    return check


@pytest.mark.parametrize(
    ("low", "value", "high", "verdict"),
    [
        (1.051, 1.06, 1.07, Verdict.REGRESSED),
        (1.05, 1.06, 1.07, Verdict.INCONCLUSIVE),
        (1.04, 1.06, 1.07, Verdict.INCONCLUSIVE),
        (0.99, 1.02, 1.0501, Verdict.INCONCLUSIVE),
        (0.99, 1.02, 1.05, Verdict.PASS),
        (0.99, 1.0, 1.01, Verdict.PASS),
        (0.9, 0.94, 0.951, Verdict.PASS),
        (0.9, 0.94, 0.949, Verdict.IMPROVED),
        (0.5, 1.0, 2.0, Verdict.INCONCLUSIVE),
    ],
)
def test_verdicts(low: float, value: float, high: float, verdict: Verdict) -> None:
    assert judged(low, value, high).verdict is verdict


@pytest.mark.parametrize(
    ("low", "value", "high", "base_s", "verdict"),
    [
        (1.2, 1.25, 1.3, 10e-6, Verdict.PASS),  # all of it within 20 µs of 10 µs
        (1.2, 1.25, 1.3, 70e-6, Verdict.INCONCLUSIVE),  # 14 to 21 µs more
        (1.2, 1.25, 1.3, 80e-6, Verdict.INCONCLUSIVE),  # the medians are 20 µs apart, and that is not over it
        (1.2, 1.26, 1.3, 80e-6, Verdict.REGRESSED),
        (0.7, 0.75, 0.8, 70e-6, Verdict.PASS),
        (0.7, 0.75, 0.8, 81e-6, Verdict.IMPROVED),
    ],
)
def test_the_floor(low: float, value: float, high: float, base_s: float, verdict: Verdict) -> None:
    assert judged(low, value, high, base_s, floor_s=20e-6).verdict is verdict


def test_a_threshold_of_nothing() -> None:
    assert judged(1.001, 1.01, 1.02, latency=0).verdict is Verdict.REGRESSED
    assert judged(0.98, 0.99, 0.999, latency=0).verdict is Verdict.IMPROVED
    assert judged(0.98, 0.99, 1.0, latency=0).verdict is Verdict.PASS


def test_no_threshold_is_no_check() -> None:
    assert timing(Ratio(2.0, 1.9, 2.1, (10, 10), 1, 1.0, 2.0), limit(latency=None)) is None


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ((1.139, 1.152, 1.166), "latency +15.2 % (+13.9 % to +16.6 %), allowed +5 %"),
        ((1.0511, 1.0516, 1.052), "latency +5.16 % (+5.11 % to +5.20 %), allowed +5 %"),
        ((0.79, 0.8, 0.81), "latency −20.0 % (−21.0 % to −19.0 %): improved"),
        ((0.99, 1.0, 1.01), ""),
        (
            (1.03, 1.07, 1.11),
            "latency +7.0 % (+3.0 % to +11.0 %), allowed +5 %: cannot tell; about 41 processes a side would",
        ),
        (
            (1.0, 1.0501, 1.1),
            "latency +5.0 % (0.0 % to +10.0 %), allowed +5 %: "
            "too close to call, and 1,000 processes a side would not tell: quieten the machine",
        ),
        (
            (None, 1.152, None),
            "latency +15.2 %: a side has 10 processes, and fewer than 6 have no interval: measure in 10, with "
            "measure.processes",
        ),
    ],
)
def test_messages(limits: tuple[float, float, float], message: str) -> None:
    assert judged(*limits).message == message


def test_the_floor_says_that_it_decided() -> None:
    assert judged(1.2, 1.25, 1.3, 10e-6, floor_s=20e-6).message == (
        "latency +25.0 % (+20.0 % to +30.0 %), allowed +5 %: within the floor of 20.0 µs"
    )


def test_what_it_takes() -> None:
    """Of ten, the fewer: 0.038 from the ratio to the lower end against 0.019 to the threshold."""
    assert judged(1.03, 1.07, 1.11).needs == 41
    assert judged(1.0, 1.0501, 1.1).needs is None
    assert judged(0.95, 1.0, 1.06).needs == 15
    assert judged(1.139, 1.152, 1.166).needs is None, "it is told"


def test_between_threshold_and_floor_it_is_the_floor_that_must_be_told() -> None:
    """20 µs of 100 µs: +10 % is allowed nothing by the threshold and much by the floor."""
    found = judged(0.98, 1.1, 1.25, 100e-6, floor_s=20e-6)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.needs == 22
