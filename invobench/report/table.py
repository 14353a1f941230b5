"""`--format table`: the table for people, with rich."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from invobench.report import Page
from invobench.report.view import HEADINGS, view
from invobench.results import Row, Run


def render(run: Run, rows: Sequence[Row], page: Page) -> str:
    """The table as text of at most `page.width` columns, with colour codes only where the page has colour."""
    shown = view(run, rows)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=shown.title, title_justify="left", show_edge=False)
    for heading, is_text in HEADINGS:
        # names may wrap, figures never
        table.add_column(heading, justify="left" if is_text else "right", no_wrap=heading not in {"layer", "latency"})
    for index, line in enumerate(shown.lines):
        if line.first and index:
            table.add_section()
        style = "bold" if line.fastest else "" if line.measured else "red"
        table.add_row(*(Text(cell) for cell in line.cells), style=style)
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=page.width,
        force_terminal=page.color,
        no_color=not page.color,
        highlight=False,
        emoji=False,
    )
    console.print(table)
    for note in shown.notes:
        console.print(Text(note), style="dim" if page.color else "", soft_wrap=False)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"
