"""The rules for what is not timed: one value a side, compared exactly or with a share of growth allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from invobench import units
from invobench.judging.quantities import QUANTITIES
from invobench.judging.verdicts import Check, Verdict
from invobench.spec.gate import Thresholds


@dataclass(frozen=True)
class Values:
    """A quantity of a cell: its name, both sides' values (None where there is none), and what is allowed."""

    quantity: str
    base: Any
    candidate: Any
    thresholds: Thresholds

    @property
    def heading(self) -> str:
        """The quantity's name for people."""
        return QUANTITIES[self.quantity].heading

    @property
    def threshold(self) -> Any:
        """What the spec allows; None where it sets no limit."""
        name = QUANTITIES[self.quantity].threshold
        return getattr(self.thresholds, name) if name else None

    def show(self, value: Any) -> str:
        """A value as text."""
        return QUANTITIES[self.quantity].show(value)

    def check(self, verdict: Verdict, message: str = "", **more: Any) -> Check:
        """The check of these values; a threshold is one of growth."""
        field = QUANTITIES[self.quantity].field
        given = {"threshold": None, **more}
        return Check(self.quantity, field, self.base, self.candidate, verdict=verdict, message=message, **given)

    def one_sided(self, names: tuple[str, str], **more: Any) -> Check:
        """The check where one side has no value, which is not taken for 0."""
        lacking, has = names if self.base is None else names[::-1]
        return self.check(
            Verdict.INCONCLUSIVE,
            f"{self.heading}: {lacking} has no value and {has} has: measure both with the same metrics",
            **more,
        )


Names = tuple[str, str]


def growth(values: Values, names: Names) -> Check | None:
    """A number that may grow by the threshold's share; exactly where that is 0."""
    threshold, base, candidate = values.threshold, values.base, values.candidate
    if threshold is None or base is candidate is None:
        return None
    if base is None or candidate is None:
        return values.one_sided(names, threshold=threshold)
    ratio = candidate / base if base else None
    known = {"threshold": threshold, "ratio": ratio}
    if candidate > (base * (1 + threshold) if threshold else base):
        limit = f"allowed +{units.plain_percent(threshold)}" if threshold else "may not grow"
        return values.check(Verdict.REGRESSED, f"{_change(values, ratio)}, {limit}", **known)
    if candidate < (base * (1 - threshold) if threshold else base):
        return values.check(Verdict.IMPROVED, f"{_change(values, ratio)}: improved", **known)
    return values.check(Verdict.PASS, **known)


def same(values: Values, names: Names) -> Check | None:
    """A value of which any other is a regression."""
    if values.base is values.candidate is None:
        return None
    if values.base is None or values.candidate is None:
        return values.one_sided(names)
    if values.base == values.candidate:
        return values.check(Verdict.PASS)
    return values.check(Verdict.REGRESSED, f"{_change(values, None)}: may not change")


def error(values: Values, names: Names) -> Check | None:
    """The candidate's error, whatever the base's is: up to the threshold, which is a value and no share."""
    limit = values.threshold
    if limit is None or values.base is values.candidate is None:
        return None
    if values.candidate is None:
        return values.one_sided(names)
    if values.candidate <= limit:  # a NaN is not
        return values.check(Verdict.PASS)
    message = f"{values.heading} {values.show(values.candidate)}, allowed {values.show(limit)}"
    return values.check(Verdict.REGRESSED, message)


#: a quantity's rule -> what applies it
RULES: Mapping[str, Callable[[Values, Names], Check | None]] = {"growth": growth, "same": same, "error": error}


def _change(values: Values, ratio: float | None) -> str:
    """`parameters 4,388 → 4,400 (+0.27 %)`."""
    shown = f"{values.heading} {values.show(values.base)} → {values.show(values.candidate)}"
    if ratio is None:
        return shown
    return f"{shown} ({units.signed_percent(ratio - 1, 1 if abs(ratio - 1) >= 0.01 else 2)})"
