"""The columns of rows that can stand on an axis: what they are called, and in which unit they are drawn."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from invobench.errors import UnknownName
from invobench.results import Row
from invobench.table import unknown


@dataclass(frozen=True)
class Column:
    """A field of a row. `quantity`: as `invobench.units.scale` has it; `low`, `high`: the fields of its interval.

    `exact`: it follows from the shapes alone, whatever the machine.
    """

    field: str
    label: str
    quantity: str = "plain"
    low: str = ""
    high: str = ""
    exact: bool = False

    def interval(self, row: Row) -> tuple[float, float] | None:
        """The row's 95 % interval of this column, None where it has none."""
        low, high = (getattr(row, name) if name else None for name in (self.low, self.high))
        return None if low is None or high is None else (low, high)

    @property
    def of_macs(self) -> bool:
        """Whether its numbers mean something under a convention only."""
        return self.field.startswith("macs_")


#: short name of a column -> its field
ALIASES: Mapping[str, str] = {
    "macs": "macs_formula",
    "latency": "latency_s",
    "peak_memory": "peak_memory_bytes",
    "throughput": "throughput_per_s",
}
_KNOWN: Mapping[str, Column] = {
    column.field: column
    for column in (
        Column("params", "parameters", "count", exact=True),
        Column("macs_formula", "multiply-adds", "count", exact=True),
        Column("macs_dispatched", "dispatched multiply-adds", "count", exact=True),
        Column("macs_fvcore", "multiply-adds by fvcore", "count", exact=True),
        Column("macs_torch", "multiply-adds by torch", "count", exact=True),
        Column("latency_s", "latency", "time", "latency_low_s", "latency_high_s"),
        Column("peak_memory_bytes", "peak memory", "bytes"),
        Column("min_bytes", "least bytes moved", "bytes", exact=True),
        Column("throughput_per_s", "throughput, images per second"),
        Column("max_error", "largest error, relative"),
    )
}
_SUFFIXES = {"_s": "time", "_bytes": "bytes"}
#: fields that a spec decides
_SHAPES = frozenset({"batch", "in_channels", "out_channels", "height", "width", "kernel_size", "stride"})


def numeric_fields() -> tuple[str, ...]:
    """Fields of a row that hold a number, or one or nothing."""
    numbers = (int, float, int | None, float | None)
    return tuple(name for name, info in Row.model_fields.items() if info.annotation in numbers)


def column(name: str, rows: Collection[Row]) -> Column:
    """The column called `name`: an alias, a numeric field, or a coordinate of the matrix that `rows` come from.

    Raises UnknownName, with what the rows have.
    """
    field = ALIASES.get(name, name)
    if field in _KNOWN:
        return _KNOWN[field]
    coordinates = {key for row in rows for key in row.coordinates}
    if field not in numeric_fields() and field not in coordinates:
        filled = {name for name in numeric_fields() if any(getattr(row, name) is not None for row in rows)}
        raise UnknownName(unknown("column", name, {*ALIASES, *filled, *coordinates}))
    suffix = next((end for end in _SUFFIXES if field.endswith(end) and not field.endswith("_per_s")), "")
    label = field.removesuffix(suffix).replace("_", " ")
    exact = field in _SHAPES or field in coordinates
    return Column(field, label, _SUFFIXES.get(suffix, "plain"), exact=exact)


def value(row: Row, field: str) -> Any:
    """What a row has in a field or, of a name that is none, in its coordinates; None where it has nothing."""
    return getattr(row, field) if field in Row.model_fields else row.coordinates.get(field)


def number(row: Row, field: str) -> float | None:
    """The same where it is a number, else None."""
    found = value(row, field)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None
