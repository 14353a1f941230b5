"""What `invobench count` has lines of: the terms of a cost, one by one, grouped by role, or as a tree with sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from invobench.conventions import Convention
from invobench.cost import Cost, CostTerm


@dataclass(frozen=True)
class Group:
    """Terms under one name, at a depth of the tree (0 where there is none)."""

    name: str
    terms: tuple[CostTerm, ...]
    depth: int = 0
    is_leaf: bool = True

    def macs(self, convention: Convention, mode: str) -> int:
        """Their multiply-adds under `convention`."""
        return sum(term.macs(convention, mode) for term in self.terms)

    def operations(self, mode: str) -> int:
        """Their operations, whatever a convention counts."""
        return sum(term.scaled(mode) for term in self.terms)

    def min_elements(self, mode: str) -> int:
        """Elements that they move, each on its own."""
        return sum(term.min_elements(mode) for term in self.terms)

    @property
    def params(self) -> int:
        """Their learnable numbers."""
        return sum(term.params for term in self.terms)

    @cached_property
    def alike(self) -> bool:
        """Whether they are of one kind with the same formula and numbers."""
        return len({(term.kind, term.formula) for term in self.terms}) == 1

    def formula(self, mode: str) -> str:
        """Operations of one image in symbols, empty where the terms differ in their form."""
        texts = {term.formula.times(term.factor(mode)).symbols() for term in self.terms if term.formula}
        return texts.pop() if len(texts) == 1 and self.is_leaf else ""


def role(name: str) -> str:
    """A term's name without the numbers of stages and blocks."""
    return ".".join(part for part in name.split(".") if not part.isdigit())


def by_role(cost: Cost) -> list[Group]:
    """Terms that have the same role in every block together, in the order of first appearance."""
    groups: dict[str, list[CostTerm]] = {}
    for term in cost.terms:
        groups.setdefault(role(term.name), []).append(term)
    return [Group(name, tuple(terms)) for name, terms in groups.items()]


def as_tree(cost: Cost, most_depth: int | None = None) -> list[Group]:
    """Every stage, block and module before what it is made of; each is the sum of the next deeper ones below it."""
    return list(_tree([(_steps(term.name), term) for term in cost.terms], (), 0, most_depth))


def _steps(name: str) -> tuple[str, ...]:
    """A path in steps that read as places: `stages.0.1.spatial.span` -> stages, stages.0, stages.0.1, spatial, span."""
    steps: list[str] = []
    for part in name.split("."):
        steps.append(f"{steps[-1]}.{part}" if part.isdigit() and steps else part)
    return tuple(steps)


_Item = tuple[tuple[str, ...], CostTerm]


def _tree(items: Sequence[_Item], prefix: tuple[str, ...], depth: int, most: int | None) -> Iterator[Group]:
    """Groups below `prefix`, which all of `items` share."""
    children: dict[str, list[_Item]] = {}
    for steps, term in items:
        children.setdefault(steps[depth], []).append((steps, term))
    for name, inner in children.items():
        deeper = [item for item in inner if len(item[0]) > depth + 1]
        own = [item for item in inner if len(item[0]) == depth + 1]
        yield Group(name, tuple(term for _, term in inner), depth, is_leaf=not deeper)
        if deeper and (most is None or depth + 1 < most):
            for _, term in own:  # a product whose bias has a line of its own below
                yield Group(name, (term,), depth + 1)
            yield from _tree(deeper, (*prefix, name), depth + 1, most)
