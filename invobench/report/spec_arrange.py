"""Which columns a table of a spec has, and the order and groups of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from invobench.errors import UnknownName, UsageError
from invobench.report.spec_columns import FIGURES, Figure, Point, facts
from invobench.table import unknown


@dataclass(frozen=True)
class Shown:
    """A column that was asked for: a figure, or a fact of the cells (`figure` is None)."""

    name: str
    figure: Figure | None

    @property
    def heading(self) -> str:
        """The figure's heading, or the fact's name on two lines where it has two words."""
        return self.name.replace("_", "\n", 1) if self.figure is None else self.figure.heading

    def value(self, item: Point) -> Any:
        """The figure or fact, None where there is none."""
        return facts(item).get(self.name) if self.figure is None else self.figure.of(item)

    def text(self, item: Point) -> str:
        """The same as text."""
        return str(facts(item).get(self.name, "")) if self.figure is None else self.figure.shown(item)

    def is_text(self, points: Sequence[Point]) -> bool:
        """Whether it is words, which are aligned left."""
        return self.figure is None and any(isinstance(self.value(item), str) for item in points)

    def record(self, item: Point) -> dict[str, Any]:
        """The same for programs."""
        if self.figure is not None:
            return self.figure.record(item)
        value = self.value(item)
        return {} if value is None else {self.name: value}


def find(name: str, points: Sequence[Point], has_results: bool) -> Shown:
    """The column or key `name`. Raises UnknownName, and UsageError for one that needs results and has none."""
    figure = FIGURES.get(name)
    if figure is None:
        keys = _keys(points)
        if name not in keys:
            raise UnknownName(unknown("column", name, [*FIGURES, *keys]))
    elif figure.measured and not has_results:
        raise UsageError(f"column {name} is measured: give --results results.jsonl of `invobench profile`")
    return Shown(name, figure)


def named(name: str, points: Sequence[Point]) -> Point:
    """The row whose label or name is `name`. Raises UnknownName where none is, UsageError where several are."""
    labelled = [item for item in points if item.cell.label == name]
    found = labelled or [item for item in points if item.cell.name == name]
    if not found:
        raise UnknownName(unknown("row", name, {item.cell.label for item in points}))
    if len(found) > 1:
        labels = list(dict.fromkeys(item.cell.label for item in found))
        fix = f"name one: {', '.join(labels)}" if len(labels) > 1 else "leave one of them out"
        raise UsageError(f"baseline '{name}' is {len(found)} rows: {fix}")
    return found[0]


def grouped(points: Sequence[Point], key: str | None) -> list[tuple[str | None, list[Point]]]:
    """Groups with their headings, in the order in which they first appear; all rows in one without `key`."""
    if key is None:
        return [(None, list(points))]
    keys = _keys(points)
    if key not in keys:
        raise UnknownName(unknown("key to group by", key, keys))
    groups: dict[str | None, list[Point]] = {}
    for item in points:
        value = facts(item).get(key)
        heading = f"no {key}" if value is None else value if isinstance(value, str) else f"{key} {value}"
        groups.setdefault(heading, []).append(item)
    return list(groups.items())


def ordered(points: Sequence[Point], sort: str | None, has_results: bool) -> list[Point]:
    """Rows by the column or key `sort`, `-` before it for descending; in their own order where they tie.

    Rows without a value come last either way.
    """
    if sort is None:
        return list(points)
    shown = find(sort.removeprefix("-"), points, has_results)
    valued = [item for item in points if shown.value(item) is not None]
    valued.sort(key=lambda item: _comparable(shown.value(item)), reverse=sort.startswith("-"))
    return valued + [item for item in points if shown.value(item) is None]


def _comparable(value: Any) -> tuple[bool, Any]:
    """Numbers before text."""
    return (False, value) if isinstance(value, int | float) else (True, str(value))


def _keys(points: Sequence[Point]) -> list[str]:
    """Every fact that some row has."""
    return list(dict.fromkeys(key for item in points for key in facts(item)))
