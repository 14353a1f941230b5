"""`--format markdown`: the tables for people, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from invobench.report import Page
from invobench.report.sheet import Line, Sheet


def render(sheets: Sequence[Sheet], page: Page) -> str:
    """Each sheet as a table under its title and legend, with the notes as a list; a blank line between two."""
    return "\n".join(_drawn(sheet) for sheet in sheets)


def _drawn(sheet: Sheet) -> str:
    above = [f"**{_escape(sheet.title)}**", "", *([_escape(sheet.legend), ""] if sheet.legend else [])]
    head = [
        _row([_escape(column.heading) for column in sheet.columns]),
        _row([":--" if column.text else "--:" for column in sheet.columns]),
    ]
    notes = [f"- {_escape(note)}" for note in sheet.notes]
    return "\n".join([*above, *head, *map(_line, sheet.lines), *(["", *notes] if notes else [])]) + "\n"


def _line(line: Line) -> str:
    first, *others = line.cells
    name = _escape(first.lstrip(" "))
    indent = "&nbsp;" * (len(first) - len(first.lstrip(" ")))
    return _row([indent + (f"**{name}**" if line.style == "heading" else name), *map(_escape, others)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


_ESCAPES = str.maketrans({"\\": "\\\\", "|": "\\|", "*": "\\*", "`": "\\`", "<": "&lt;", "\n": " "})


def _escape(text: str) -> str:
    """Text that Markdown takes as it is."""
    return text.translate(_ESCAPES)
