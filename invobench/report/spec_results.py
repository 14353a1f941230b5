"""The rows of a results file that are the cells of a spec, or why they are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from invobench.errors import UsageError
from invobench.results import Row, Run, read_results
from invobench.spec.cells import Cell


def joined(cells: Sequence[Cell], path: Path) -> tuple[Run, list[Row]]:
    """The run at `path` and the row of each of `cells`, in their order.

    A row is a cell's where everything that decides what is measured is the same: the path of the spec and the device
    asked for may differ. Raises UsageError for a file that cannot be read, that lacks a cell, or has one that is
    not among `cells`.
    """
    results = read_results(path)
    run, rows = results.run, results.rows
    by_key = {row.cell_key: row for row in rows}
    ways = list(dict.fromkeys((row.spec, row.device_requested) for row in rows))
    found = {cell.key: _row(cell, by_key, ways) for cell in cells}
    matched = {row.cell_key: row for row in found.values() if row is not None}
    lacking = [cell.label for cell in cells if found[cell.key] is None]
    strange = [_label(row) for row in rows if row.cell_key not in matched]
    if lacking or strange:
        specs = ", ".join(dict.fromkeys(cell.spec for cell in cells))
        raise UsageError(
            f"{path}: {_difference(lacking, strange, bool(matched), specs)}; it was made by: {run.command}"
        )
    return run, [row for cell in cells if (row := found[cell.key]) is not None]


def _row(cell: Cell, by_key: dict[str, Row], ways: Iterable[tuple[str, str]]) -> Row | None:
    return next((by_key[key] for key in _keys(cell, ways) if key in by_key), None)


def _keys(cell: Cell, ways: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The keys that the cell may have had in the run, its own first, then those of its own spec."""
    yield cell.key
    for spec, device in sorted(ways, key=lambda way: way[0] != cell.spec):
        yield replace(cell, spec=spec, device=device).key


def _difference(lacking: list[str], strange: list[str], any_matched: bool, specs: str) -> str:
    """What is wrong with the file, and what to do."""
    if not any_matched:
        return f"results of another spec: no row of it is a cell of {specs}: give the spec and --set of its run"
    if lacking:
        again = f"go on with its run (--resume), or profile {specs} as it is now"
        return f"not the results of {specs}: lacks {_some(lacking)}: {again}"
    return f"not the results of {specs}: has {_some(strange)}, which is no cell of it: give every spec of its run"


def _some(labels: list[str]) -> str:
    """The first, and how many more there are."""
    more = f" and {len(labels) - 1} more" if len(labels) > 1 else ""
    return f"'{labels[0]}'{more}"


def _label(row: Row) -> str:
    return " ".join([row.name, *(f"{key}={value}" for key, value in row.coordinates.items())])
