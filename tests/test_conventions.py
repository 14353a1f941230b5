"""Conventions: what each counts, and that two are never compared."""

from __future__ import annotations

import pytest

from invobench.conventions import PRODUCTS, RULES, Convention, ConventionMismatch, Kind, Macs, require_same
from invobench.cost import Cost, CostTerm, Window
from invobench.errors import UnknownName

TERMS = (
    CostTerm("first", Kind.CONV, 100, padding_operations=10, leaf_input=True),
    CostTerm("span", Kind.CONV, 50),
    CostTerm("span.bias", Kind.BIAS, 5),
    CostTerm("norm", Kind.NORMALISATION, 7),
    CostTerm("relu", Kind.ACTIVATION, 3),
    CostTerm("aggregate", Kind.AGGREGATION, 40, padding_operations=4),
    CostTerm("scores", Kind.ATTENTION, 20),
    CostTerm("softmax", Kind.SOFTMAX, 1_000),
    CostTerm("pool", Kind.POOLING, 10_000),
    CostTerm("addition", Kind.ADDITION, 100_000),
    CostTerm("classifier", Kind.LINEAR, 8),
)
COST = Cost(TERMS, 0, 0)


@pytest.mark.parametrize(
    ("convention", "forward", "backward", "train_step"),
    [
        ("formula", 218, 436, 554),  # 2 · 218; 3 · 218 - 100 for the image's gradient
        ("conv-linear", 158, 316, 374),
        ("conv-linear-inner", 58, 116, 174),
        ("hook", 218 + 5 + 14 + 3, 436 + 22, 554 + 44),
        ("valid-taps", 204, 408, 522),  # 3 · 204 - 90
    ],
)
def test_what_each_counts(convention: str, forward: int, backward: int, train_step: int) -> None:
    found = [COST.macs(Convention.named(convention), mode) for mode in ("forward", "backward", "train_step")]
    assert found == [forward, backward, train_step]


def test_every_convention_has_a_rule_that_counts_products_only_once() -> None:
    assert set(RULES) == set(Convention)
    for rule in RULES.values():
        assert all(rule.weights.get(kind, 1) == 1 for kind in PRODUCTS)


def test_an_unknown_one() -> None:
    with pytest.raises(UnknownName) as raised:
        Convention.named("hok")
    assert str(raised.value) == (
        "unknown convention 'hok' (did you mean 'hook'?); there are: conv-linear, conv-linear-inner, formula, hook, "
        "valid-taps"
    )


def test_multiply_adds_know_their_convention() -> None:
    hook, formula = COST.counted(Convention.HOOK), COST.counted()
    assert (hook, formula) == (Macs(240, Convention.HOOK), Macs(218, Convention.FORMULA))
    assert COST.counted(Convention.HOOK, "backward").ratio(hook) == 458 / 240


def test_two_conventions_are_not_compared() -> None:
    with pytest.raises(ConventionMismatch) as raised:
        COST.counted(Convention.HOOK).ratio(COST.counted())
    assert str(raised.value) == (
        "multiply-adds under hook and formula cannot be compared: count both under one --convention"
    )
    assert raised.value.exit_code == 2
    require_same([Convention.HOOK, Convention.HOOK])


@pytest.mark.parametrize(
    ("window", "size", "out", "valid"),
    [
        (Window(3, padding=1), (3, 3), (3, 3), 49),  # 7 of 9 along each axis
        (Window(7, padding=3), (7, 7), (7, 7), 37**2),  # 7² - 2 · (1 + 2 + 3)
        (Window(3, stride=2, padding=1), (5, 4), (3, 2), 7 * 5),
        (Window(3, padding=2, dilation=2), (2, 2), (2, 2), 4),  # only the middle tap
        (Window(2), (3, 3), (2, 2), 16),
        (Window(1, stride=2), (5, 5), (3, 3), 9),
        (Window(3, padding=5), (1, 1), (9, 9), 9),
    ],
)
def test_taps_inside_of_the_image(window: Window, size: tuple[int, int], out: tuple[int, int], valid: int) -> None:
    assert window.valid(size, out) == valid
    assert window.padding_taps((2, 1, *size), (2, 1, *out)) == 2 * (window.taps * out[0] * out[1] - valid)


@pytest.mark.parametrize(("size", "share"), [(7, 0.57), (14, 0.77), (28, 0.88), (56, 0.94)])
def test_share_of_taps_at_k_7(size: int, share: float) -> None:
    """As measured: 57 % at 7², 77 % at 14², 88 % at 28², 94 % at 56²."""
    window = Window(7, padding=3)
    assert round(window.valid((size, size), (size, size)) / (49 * size**2), 2) == share
