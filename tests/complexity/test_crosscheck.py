"""The comparison itself, on readings of plain values."""

from __future__ import annotations

from collections import Counter

import pytest

from invobench.complexity.count import Count
from invobench.complexity.crosscheck import Crosscheck, Word, crosscheck
from invobench.complexity.reading import Reading
from invobench.conventions import Kind
from invobench.cost import Cost, CostTerm

COST = Cost(
    (
        CostTerm("reduce", Kind.CONV, 10, place="reduce.0"),
        CostTerm("norm", Kind.NORMALISATION, 4, place="reduce.1"),
        CostTerm("scores", Kind.ATTENTION, 20, place="own"),
        CostTerm("sum", Kind.ATTENTION, 5, place="own"),
    ),
    0,
    0,
)
KEYS = {("reduce.0", "convolution"): 10, ("own", "mul"): 20, ("own", "bmm"): 5}
RIGHT = Reading("ours", KEYS)


def count(elements: int = 4) -> Count:
    return Count(elements_at=Counter({("reduce.1", "normalisation"): elements}))


def check(*readings: Reading, cost: Cost | None = COST, mode: str = "forward", elements: int = 4) -> Crosscheck:
    return crosscheck(cost, mode, count(elements), readings)


def words(found: Crosscheck, counter: str) -> list[Word]:
    return [item.verdicts[counter].word for item in found.checks]


def test_a_match() -> None:
    found = check(RIGHT)
    assert [(item.name, item.place, item.expected) for item in found.checks] == [
        ("reduce", "reduce.0", 10),
        ("scores + sum", "own", 25),
    ]
    assert (words(found, "ours"), found.agrees, found.expected) == ([Word.MATCH, Word.MATCH], True, 35)


@pytest.mark.parametrize(
    ("macs", "word"),
    [
        ({**KEYS, ("own", "mul"): 19}, Word.MISSES),
        ({**KEYS, ("own", "mul"): 21}, Word.EXCEEDS),
        ({("reduce.0", "convolution"): 10}, Word.MISSES),
    ],
)
def test_ours_that_differs_does_not_agree(macs, word) -> None:
    found = check(Reading("ours", macs))
    assert (words(found, "ours"), found.agrees) == ([Word.MATCH, word], False)


def test_work_where_no_term_runs_does_not_agree() -> None:
    found = check(Reading("ours", {**KEYS, ("elsewhere", "mul"): 1}))
    assert [(item.name, item.expected) for item in found.checks][2] == ("elsewhere", 0)
    assert (words(found, "ours")[2], found.agrees) == (Word.EXCEEDS, False)


def test_a_count_at_another_place_does_not_agree_though_the_sum_does() -> None:
    assert not check(Reading("ours", {("reduce.0", "convolution"): 11, ("own", "mul"): 24})).agrees


def test_what_others_miss_informs_only() -> None:
    other = Reading("other", {("reduce.0", "conv"): 10, ("reduce.1", "norm"): 8}, Counter({("own", "einsum"): 2}))
    found = check(RIGHT, other)
    assert (words(found, "other"), found.agrees) == ([Word.MATCH, Word.MISSES], True)
    verdict = found.checks[1].verdicts["other"]
    assert (verdict.macs, verdict.unseen) == (0, {"einsum": 2})
    assert found.besides("other") == {"reduce.1: norm": 8}
    assert found.besides("ours") == {}


def test_a_counter_that_could_not_count() -> None:
    found = check(RIGHT, Reading("other", problem="sees forward passes only"))
    assert words(found, "other") == [Word.UNKNOWN, Word.UNKNOWN]
    assert (found.checks[0].verdicts["other"].macs, found.readings["other"].total) == (None, None)


def test_a_declared_count_is_no_match() -> None:
    found = check(Reading("ours", KEYS, declared=frozenset({("own", "mul")})))
    assert (words(found, "ours"), found.agrees) == ([Word.MATCH, Word.DECLARED], True)
    wrong = check(Reading("ours", {**KEYS, ("own", "mul"): 7}, declared=frozenset({("own", "mul")})))
    assert (words(wrong, "ours"), wrong.agrees) == ([Word.MATCH, Word.MISSES], False)


def test_backward_has_two_products_for_each() -> None:
    found = check(Reading("ours", {key: 2 * macs for key, macs in KEYS.items()}), mode="backward")
    assert (found.agrees, found.expected, found.elements) == (True, 70, ())


def test_elements_of_other_kinds_are_compared_forward() -> None:
    assert [(item.kind, item.formula, item.counted) for item in check(RIGHT).elements] == [("normalisation", 4, 4)]
    assert not check(RIGHT, elements=5).agrees


def test_without_a_formula_ours_is_what_others_are_compared_with() -> None:
    found = check(RIGHT, Reading("other", {("reduce.0", "conv"): 9}), cost=None)
    assert [(item.name, item.expected) for item in found.checks] == [("reduce.0", 10), ("own", 25)]
    assert (words(found, "other"), found.agrees, found.has_formula) == ([Word.MISSES, Word.MISSES], True, False)
