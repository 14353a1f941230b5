"""Published figures as data: `published.csv` of the package, or a file of the user's with the same columns (no torch).

`params_m` is in millions, `flops_g` in 10⁹ of what its source calls FLOPs; `precision` says how the figure was had
(`printed`, or `read off a plot`), and the tolerances how far from it a value may be and still be the same.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Self

from invobench.errors import UsageError


class Printed(float):
    """A number as it stands in its source: `text` keeps the digits, a last 0 included."""

    text: str

    def __new__(cls, text: str) -> Self:
        """The number in `text`. Raises ValueError where it is none."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    @property
    def decimals(self) -> int:
        """Digits after the point."""
        exponent = Decimal(self.text).as_tuple().exponent
        return max(0, -exponent) if isinstance(exponent, int) else 0

    def exactly(self, unit: int) -> Fraction:
        """This number of `unit`s, as printed and not as a float has it."""
        return Fraction(self.text) * unit


@dataclass(frozen=True)
class PublishedRow:
    """A row as it was published. `setting` is `key=value` of an ablation, or empty; an unknown figure is None.

    `line`: where the row stands, `file:line`.
    """

    table: str
    model: str
    operator: str
    setting: str
    params_m: Printed | None
    flops_g: Printed | None
    top1: Printed | None
    source: str
    precision: str
    params_tolerance_m: Printed
    flops_tolerance_g: Printed
    line: str = field(compare=False)


COLUMNS = tuple(column.name for column in fields(PublishedRow) if column.name != "line")
_NUMBERS = ("params_m", "flops_g", "top1", "params_tolerance_m", "flops_tolerance_g")
_REQUIRED = ("table", "model", "source", "params_tolerance_m", "flops_tolerance_g")


def read_published(path: Path | None = None) -> tuple[PublishedRow, ...]:
    """The rows of the file at `path`, of the package's own without one.

    Raises UsageError, naming file and line, for a file that has other columns or a value that cannot be.
    """
    if path is None:
        text, name = (files("invobench.published") / "published.csv").read_text(encoding="utf-8"), "published.csv"
    else:
        name = str(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{name}: cannot read: {error}") from None
    reader = csv.DictReader(text.splitlines(), strict=True)
    try:
        rows = tuple(_rows(reader, name))
    except csv.Error as error:
        raise UsageError(f"{name}:{reader.line_num}: not CSV: {error}") from None
    if not rows:
        raise UsageError(f"{name}: has no rows below its header")
    return rows


def _rows(reader: csv.DictReader[str], name: str) -> Iterator[PublishedRow]:
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise UsageError(f"{name}:1: missing columns: {', '.join(missing)}; the columns are {','.join(COLUMNS)}")
    for values in reader:
        where = f"{name}:{reader.line_num}"
        text = {column: (values[column] or "").strip() for column in COLUMNS}
        for column in _REQUIRED:
            if not text[column]:
                raise UsageError(f"{where}: {column}: is empty")
        numbers = {column: _number(text.pop(column), f"{where}: {column}") for column in _NUMBERS}
        yield PublishedRow(**text, **numbers, line=where)  # type: ignore[arg-type]


def _number(text: str, where: str) -> Printed | None:
    if not text:
        return None
    try:
        value = Printed(text)
    except ValueError:
        raise UsageError(f"{where}: must be a number, not '{text}'") from None
    if not 0 <= value < float("inf"):
        raise UsageError(f"{where}: must be a number of at least 0, not '{text}'")
    return value
