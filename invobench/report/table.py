"""`--format table`: tables for people, with rich."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from invobench.report import Page
from invobench.report.sheet import Sheet

#: columns of text that a column which wraps has at least: names wrap, figures are never cut
_NAME_WIDTH = 15
#: and what stands above and below a table has at least, however narrow the terminal says that it is
_TEXT_WIDTH = 40
#: and that the first has at most for the sake of the headings in it
_HEADING_WIDTH = 40
_STYLES: Mapping[str, str] = {"plain": "", "strong": "bold", "bad": "red", "dim": "dim", "heading": "bold"}


def render(sheets: Sequence[Sheet], page: Page) -> str:
    """The sheets as text, a blank line between two, with colour codes only where the page has colour.

    At most `page.width` columns wide, or as wide as the figures and a name beside them are.
    """
    return "\n".join(_drawn(sheet, page) for sheet in sheets)


def _drawn(sheet: Sheet, page: Page) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=max(page.width, _least_width(sheet)),
        force_terminal=page.color,
        no_color=not page.color,
        highlight=False,
        emoji=False,
    )
    width = max(page.width, _TEXT_WIDTH)
    console.print(Text(sheet.title), style="bold", width=width)
    if sheet.legend:
        console.print(Text(sheet.legend), style="dim", width=width)
    console.print()
    console.print(_table(sheet))
    if sheet.notes:
        console.print()
    for note in sheet.notes:
        console.print(Text(note), style="dim", width=width)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def _table(sheet: Sheet) -> Table:
    """Columns and lines."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for index, column in enumerate(sheet.columns):
        table.add_column(
            Text(column.heading),
            justify="left" if column.text else "right",
            no_wrap=not column.wrap,
            min_width=_heads(sheet, index),
            overflow="fold",
        )
    for index, line in enumerate(sheet.lines):
        if line.section and index:
            table.add_section()
        table.add_row(*(Text(cell) for cell in line.cells), style=_STYLES[line.style])
    return table


def _least_width(sheet: Sheet) -> int:
    """Columns of text that the table needs: every figure whole, and two blanks between columns."""
    return sum(_least(sheet, index) + 2 for index in range(len(sheet.columns))) - 1


def _least(sheet: Sheet, index: int) -> int:
    """Columns of text that column `index` needs: its longest cell, but for what may be broken over lines."""
    column = sheet.columns[index]
    whole = _longest([column.heading, *(line.cells[index] for line in sheet.lines)])
    if not column.wrap:
        return whole
    return max(min(whole, _NAME_WIDTH), _heads(sheet, index))


def _heads(sheet: Sheet, index: int) -> int:
    """Columns of text for the headings above groups of lines, which stand in the first column."""
    return min(_HEADING_WIDTH, _longest([line.cells[index] for line in sheet.lines if line.style == "heading"]))


def _longest(cells: Sequence[str]) -> int:
    """The longest line of the cells."""
    return max((cell_len(part) for cell in cells for part in cell.splitlines()), default=0)
