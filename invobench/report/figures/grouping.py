"""Series of a scatter plot: rows by group, split by what else tells them apart, joined where they are one sweep."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from invobench.report.figures.chart import Point, Series
from invobench.report.figures.records import CONTRACT, Record, varying, worded
from invobench.results import Row

#: the point of a record, under a name
MakePoint = Callable[[Record, str], Point]

#: coordinates that a series' label tells where the drawn columns depend on them
_TOLD = (*CONTRACT, "device")


def series(
    drawn: Sequence[Record], group_by: str, contract: Sequence[str], make_point: MakePoint
) -> tuple[Series, ...]:
    """A series for each value of `group_by`, split by those keys of the `contract` that vary within it."""
    groups: dict[str, list[Record]] = {}
    for record in drawn:
        found = record.get(group_by)
        groups.setdefault("none" if found is None else str(found), []).append(record)
    return tuple(part for group, members in groups.items() for part in _split(group, members, contract, make_point))


def _split(group: str, members: Sequence[Record], contract: Sequence[str], make_point: MakePoint) -> Iterator[Series]:
    """The series of one group."""
    keys = varying(members, contract)
    parts: dict[str, list[Record]] = {}
    for record in members:
        words = [worded(key, record.get(key)) for key in keys if record.get(key) is not None]
        parts.setdefault(", ".join([group, *words]), []).append(record)
    for label, part in parts.items():
        yield Series(label, group, tuple(_lines(part, make_point)))


def _lines(part: Sequence[Record], make_point: MakePoint) -> Iterator[tuple[Point, ...]]:
    """Points of a series, by abscissa; equal ones stand once.

    A line joins the networks of a family, or a layer swept over one key, if no two of them share an abscissa.
    """
    families: dict[tuple[str, str], list[Record]] = {}
    for record in part:
        families.setdefault((record.row.kind, _family(record.row)), []).append(record)
    names = Counter(record.row.name for record in part)
    for members in families.values():
        swept = _swept([record.row for record in members])
        named = [(record, swept if names[record.row.name] > 1 else []) for record in members]
        points = dict.fromkeys(make_point(record, _name(record.row, keys)) for record, keys in named)
        line = tuple(sorted(points, key=lambda point: point.x))
        joined = len(swept) <= 1 and len({point.x for point in line}) == len(line)
        yield from [line] if joined else [(point,) for point in line]


def _family(row: Row) -> str:
    """A network's name without its depth; a layer's name."""
    return re.sub(r"\d+$", "", row.name) if row.kind == "network" else row.name


def _swept(rows: Sequence[Row]) -> list[str]:
    """The coordinates in which `rows` differ and which no label of a series tells."""
    keys = dict.fromkeys(key for row in rows for key in row.coordinates if key not in _TOLD)
    return [key for key in keys if len({str(row.coordinates.get(key)) for row in rows}) > 1]


def _name(row: Row, keys: Sequence[str]) -> str:
    """The row's name, and its coordinates along `keys`."""
    words = [f"{key.rpartition('.')[2]}={row.coordinates[key]}" for key in keys if key in row.coordinates]
    return " ".join([row.name, *words])
