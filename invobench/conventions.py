"""Kinds of work, and the conventions that add them up to "multiply-adds".

What one paper's "FLOPs" contain, another's leave out: a number of multiply-adds means something under its convention
only, which is why `Macs` carry theirs and refuse to be compared across two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from invobench.errors import UnknownName, UsageError
from invobench.table import unknown


class Kind(StrEnum):
    """What a term does; a convention gives each kind a weight."""

    CONV = "conv"
    LINEAR = "linear"
    AGGREGATION = "aggregation"
    ATTENTION = "attention"
    BIAS = "bias"
    NORMALISATION = "normalisation"
    ACTIVATION = "activation"
    POOLING = "pooling"
    SOFTMAX = "softmax"
    ADDITION = "addition"


PRODUCTS = frozenset({Kind.CONV, Kind.LINEAR, Kind.AGGREGATION, Kind.ATTENTION})


class Convention(StrEnum):
    """A named way to add terms up."""

    FORMULA = "formula"
    CONV_LINEAR = "conv-linear"
    CONV_LINEAR_INNER = "conv-linear-inner"
    HOOK = "hook"
    VALID_TAPS = "valid-taps"

    @classmethod
    def named(cls, name: str) -> Convention:
        """The convention called `name`. Raises UnknownName, with what there is."""
        if name not in list(cls):
            raise UnknownName(unknown("convention", name, list(cls)))
        return cls(name)


@dataclass(frozen=True)
class Rule:
    """What a convention counts: the weight of each kind.

    `valid_taps`: taps that fall on the border's zeros are left out. `without_leaf`: so is what reads the image.
    """

    weights: Mapping[Kind, int]
    summary: str
    valid_taps: bool = False
    without_leaf: bool = False


_ALL = dict.fromkeys(PRODUCTS, 1)
_CONV_LINEAR = {Kind.CONV: 1, Kind.LINEAR: 1}

RULES: Mapping[Convention, Rule] = {
    Convention.FORMULA: Rule(_ALL, "conv, linear, aggregation and attention products"),
    Convention.CONV_LINEAR: Rule(_CONV_LINEAR, "conv and linear products: what generic counters see"),
    Convention.CONV_LINEAR_INNER: Rule(
        _CONV_LINEAR, "conv and linear products but for the convolution that reads the image", without_leaf=True
    ),
    Convention.HOOK: Rule(
        {**_ALL, Kind.BIAS: 1, Kind.NORMALISATION: 2, Kind.ACTIVATION: 1},
        "products, bias, 2 per normalised element, 1 per activation: the published RedNet model zoo",
    ),
    Convention.VALID_TAPS: Rule(_ALL, "as formula, without the taps that fall on padding", valid_taps=True),
}


class ConventionMismatch(UsageError):
    """Multiply-adds of two conventions were to be compared."""


@dataclass(frozen=True)
class Macs:
    """Multiply-adds under a convention."""

    value: int
    convention: Convention

    def ratio(self, other: Macs) -> float:
        """This over `other`. Raises ConventionMismatch where their conventions differ."""
        require_same([self.convention, other.convention])
        return self.value / other.value


def require_same(conventions: list[Convention]) -> None:
    """Raise ConventionMismatch unless `conventions` are all the same."""
    found = list(dict.fromkeys(conventions))
    if len(found) > 1:
        names = " and ".join(found)
        raise ConventionMismatch(f"multiply-adds under {names} cannot be compared: count both under one --convention")
