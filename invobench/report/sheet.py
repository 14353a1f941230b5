"""A sheet: a table with what stands above and below it, which every format for people or programs can draw.

What a command has to show becomes sheets; a format is a file with `render(sheets, page) -> str` and a line in
`SHEETS` (`invobench.report`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Column:
    """A heading of one or two lines; text is aligned left, figures right.

    `wrap`: its cells may be broken over lines where there is little room, as names may be and figures are not.
    """

    heading: str
    text: bool = False
    wrap: bool = False


@dataclass(frozen=True)
class Line:
    """A row as text, one cell a column. `section`: a rule stands above it, unless it is the first.

    `heading`: its first cell heads the lines below, and the others are empty.
    """

    cells: tuple[str, ...]
    style: Literal["plain", "strong", "bad", "dim", "heading"] = "plain"
    section: bool = False


@dataclass(frozen=True)
class Sheet:
    """A table: title and legend above, notes below.

    `records`: the same for programs, one mapping a row: SI base units with the unit in the name, no key where there
    is no value.
    """

    title: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    legend: str = ""
    notes: tuple[str, ...] = ()
    records: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
