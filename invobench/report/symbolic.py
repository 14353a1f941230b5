"""`invobench count --symbolic`: the formulas themselves, with a spec's numbers in their places, for one image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from invobench import units
from invobench.conventions import RULES, Convention
from invobench.cost import Cost, CostTerm
from invobench.report.count_lines import role
from invobench.spec.cells import Cell


def symbolic(cell: Cell, cost: Cost, convention: Convention) -> str:
    """The cell's formula, then each term's; equal terms of a network once, with how often they occur."""
    shape = "×".join(str(size) for size in (1, *cell.shape.dims[1:]))
    head = f"{cell.label} · {shape} · multiply-adds of one image, {cell.mode}, convention {convention}"
    return "\n".join([head, *(f"  {line}" for line in _lines(cell, cost, convention))])


def _lines(cell: Cell, cost: Cost, convention: Convention) -> Iterator[str]:
    total = cost.macs(convention, cell.mode) // cell.shape.batch
    if cost.formula and convention is Convention.FORMULA:
        formula = cost.formula.times(cost.macs(mode=cell.mode) // cost.macs())
        yield f"{formula.symbols()} = {formula.numbers()} = {units.exact(total)}"
    found: Counter[tuple[str, str]] = Counter()
    for term in cost.terms:
        if term.macs(convention, cell.mode):
            found[role(term.name), _written(term, cell, convention)] += 1
    width = max((len(name) for name, _ in found), default=0)
    for (name, text), times in found.items():
        often = f"{times} × " if times > 1 else ""
        yield f"{name.ljust(width)}  {often}{text}"
    yield f"{'total'.ljust(width)}  {units.exact(total)}"


def _written(term: CostTerm, cell: Cell, convention: Convention) -> str:
    """`HWC²/r = 3136·64²/4 = 3,211,264`, with the convention's weight and what it leaves out."""
    value = term.macs(convention, cell.mode) // cell.shape.batch
    if term.formula is None:
        return units.exact(value)
    factor = RULES[convention].weights[term.kind] * term.factor(cell.mode)
    formula = term.formula.times(factor)
    left_out = formula.value - value
    tail = f" - {units.exact(left_out)}" if left_out else ""
    named = " - taps on padding" if left_out else ""
    return f"{formula.symbols()}{named} = {formula.numbers()}{tail} = {units.exact(value)}"
