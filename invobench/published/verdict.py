"""The verdict on a published table: how many of its figures each convention reproduces, and what that says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from invobench import units
from invobench.conventions import RULES, Convention, Kind
from invobench.published.compare import Comparison, constants, distinct
from invobench.published.rows import Printed, PublishedRow


@dataclass(frozen=True)
class Score:
    """How many figures are reproduced, of those that could be."""

    matched: int
    of: int

    @classmethod
    def count(cls, matches: Iterable[bool | None]) -> Score:
        """The score of what matches or does not; None is a figure that is missing."""
        known = [match for match in matches if match is not None]
        return cls(sum(known), len(known))

    def __str__(self) -> str:
        return f"{self.matched}/{self.of}"


@dataclass(frozen=True)
class Verdict:
    """Scores over `comparisons`, which are of distinct networks."""

    comparisons: tuple[Comparison, ...]

    @classmethod
    def on(cls, comparisons: Iterable[Comparison]) -> Verdict:
        """The verdict on what was built among `comparisons`, each network once."""
        return cls(distinct(comparisons))

    @property
    def params(self) -> Score:
        """Parameters."""
        return Score.count(item.params_match for item in self.comparisons)

    @cached_property
    def macs(self) -> dict[Convention, Score]:
        """Multiply-adds by convention, in the order of `Convention`."""
        counted = [item for item in Convention if any(item in other.macs for other in self.comparisons)]
        return {item: Score.count(other.macs_match(item) for other in self.comparisons) for item in counted}

    @property
    def best(self) -> Convention | None:
        """The convention that reproduces most rows, the first of several; None where none reproduces any."""
        most = max(self.macs, key=lambda item: self.macs[item].matched, default=None)
        return most if most is not None and self.macs[most].matched else None

    def summary(self) -> str:
        """`parameters 10/10; multiply-adds 9/10 under conv-linear, 3/10 under formula: the printed figures …`."""
        if not self.comparisons:
            return "published only: no network of it can be built"
        return f"parameters {self.params}; multiply-adds {self.scores()}"

    def scores(self) -> str:
        """The multiply-adds' part of the summary: the best convention first, and what it counts otherwise."""
        best = self.best
        if best is None:
            names = ", ".join(self.macs)
            return f"{next(iter(self.macs.values()), Score(0, 0))} under each of {names}"
        ordered = sorted(self.macs, key=lambda item: (item is not best, -self.macs[item].matched))
        shown = [item for item in ordered if self.macs[item].matched or item is Convention.FORMULA]
        listed = ", ".join(f"{self.macs[item]} under {item}" for item in shown)
        difference = differences(best, self.comparisons)
        return f"{listed}: the printed figures {difference}" if difference else listed


def differences(convention: Convention, comparisons: Iterable[Comparison]) -> str:
    """What `convention` counts otherwise than `formula` does, of what is in these networks; empty for nothing."""
    rule, usual = RULES[convention], RULES[Convention.FORMULA]
    less, more = [], []
    for kind, formulas in _kinds(comparisons).items():
        weight = rule.weights.get(kind, 0) - usual.weights.get(kind, 0)
        if weight < 0:
            less.append(f"{', '.join(formulas)} ({kind})")
        elif weight > 0:
            more.append(f"{kind} ({weight} an element)")
    if rule.valid_taps:
        less.append("taps that fall on padding")
    if rule.without_leaf:
        less.append("the convolution that reads the image")
    clauses = [f"{verb} {_listed(items)}" for verb, items in (("leave out", less), ("add", more)) if items]
    return " and ".join(clauses)


def _listed(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *head, last = items
    return f"{', '.join(head)} and {last}" if head else last


def _kinds(comparisons: Iterable[Comparison]) -> dict[Kind, list[str]]:
    """The kinds of work in these networks, in the order of `Kind`, each with its formulas in symbols."""
    found: dict[Kind, dict[str, None]] = {}
    for item in comparisons:
        cost = item.built.network.cost(item.built.shape) if item.built else None
        for term in cost.terms if cost else ():
            symbols = found.setdefault(term.kind, {})
            if term.formula is not None:
                symbols[term.formula.symbols()] = None
    return {kind: list(found[kind]) for kind in Kind if kind in found}


def fit_note(verdict: Verdict) -> str | None:
    """What to know of the best convention where it is `without_leaf`: other constants would fit as well."""
    best = verdict.best
    if best is None or not RULES[best].without_leaf:
        return None
    whole = _with_leaf(best)
    fitted = [item for item in verdict.comparisons if item.macs_match(best)]
    bounds = constants(fitted, whole)
    if bounds is None:
        return None
    low, high = (units.count(float(bound), 3) for bound in bounds)
    taken = sorted({item.macs[whole] - item.macs[best] for item in fitted})
    shown = " to ".join(dict.fromkeys(units.count(value) for value in (taken[0], taken[-1])))
    return (
        f"{best} is a fit, not a statement of the authors: it takes {shown} multiply-adds off {whole}, and taking off "
        f"any number between {low} and {high} reproduces the same {verdict.macs[best]}"
    )


def _with_leaf(convention: Convention) -> Convention:
    """The convention that differs from this one in counting what reads the image."""
    counted = replace(RULES[convention], without_leaf=False, summary="")
    return next(item for item, rule in RULES.items() if replace(rule, summary="") == counted)


def by_operator(comparisons: Sequence[Comparison]) -> dict[str, Verdict]:
    """The verdict on each operator's rows; empty where the built ones have one operator alone."""
    operators = dict.fromkeys(item.row.operator for item in comparisons if item.built is not None)
    if len(operators) < 2:
        return {}
    return {name: Verdict.on(item for item in comparisons if item.row.operator == name) for name in operators}


def digits_note(verdict: Verdict) -> str | None:
    """What holds within half of each figure's last digit, where that is coarser than a tolerance and changes scores."""
    loosened = Verdict(tuple(_within_last_digit(item) for item in verdict.comparisons))
    if loosened.macs == verdict.macs:
        return None
    finer = sum(new != old for new, old in zip(loosened.comparisons, verdict.comparisons, strict=True))
    return (
        f"within half of the last printed digit, which is coarser than the tolerance of {finer} of its multiply-adds: "
        f"{loosened.scores()}"
    )


def _within_last_digit(item: Comparison) -> Comparison:
    """`item` with a tolerance for multiply-adds of at least half of the printed figure's last digit."""
    figure = item.row.flops_g
    if figure is None:
        return item
    half = Printed(f"5e-{figure.decimals + 1}")
    return item if item.row.flops_tolerance_g >= half else replace(item, row=_with_tolerance(item.row, half))


def _with_tolerance(row: PublishedRow, tolerance: Printed) -> PublishedRow:
    return replace(row, flops_tolerance_g=tolerance)
