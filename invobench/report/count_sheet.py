"""`invobench count`: parameters, multiply-adds and minimum bytes of a cell, term by term, as a sheet (no torch)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invobench import units
from invobench.conventions import RULES, Convention
from invobench.cost import MODES, Cost
from invobench.errors import EXIT_MEASUREMENT, EXIT_OK
from invobench.report.count_lines import Group, as_tree, by_role
from invobench.report.sheet import Column, Line, Sheet
from invobench.report.symbolic import symbolic
from invobench.spec import read
from invobench.spec.cells import DTYPE_BYTES, Cell

COLUMNS = (
    Column("term", text=True),
    Column("kind", text=True),
    Column("formula\none image", text=True),
    Column("operations"),
    Column("MACs"),
    Column("share"),
    Column("params"),
    Column("share"),
    Column("min bytes\non its own"),
    Column("share"),
)

#: a smaller share is not told from another
_LEAST_SHARE = 1e-4


@dataclass(frozen=True)
class CountOptions:
    """How to count and what to show: a network as a tree, down to `depth` levels of it."""

    convention: Convention = Convention.FORMULA
    tree: bool = False
    depth: int | None = None


def count_sheet(cell: Cell, cost: Cost, options: CountOptions) -> Sheet:
    """The terms of `cell`, whose cost is `cost`, in its mode and dtype, for the whole batch."""
    groups = as_tree(cost, options.depth) if options.tree else by_role(cost)
    whole = Group("total", cost.terms, is_leaf=False)
    line = _drawn(cell, whole, options.convention)
    shape = "×".join(str(size) for size in cell.shape.dims)
    contract = ", ".join([cell.dtype, cell.mode, *([cell.scope] if cell.kind == "layer" else [])])
    return Sheet(
        title=f"{cell.label} · {shape} · {contract}",
        legend=_legend(options.convention),
        columns=COLUMNS,
        lines=(*(line(group) for group in groups), line(whole)),
        notes=_notes(cell, cost, whole, options.convention),
        records=tuple(_record(cell, group, options.convention) for group in by_term(cost)),
    )


def by_term(cost: Cost) -> list[Group]:
    """Every term on its own."""
    return [Group(term.name, (term,)) for term in cost.terms]


def _legend(convention: Convention) -> str:
    return (
        f"MACs are multiply-adds of the whole batch under convention {convention}: {RULES[convention].summary} "
        "(flops = 2 × MACs). Operations are multiply-adds of products, elements of everything else."
    )


def _drawn(cell: Cell, whole: Group, convention: Convention) -> Callable[[Group], Line]:
    """A function from a group to its line; shares are of `whole`."""
    mode, width = cell.mode, DTYPE_BYTES[cell.dtype]
    macs, params, elements = whole.macs(convention, mode), whole.params, whole.min_elements(mode)

    def line(group: Group) -> Line:
        mine, moved = group.macs(convention, mode), group.min_elements(mode)
        many = f" ×{len(group.terms)}" if len(group.terms) > 1 and group.is_leaf else ""
        cells = (
            f"{'  ' * group.depth}{group.name}{many}",
            group.terms[0].kind if group.is_leaf else "",
            group.formula(mode),
            units.exact(group.operations(mode)) if group.is_leaf else "",
            units.exact(mine) if mine else "",
            _share(mine, macs),
            units.exact(group.params) if group.params else "",
            _share(group.params, params),
            units.size(moved * width) if moved else "",
            _share(moved, elements),
        )
        is_total = group is whole
        return Line(cells, "strong" if is_total or not group.is_leaf else "plain", section=is_total)

    return line


def _share(part: int, whole: int) -> str:
    if not part or not whole:
        return ""
    return units.percent(part / whole) if part / whole >= _LEAST_SHARE else f"<{units.percent(_LEAST_SHARE)}"


def _notes(cell: Cell, cost: Cost, whole: Group, convention: Convention) -> tuple[str, ...]:
    width = DTYPE_BYTES[cell.dtype]
    modes = ", ".join(f"{mode} {units.exact(cost.macs(convention, mode))}" for mode in MODES)
    fused, alone = cell.min_bytes(cost), whole.min_elements(cell.mode) * width
    return (
        f"MACs by mode: {modes}.",
        f"Minimum bytes: {units.size(fused)} if each layer reads its input and parameters once and writes its output "
        f"once; {units.size(alone)} if each term does, which is what the column adds up to.",
    )


def _record(cell: Cell, group: Group, convention: Convention) -> dict[str, Any]:
    (term,) = group.terms
    values = {
        "spec": cell.spec,
        "name": cell.name,
        "coordinates": dict(cell.coordinates),
        "batch": cell.shape.batch,
        "in_channels": cell.shape.in_channels,
        "height": cell.shape.height,
        "width": cell.shape.width,
        "dtype": cell.dtype,
        "mode": cell.mode,
        "scope": cell.scope,
        "term": term.name,
        "kind": str(term.kind),
        "formula": term.formula.text if term.formula else None,
        "operations": term.scaled(cell.mode),
        "convention": str(convention),
        "macs": term.macs(convention, cell.mode) if term.kind in RULES[convention].weights else None,
        "params": term.params or None,
        "min_bytes": term.min_elements(cell.mode) * DTYPE_BYTES[cell.dtype] or None,
        "source": term.source or None,
    }
    return {key: value for key, value in values.items() if value is not None}


@dataclass(frozen=True)
class Counted:
    """The cells of specs with their costs, and the labels of those that have no formula."""

    cells: tuple[tuple[Cell, Cost], ...]
    without_formula: tuple[str, ...]
    options: CountOptions

    def sheets(self) -> list[Sheet]:
        """A sheet for each cell."""
        return [count_sheet(cell, cost, self.options) for cell, cost in self.cells]

    def symbolic(self) -> str:
        """Every cell's formula with its numbers."""
        return "\n\n".join(symbolic(cell, cost, self.options.convention) for cell, cost in self.cells)

    @property
    def exit_code(self) -> int:
        """4 where there was nothing to count."""
        return EXIT_OK if self.cells else EXIT_MEASUREMENT


def counted(specs: Sequence[Path], overrides: Sequence[str], options: CountOptions) -> Counted:
    """Count every cell of `specs`. Raises SpecError with every problem of every file."""
    cells = read(specs, overrides)
    costs = [(cell, cell.cost()) for cell in cells]
    return Counted(
        tuple((cell, cost) for cell, cost in costs if cost is not None),
        tuple(cell.label for cell, cost in costs if cost is None),
        options,
    )
