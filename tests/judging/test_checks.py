"""The rules for what is not timed."""

from __future__ import annotations

import math
from typing import Any

import pytest

from invobench.judging.checks import RULES, Values
from invobench.judging.quantities import QUANTITIES
from invobench.judging.verdicts import Check, Verdict
from tests.judging.samples import limit

NAMES = ("main", "working tree")


def judged(quantity: str, base: Any, candidate: Any, **thresholds: Any) -> Check | None:
    values = Values(quantity, base, candidate, limit(**thresholds))
    return RULES[QUANTITIES[quantity].rule](values, NAMES)


EXACT = ("params", "macs_formula", "macs_dispatched", "min_bytes", "operations", "launches")


@pytest.mark.parametrize("quantity", EXACT)
@pytest.mark.parametrize(
    ("candidate", "verdict"),
    [(10**17, Verdict.PASS), (10**17 + 1, Verdict.REGRESSED), (10**17 - 1, Verdict.IMPROVED)],
)
def test_exact_ones_are_compared_as_integers(quantity: str, candidate: int, verdict: Verdict) -> None:
    """One in 10¹⁷ is less than what a float can tell."""
    found = judged(quantity, 10**17, candidate)
    assert found is not None
    assert found.verdict is verdict
    assert (found.base, found.candidate, found.threshold) == (10**17, candidate, 0.0)
    assert found.field == QUANTITIES[quantity].field


@pytest.mark.parametrize(
    ("candidate", "verdict"),
    [(1020, Verdict.PASS), (1021, Verdict.REGRESSED), (980, Verdict.PASS), (979, Verdict.IMPROVED)],
)
def test_a_share_of_growth(candidate: int, verdict: Verdict) -> None:
    found = judged("peak_memory", 1000, candidate)
    assert found is not None
    assert (found.verdict, found.threshold, found.ratio) == (verdict, 0.02, candidate / 1000)


@pytest.mark.parametrize("quantity", ["peak_memory", *EXACT])
def test_from_nothing_to_something(quantity: str) -> None:
    found = judged(quantity, 0, 1)
    assert found is not None
    assert (found.verdict, found.ratio) == (Verdict.REGRESSED, None)


@pytest.mark.parametrize(
    ("quantity", "base", "candidate", "message"),
    [
        ("params", 4388, 4400, "parameters 4,388 → 4,400 (+0.27 %), may not grow"),
        ("params", 4388, 4300, "parameters 4,388 → 4,300 (−2.0 %): improved"),
        ("peak_memory", 2**20, 2**21, "peak memory 1.00 MiB → 2.00 MiB (+100.0 %), allowed +2 %"),
        ("launches", 0, 3, "kernel launches 0 → 3, may not grow"),
        ("output_shape", [[1, 2]], [[1, 3]], "output shape 1×2 → 1×3: may not change"),
        ("params", None, 3, "parameters: main has no value and working tree has: measure both with the same metrics"),
        ("params", 3, None, "parameters: working tree has no value and main has: measure both with the same metrics"),
        ("params", 3, 3, ""),
    ],
)
def test_messages(quantity: str, base: Any, candidate: Any, message: str) -> None:
    found = judged(quantity, base, candidate)
    assert found is not None
    assert found.message == message


@pytest.mark.parametrize("quantity", ["peak_memory", "output_shape", *EXACT])
def test_a_value_on_one_side_is_not_0_on_the_other(quantity: str) -> None:
    value: Any = [[1]] if quantity == "output_shape" else 5
    for base, candidate in ((value, None), (None, value)):
        found = judged(quantity, base, candidate)
        assert found is not None
        assert (found.verdict, found.base, found.candidate) == (Verdict.INCONCLUSIVE, base, candidate)
    assert judged(quantity, None, None) is None


@pytest.mark.parametrize("quantity", ["peak_memory", *EXACT])
def test_without_a_threshold_nothing_is_looked_at(quantity: str) -> None:
    assert judged(quantity, 1, 2, **{QUANTITIES[quantity].threshold: None}) is None


@pytest.mark.parametrize("other", [[[1, 64, 55, 56]], [[1, 64, 56, 56], [1]], []])
def test_another_shape(other: list[list[int]]) -> None:
    found, kept = judged("output_shape", [[1, 64, 56, 56]], other), judged("output_shape", other, other)
    assert found is not None
    assert kept is not None
    assert (found.verdict, kept.verdict) == (Verdict.REGRESSED, Verdict.PASS)


@pytest.mark.parametrize(
    ("base", "candidate", "verdict"),
    [
        (None, 1e-4, Verdict.PASS),
        (1e-9, 1e-4, Verdict.PASS),
        (1e-2, 1.1e-4, Verdict.REGRESSED),
        (1e-9, math.nan, Verdict.REGRESSED),
        (1e-9, None, Verdict.INCONCLUSIVE),
    ],
)
def test_the_candidates_error_decides(base: float | None, candidate: float | None, verdict: Verdict) -> None:
    found = judged("max_error", base, candidate, max_error=1e-4)
    assert found is not None
    assert (found.verdict, found.threshold) == (verdict, None)


def test_what_is_said_of_an_error() -> None:
    found = judged("max_error", 1e-7, 3.2e-3, max_error=1e-4)
    assert found is not None
    assert found.message == "largest error 0.0032, allowed 0.0001"


def test_no_limit_of_errors() -> None:
    assert judged("max_error", 1e-7, 1.0) is None
    assert judged("max_error", None, None, max_error=1e-4) is None
