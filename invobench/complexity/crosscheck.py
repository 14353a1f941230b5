"""Formula against counters, term by term (no torch).

What is compared is multiply-adds under convention `formula` in one mode. The unit is a place of the module: the terms
that run there (usually one) against what each counter found there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from invobench.complexity.count import Count
from invobench.complexity.reading import OURS, Reading
from invobench.conventions import PRODUCTS, Kind
from invobench.cost import Cost, CostTerm


class Word(StrEnum):
    """What a comparison comes to. `declared`: the count repeats a formula that was registered for it."""

    MATCH = "match"
    DECLARED = "declared"
    MISSES = "misses"
    EXCEEDS = "exceeds"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Verdict:
    """A counter's multiply-adds for a check, and where they are not what was expected, why.

    `unseen`: operations there that it has no rule for (calls). `differs`: what it says of operations that we count
    otherwise, and what we say.
    """

    word: Word
    macs: int | None
    unseen: Counter[str] = field(default_factory=Counter)
    differs: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """What runs at one place: names of the terms, or of the place where there is no formula; verdicts by counter.

    `expected`: by formula, or where there is none by our count.
    """

    name: str
    place: str
    expected: int
    verdicts: Mapping[str, Verdict]


@dataclass(frozen=True)
class Elements:
    """Elements of a kind that is no product, by formula and as dispatched."""

    kind: Kind
    formula: int
    counted: int


@dataclass(frozen=True)
class Crosscheck:
    """Every check of a module, what counters add at places without multiply-adds, and why one could not count."""

    has_formula: bool
    checks: tuple[Check, ...]
    elements: tuple[Elements, ...]
    readings: Mapping[str, Reading]

    @property
    def expected(self) -> int:
        """All multiply-adds, by formula or by our count."""
        return sum(check.expected for check in self.checks)

    @property
    def agrees(self) -> bool:
        """Whether our count is the formula's everywhere; so it is where there is no formula."""
        ours = (check.verdicts[OURS].word for check in self.checks)
        counted = all(word in {Word.MATCH, Word.DECLARED} for word in ours)
        return counted and all(item.formula == item.counted for item in self.elements)

    def besides(self, counter: str) -> dict[str, int]:
        """Place -> what a counter reports where there are no multiply-adds (2 per normalised element, say)."""
        places = {check.place for check in self.checks}
        found: dict[str, int] = {}
        for (place, name), macs in self.readings[counter].macs.items():
            if place not in places:
                key = f"{place}: {name}" if place else name
                found[key] = found.get(key, 0) + macs
        return found


#: kinds whose elements are dispatched as operations of their own, whatever the spelling, in a forward pass (a bias
#: may be an addition, global pooling a mean)
_ELEMENTS = (Kind.NORMALISATION, Kind.ACTIVATION, Kind.SOFTMAX)


def crosscheck(cost: Cost | None, mode: str, count: Count, readings: Sequence[Reading]) -> Crosscheck:
    """Compare a cost's product terms (our count where there is no cost) with `readings`, ours among them."""
    by_counter = {reading.counter: reading for reading in readings}
    places = _places(cost, by_counter[OURS])
    checks = []
    for place, terms in places.items():
        expected = sum(term.scaled(mode) for term in terms) if cost else by_counter[OURS].at(place)
        name = " + ".join(term.name for term in terms) or place or "own code"
        ours = by_counter[OURS]
        verdicts = {reading.counter: _verdict(reading, ours, place, expected) for reading in readings}
        checks.append(Check(name, place, expected, verdicts))
    elements = _elements(cost, count) if cost and mode == "forward" else ()
    return Crosscheck(cost is not None, tuple(checks), elements, by_counter)


def product_terms(cost: Cost) -> dict[str, list[CostTerm]]:
    """Place -> the terms there that have multiply-adds."""
    found: dict[str, list[CostTerm]] = {}
    for term in cost.terms:
        if term.kind in PRODUCTS:
            found.setdefault(term.place, []).append(term)
    return found


def _places(cost: Cost | None, ours: Reading) -> dict[str, list[CostTerm]]:
    """Every place with multiply-adds: by formula first, then what our counter found elsewhere."""
    places = product_terms(cost) if cost else {}
    for (place, _), macs in ours.macs.items():
        if macs:
            places.setdefault(place, [])
    return places


def _verdict(reading: Reading, ours: Reading, place: str, expected: int) -> Verdict:
    if reading.problem:
        return Verdict(Word.UNKNOWN, None)
    macs = reading.at(place)
    if macs == expected:
        return Verdict(Word.DECLARED if reading.is_declared_at(place) else Word.MATCH, macs)
    known = {
        name: (theirs, ours.macs.get((where, name), 0))
        for (where, name), theirs in reading.macs.items()
        if where == place
    }
    differs = {name: pair for name, pair in known.items() if pair[0] != pair[1]}
    word = Word.MISSES if macs < expected else Word.EXCEEDS
    return Verdict(word, macs, reading.unseen_at(place), differs)


def _elements(cost: Cost, count: Count) -> tuple[Elements, ...]:
    counted = count.elements
    formula = {kind: sum(term.operations for term in cost.terms if term.kind is kind) for kind in _ELEMENTS}
    return tuple(Elements(kind, formula[kind], counted[kind]) for kind in _ELEMENTS if formula[kind] or counted[kind])
