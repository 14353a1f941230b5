"""Specs: YAML -> validated cells, or every problem at once with its position."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from invobench.errors import Problem, SpecError
from invobench.spec.cells import Cell
from invobench.spec.document import cells_of_document
from invobench.spec.entries import Usage
from invobench.spec.loader import load
from invobench.spec.located import Place, printable
from invobench.spec.overrides import no_such_key, parse_overrides


def read(paths: Sequence[Path], overrides: Sequence[str] = ()) -> list[Cell]:
    """The cells of the specs at `paths`, `key=value` overrides applied.

    Raises SpecError with every problem of every file.
    """
    report: set[Problem] = set()
    parsed = parse_overrides(overrides, report)
    usage = Usage()
    cells: list[Cell] = []
    for index, path in enumerate(paths):
        if path in paths[:index]:
            report.add(Place(printable(str(path)), 1, 1).problem("is given twice: name each spec once"))
            continue
        loaded = load(path, report)
        if loaded.root is None:
            usage.unsure = True
            continue
        found: set[Problem] = set()
        cells += cells_of_document(loaded.root, parsed, usage, found)
        # what is wrong with a value that could not be loaded has been reported
        report |= {problem for problem in found if (problem.line, problem.column) not in loaded.lost}
    if not usage.unsure:
        report.update(no_such_key(override, usage.known) for override in parsed if override.key not in usage.used)
    if report:
        raise SpecError(list(report))
    return cells
