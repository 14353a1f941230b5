"""Two columns of stored rows against each other, a series a group, intervals as bars."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from invobench import units
from invobench.conventions import require_same
from invobench.errors import UnknownName, UsageError
from invobench.report.figures import LOGS, Request
from invobench.report.figures.chart import Axis, Chart, Point, is_log
from invobench.report.figures.columns import Column, column, number
from invobench.report.figures.grouping import series
from invobench.report.figures.records import CONTRACT, EXACT_CONTRACT, Record, distinct, read_records
from invobench.results import MEASURED, Row
from invobench.table import unknown

#: more points than these go without their names
FEW = 12
_USAGE = "invobench plot RESULTS.jsonl --x macs --y latency --out FILE"


def chart(request: Request) -> Chart:
    """Columns `x` and `y` of the rows in `files`; rows without both are left out, and named.

    Raises UsageError where nothing is left, where a column or group is unknown, and where multiply-adds were
    counted under different conventions.
    """
    if not request.files:
        raise UsageError(f"plot scatter needs a results file: {_USAGE}")
    records = read_records(request.files)
    rows = [record.row for record in records]
    columns = (column(request.x or "macs", rows), column(request.y or "latency", rows))
    group_by = _group(request.group_by or "operator", rows)
    reasons = [_missing(record.row, columns) for record in records]
    drawn = [record for record, reason in zip(records, reasons, strict=True) if reason is None]
    left_out = [(record.row, reason) for record, reason in zip(records, reasons, strict=True) if reason is not None]
    if not drawn:
        raise UsageError(_nothing(request, columns, left_out))
    if any(item.of_macs for item in columns):
        require_same([record.row.convention for record in drawn])
    plane = _plane(columns, drawn, request.log)
    contract = EXACT_CONTRACT if all(item.exact for item in columns) else CONTRACT
    groups = series(drawn, group_by, contract, plane.point)
    return Chart(
        plane.x.axis,
        plane.y.axis,
        groups,
        caption=(*_caption(drawn, columns), *_remarks(drawn, left_out, columns)),
        notes=tuple(f"left out: {_label(row)}: {reason}" for row, reason in left_out),
        named=sum(len(item.points) for item in groups) <= FEW,
    )


def _group(name: str, rows: Sequence[Row]) -> str:
    """`name`, which must be a field or a coordinate. Raises UnknownName."""
    known = {*Row.model_fields, *(key for row in rows for key in row.coordinates)}
    if name not in known:
        raise UnknownName(unknown("field to group by", name, known))
    return name


def _missing(row: Row, columns: Iterable[Column]) -> str | None:
    """Why the row cannot be drawn, None where it can."""
    for item in columns:
        if number(row, item.field) is None:
            return row.status if row.status not in MEASURED else f"no {item.label}"
    return None


def _label(row: Row) -> str:
    """Name and coordinates."""
    return " ".join([row.name, *(f"{key}={value}" for key, value in row.coordinates.items())])


def _tally(left_out: Iterable[tuple[Row, str]]) -> str:
    """`oom 1, no latency 2`."""
    return ", ".join(f"{reason} {count}" for reason, count in Counter(reason for _, reason in left_out).items())


def _nothing(request: Request, columns: tuple[Column, Column], left_out: Sequence[tuple[Row, str]]) -> str:
    files = " and ".join(map(str, request.files))
    why = f" ({_tally(left_out)})" if left_out else ""
    return f"{files}: nothing to draw: no row has both {columns[0].field} and {columns[1].field}{why}"


@dataclass(frozen=True)
class _Scale:
    """An axis and the unit that its values are divided by."""

    column: Column
    axis: Axis
    factor: float

    def value(self, row: Row) -> float:
        """The row's value, in the axis' unit. Raises ValueError where it has none."""
        found = number(row, self.column.field)
        if found is None:
            raise ValueError(f"{row.name} has no {self.column.field}")
        return found / self.factor

    def interval(self, row: Row) -> tuple[float, float] | None:
        """The row's interval, in the axis' unit."""
        found = self.column.interval(row)
        return None if found is None else (found[0] / self.factor, found[1] / self.factor)


@dataclass(frozen=True)
class _Plane:
    """Both axes."""

    x: _Scale
    y: _Scale

    def point(self, record: Record, name: str) -> Point:
        """The record's point."""
        row = record.row
        return Point(self.x.value(row), self.y.value(row), name, self.x.interval(row), self.y.interval(row))


def _plane(columns: tuple[Column, Column], drawn: Sequence[Record], log: str | None) -> _Plane:
    """Both axes: logarithmic or not, and in which unit."""
    asked: tuple[bool | None, bool | None] = (None, None) if log is None else LOGS[log]
    return _Plane(*(_scale(item, drawn, choice) for item, choice in zip(columns, asked, strict=True)))


def _scale(item: Column, drawn: Sequence[Record], asked: bool | None) -> _Scale:
    """An axis in the unit of its largest value, or of the middle of its values where it is logarithmic."""
    values = [found for record in drawn if (found := number(record.row, item.field)) is not None]
    log = is_log(item.field, values, asked)
    factor, unit = units.scale(item.quantity, math.sqrt(min(values) * max(values)) if log else max(values))
    return _Scale(item, Axis(f"{item.label} ({unit})" if unit else item.label, log), factor)


def _caption(drawn: Sequence[Record], columns: Iterable[Column]) -> Iterator[str]:
    """Convention, what all rows have in common, device and versions."""
    if any(item.of_macs for item in columns):
        yield f"multiply-adds of the batch, convention {drawn[0].row.convention} (flops\u00a0=\u00a02\u00a0×\u00a0MACs)"
    common = [found[0] for key in ("mode", "dtype", "scope") if len(found := distinct(drawn, key)) == 1]
    if common:
        yield ", ".join(common)
    for key in ("machine", "torch"):
        found = distinct(drawn, key)
        if found:
            yield " and ".join(found)
    yield f"invobench {' and '.join(dict.fromkeys(record.run.environment.invobench for record in drawn))}"


def _remarks(drawn: Sequence[Record], left_out: Sequence[tuple[Row, str]], columns: Iterable[Column]) -> Iterator[str]:
    """What a reader must know of the points: what their bars are, how many are noisy, how many rows have none."""
    if any(item.interval(record.row) for item in columns for record in drawn):
        yield "bars: 95 % interval of the median"
        noisy = sum(record.row.status == "noisy" for record in drawn)
        if noisy:
            yield f"{noisy} of {len(drawn)} rows noisy"
    if left_out:
        yield f"{len(left_out)} row{'s' if len(left_out) > 1 else ''} left out: {_tally(left_out)}"
