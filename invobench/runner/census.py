"""What a built module has: parameters, and the work that it dispatched, by kind, for any convention to add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from invobench.complexity.counters.ours import count
from invobench.complexity.crosscheck import product_terms
from invobench.conventions import PRODUCTS, RULES, Convention, Kind
from invobench.cost import Cost
from invobench.errors import MeasurementError
from invobench.operators.base import LayerShape, LayerSpec
from invobench.runner.crosscheck import counting_case
from invobench.runner.subjects import subject_of
from invobench.spec.cells import Cell, Measure, NetworkSpec


@dataclass(frozen=True)
class Census:
    """Parameters of the built module; elements and multiply-adds by kind as dispatched, forward in eval mode.

    `padding`, `leaf`: multiply-adds that meet the border's zeros, by the formula, since no counter sees values; and
    those that read the network's input.
    """

    params: int
    work: Counter[Kind]
    padding: int
    leaf: Counter[Kind]

    def macs(self, convention: Convention) -> int:
        """Multiply-adds under `convention`."""
        rule = RULES[convention]
        work = self.work - self.leaf if rule.without_leaf else self.work
        return sum(rule.weights.get(kind, 0) * work[kind] for kind in Kind) - (self.padding if rule.valid_taps else 0)


@lru_cache(maxsize=256)
def census_of(what: NetworkSpec | LayerSpec, shape: LayerShape) -> Census:
    """Build `what` on `meta` and count it. Raises MeasurementError where it has no formula or work that none explains.

    The formula says of which kind the work at a place is; how much it is comes from the counter.
    """
    cell = Cell("census", "census", (), what, shape, "float32", "forward", "module", "auto", "cpu", Measure())
    cost = cell.cost()
    if cost is None:
        raise MeasurementError(f"{cell.label}: has no formula, which says what its work is")
    case = counting_case(cell)
    found = count(subject_of(case))
    found.require_complete()
    work: Counter[Kind] = Counter()
    leaf: Counter[Kind] = Counter()
    terms = product_terms(cost)
    for (place, name), tally in found.operations.items():
        if place not in terms:
            raise MeasurementError(f"{name} in {place}: no term of the formula runs there")
        term = terms[place][0]
        work[term.kind] += tally.macs
        leaf[term.kind] += tally.macs if term.leaf_input else 0
    for kind, elements in found.elements.items():
        if kind in list(Kind):
            work[Kind(kind)] += elements
    params = sum(parameter.numel() for parameter in case.module.parameters())
    return Census(params, work, _padding(cost), leaf)


def _padding(cost: Cost) -> int:
    return sum(term.padding_operations for term in cost.terms if term.kind in PRODUCTS)
