"""`invobench tables --spec`: a table as papers print it, from a user's spec and, for what is measured, its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invobench.conventions import Convention, require_same
from invobench.report.sheet import Column, Line, Sheet
from invobench.report.spec_arrange import Shown, find, grouped, named, ordered
from invobench.report.spec_columns import Point, point
from invobench.report.spec_notes import legend, notes, title
from invobench.report.spec_results import joined
from invobench.report.view import label, usual
from invobench.spec.cells import Cell

_COUNTED = ("input", "params", "macs", "min_bytes")
_MEASURED = ("latency", "peak_memory")


@dataclass(frozen=True)
class TableOptions:
    """What the table shows: names of columns (a choice of ours where there are none), and how it is arranged.

    `sort`: a column or key, `-` before it for descending. `baseline`: the label or name of the row that changes are
    against.
    """

    convention: Convention = Convention.FORMULA
    columns: tuple[str, ...] = ()
    group_by: str | None = None
    sort: str | None = None
    baseline: str | None = None


def spec_sheet(cells: Sequence[Cell], results: Path | None, options: TableOptions) -> Sheet:
    """The table of `cells` (`invobench.spec.read`), with the measured columns of the results file `results`.

    Multiply-adds are per image under `options.convention`; bytes, times and memory are those of a call. Raises
    UsageError for a results file of another spec, a measured column without one, or multiply-adds of two
    conventions; UnknownName for a name that there is not.
    """
    run, rows = joined(cells, results) if results else (None, [None] * len(cells))
    points = [point(cell, row, options.convention) for cell, row in zip(cells, rows, strict=True)]
    names = dict.fromkeys(options.columns or (*_COUNTED, *(_MEASURED if run else ())))
    columns = [find(name, points, run is not None) for name in names]
    if any(column.figure is not None and column.figure.carried for column in columns):
        require_same([options.convention, *(item.known.convention for item in points)])
    base = None if options.baseline is None else named(options.baseline, points)
    common = usual([item.known for item in points])
    elsewhere = {*names, *([options.group_by] if options.group_by else [])}
    drawn = _Drawn(columns, base, options, {id(item): label(item.known, common, elsewhere) for item in points})
    lines: list[Line] = []
    records: list[dict[str, Any]] = []
    for heading, members in grouped(points, options.group_by):
        inside = ordered(members, options.sort, run is not None)
        lines += [*drawn.heading(heading), *(drawn.line(item) for item in inside)]
        records += [drawn.record(item) for item in inside]
    return Sheet(
        title(points, common),
        drawn.heads(points),
        tuple(lines),
        legend(columns, points, options.convention),
        tuple(notes(columns, points, drawn.labels, base, run, options.convention)),
        tuple(records),
    )


@dataclass(frozen=True)
class _Drawn:
    """The columns, and what is the same for every row: `labels` by the points' ids, and the baseline's point."""

    columns: Sequence[Shown]
    base: Point | None
    options: TableOptions
    labels: Mapping[int, str]

    def heads(self, points: Sequence[Point]) -> tuple[Column, ...]:
        """The headings, a Δ after each figure where there is a baseline."""
        kinds = {item.cell.kind for item in points}
        found = [Column(kinds.pop() if len(kinds) == 1 else "name", text=True, wrap=True)]
        for shown in self.columns:
            heading = shown.heading.format(convention=self.options.convention)
            found += [Column(heading, text=shown.is_text(points)), *([Column("Δ")] if self._compared(shown) else [])]
        return tuple(found)

    def heading(self, text: str | None) -> list[Line]:
        """The line above a group, none without groups."""
        width = 1 + sum(1 + self._compared(shown) for shown in self.columns)
        return [] if text is None else [Line((text, *[""] * (width - 1)), "heading", section=True)]

    def line(self, item: Point) -> Line:
        """A row as text."""
        cells = [self.labels[id(item)]]
        for shown in self.columns:
            cells.append(shown.text(item))
            if shown.figure is not None and self.base is not None:
                cells.append(shown.figure.change(item, self.base))
        return Line(tuple(cells), "plain" if item.row is None or item.measured else "bad")

    def record(self, item: Point) -> dict[str, Any]:
        """A row for programs: what it is, then its columns."""
        row = item.known
        found: dict[str, Any] = {"spec": row.spec, "name": row.name, "coordinates": row.coordinates}
        words = ("kind", "operator", "device", "dtype", "mode", "scope", "batch", "in_channels", "height", "width")
        found |= {key: getattr(row, key) for key in words if getattr(row, key) is not None}
        found |= {"backend": row.backend or row.backend_requested, "convention": item.convention.value}
        found |= {} if item.row is None else {"status": row.status}
        for shown in self.columns:
            found |= shown.record(item)
            ratio = shown.figure.ratio(item, self.base) if shown.figure is not None and self.base is not None else None
            found |= {} if ratio is None else {f"{shown.name}_over_baseline": ratio}
        return found

    def _compared(self, shown: Shown) -> bool:
        return self.base is not None and shown.figure is not None
