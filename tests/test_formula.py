"""Formulas: exact values, and what they look like with names and with numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invobench.formula import Formula

SIZES = {"HW": 3136, "C": 64, "K2": 49, "G": 4, "r": 4, "C_in": 3, "C_out": 5}


@pytest.mark.parametrize(
    ("text", "symbols", "numbers", "value"),
    [
        (
            "HW*(C**2 + K2*G*C)/r + HW*K2*C",
            "HW(C²+K²GC)/r + HWK²C",
            "3136·(64²+49·4·64)/4 + 3136·49·64",
            22_880_256,
        ),
        ("HW*C", "HWC", "3136·64", 200_704),
        ("3*HW*C_in*C_out", "3HWCᵢCₒ", "3·3136·3·5", 141_120),
        ("C/(G*r)", "C/(Gr)", "64/(4·4)", 4),
        ("(C + G)**3", "(C+G)³", "(64+4)³", 314_432),
        ("C*(G + r/2)", "C(G+r/2)", "64·(4+4/2)", 384),
        ("C**12/C**11", "C¹²/C¹¹", "64¹²/64¹¹", 64),
    ],
)
def test_a_formula_in_symbols_and_in_numbers(text: str, symbols: str, numbers: str, value: int) -> None:
    formula = Formula.of(text, **SIZES)
    assert (formula.symbols(), formula.numbers(), formula.value) == (symbols, numbers, value)


def test_a_multiple() -> None:
    product, total = Formula.of("HW*C", HW=2, C=3), Formula.of("HW + C", HW=2, C=3)
    assert product.times(1) is product
    assert (product.times(2).symbols(), product.times(2).value) == ("2HWC", 12)
    assert (total.times(2).symbols(), total.times(2).numbers(), total.times(2).value) == ("2(HW+C)", "2·(2+3)", 10)


def test_names_that_it_lacks_are_not_kept() -> None:
    assert Formula.of("C", C=1, G=2) == Formula.of("C", C=1)


def test_what_is_no_whole_number_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^C/r with \{'C': 3, 'r': 2\} is 3/2, not a whole number$"):
        _ = Formula.of("C/r", C=3, r=2).value


def test_what_is_no_arithmetic_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a formula: f\\(C\\)"):
        _ = Formula.of("f(C)", C=3).value


@given(
    text=st.sampled_from(
        ["a*b + c", "(a + b)*c", "a*(b + c)**2", "a + (b + c)", "a*(b*(c + 1))", "a*b/(b*1)", "(a*b + c)*(a + 1)"]
    ),
    values=st.tuples(*[st.integers(1, 9)] * 3),
)
def test_the_numbers_that_are_shown_come_to_the_value(text: str, values: tuple[int, int, int]) -> None:
    formula = Formula.of(text, **dict(zip("abc", values, strict=True)))
    shown = formula.numbers().replace("·", "*").replace("²", "**2")
    assert eval(shown) == formula.value
