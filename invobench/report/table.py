"""`--format table`: the table for people, with rich."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from invobench.report import Page
from invobench.report.view import HEADINGS, View, view
from invobench.results import Row, Run

#: columns of text that the first column has at least: names wrap, figures are never cut
_NAME_WIDTH = 16


def render(run: Run, rows: Sequence[Row], page: Page) -> str:
    """The table as text, with colour codes only where the page has colour.

    At most `page.width` columns wide, or as wide as the figures and a name beside them are.
    """
    shown = view(run, rows)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for index, (heading, is_text) in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if is_text else "right", no_wrap=index > 0, overflow="fold")
    for index, line in enumerate(shown.lines):
        if line.first and index:
            table.add_section()
        style = "bold" if line.fastest else "" if line.measured else "red"
        table.add_row(*(Text(cell) for cell in line.cells), style=style)
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=max(page.width, _least_width(shown)),
        force_terminal=page.color,
        no_color=not page.color,
        highlight=False,
        emoji=False,
    )
    console.print(Text(shown.title), style="bold")
    console.print(Text(shown.legend), style="dim")
    console.print()
    console.print(table)
    if shown.notes:
        console.print()
    for note in shown.notes:
        console.print(Text(note), style="dim")
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def _least_width(shown: View) -> int:
    """Columns of text that the table needs: every figure whole, and two blanks between columns."""
    columns = zip(*([heading for heading, _ in HEADINGS], *(line.cells for line in shown.lines)), strict=True)
    _, *figures = (max(cell_len(part) for cell in column for part in cell.splitlines() or [""]) for column in columns)
    return _NAME_WIDTH + sum(2 + width for width in figures)
