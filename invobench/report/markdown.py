"""`--format markdown`: the table for people, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from invobench.report import Page
from invobench.report.view import HEADINGS, view
from invobench.results import Row, Run


def render(run: Run, rows: Sequence[Row], page: Page) -> str:
    """A Markdown table under its title and legend, with the notes as a list."""
    shown = view(run, rows)
    head = [
        _line([_escape(heading) for heading, _ in HEADINGS]),
        _line([":--" if text else "--:" for _, text in HEADINGS]),
    ]
    body = [_line([_escape(cell) for cell in line.cells]) for line in shown.lines]
    notes = [f"- {_escape(note)}" for note in shown.notes]
    above = [f"**{_escape(shown.title)}**", "", _escape(shown.legend), ""]
    return "\n".join([*above, *head, *body, *(["", *notes] if notes else [])]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


_ESCAPES = str.maketrans({"\\": "\\\\", "|": "\\|", "*": "\\*", "`": "\\`", "<": "&lt;", "\n": " "})


def _escape(text: str) -> str:
    """Text that Markdown takes as it is."""
    return text.translate(_ESCAPES)
