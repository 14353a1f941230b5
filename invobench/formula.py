"""Formulas: arithmetic over named sizes, evaluated exactly and written out with the names or with the numbers.

A formula is text such as `HW*(C**2 + K2*G*C)/r + HW*K2*C` with a value for each name. It is the one source of a cost
term's number, so that what is printed is what was counted.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

#: how a name is written where it is not written as it is
_WRITTEN = {"K2": "K²", "H2": "H²", "C_in": "Cᵢ", "C_out": "Cₒ"}
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_PRECEDENCE: dict[type[ast.operator], int] = {
    ast.Add: _SUM,
    ast.Mult: _PRODUCT,
    ast.Div: _PRODUCT,
    ast.Pow: _POWER,
}
_EVALUATED: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: lambda a, b: a + b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a ** int(b),
}


@dataclass(frozen=True)
class Formula:
    """`text` with `values` for its names."""

    text: str
    values: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, text: str, **values: int) -> Formula:
        """The formula `text`; names that it lacks may be among `values`."""
        names = _names(text)
        return cls(text, tuple((name, value) for name, value in values.items() if name in names))

    @property
    def value(self) -> int:
        """The number, exactly. Raises ValueError where it is not a whole one."""
        found = _evaluate(_parsed(self.text), dict(self.values))
        if found.denominator != 1:
            raise ValueError(f"{self.text} with {dict(self.values)} is {found}, not a whole number")
        return found.numerator

    def symbols(self) -> str:
        """With names, as in a paper: `HW(C²+K²GC)/r + HWK²C`."""
        return _write(_parsed(self.text), _WRITTEN, "")

    def numbers(self) -> str:
        """With numbers in the names' places: `3136·(64²+49·4·64)/4 + 3136·49·64`."""
        return _write(_parsed(self.text), {name: str(value) for name, value in self.values}, "·")

    def times(self, factor: int) -> Formula:
        """`factor` times this formula."""
        if factor == 1:
            return self
        inner = f"({self.text})" if _precedence(_parsed(self.text)) == _SUM else self.text
        return Formula(f"{factor}*{inner}", self.values)


@cache
def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@cache
def _names(text: str) -> frozenset[str]:
    return frozenset(node.id for node in ast.walk(_parsed(text)) if isinstance(node, ast.Name))


def _evaluate(node: ast.expr, values: dict[str, int]) -> Fraction:
    if isinstance(node, ast.BinOp):
        return _EVALUATED[type(node.op)](_evaluate(node.left, values), _evaluate(node.right, values))
    if isinstance(node, ast.Name):
        return Fraction(values[node.id])
    return Fraction(_constant(node))


def _constant(node: ast.expr) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    raise ValueError(f"not a formula: {ast.unparse(node)}")


def _precedence(node: ast.expr) -> int:
    return _PRECEDENCE[type(node.op)] if isinstance(node, ast.BinOp) else _ATOM


def _write(node: ast.expr, written: dict[str, str], dot: str, inside: bool = False) -> str:
    """`node` as text; sums are set apart by blanks but inside parentheses."""
    if isinstance(node, ast.Name):
        return written.get(node.id, node.id)
    if not isinstance(node, ast.BinOp):
        return str(_constant(node))
    if isinstance(node.op, ast.Pow):
        return _bracketed(node.left, _POWER + 1, written, dot) + str(_constant(node.right)).translate(_SUPERSCRIPTS)
    if _precedence(node) == _SUM:
        return ("+" if inside else " + ").join(_write(side, written, dot, inside) for side in (node.left, node.right))
    left = _bracketed(node.left, _PRODUCT, written, dot)
    if isinstance(node.op, ast.Div):
        return f"{left}/{_bracketed(node.right, _PRODUCT + 1, written, dot)}"
    right = _bracketed(node.right, _PRODUCT, written, dot)
    return f"{left}{dot}{right}"


def _bracketed(node: ast.expr, least: int, written: dict[str, str], dot: str) -> str:
    """`node` as text, in parentheses where it binds less than `least`."""
    if _precedence(node) >= least:
        return _write(node, written, dot)
    return f"({_write(node, written, dot, inside=True)})"
