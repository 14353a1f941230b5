"""Markdown for `$GITHUB_STEP_SUMMARY`: the gate's table, worst first, in what GitHub takes at most."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

from invobench.judging.verdicts import Judgement
from invobench.report import Page, markdown
from invobench.report import judged_words as words
from invobench.report.gate_sheet import conclusion, gate_sheet
from invobench.report.sheet import Sheet
from invobench.units import MIB

#: bytes that the summary of a step may have
LIMIT = MIB - 1


def render(judgement: Judgement, limit: int = LIMIT) -> str:
    """The judgement in at most `limit` bytes of UTF-8: the worst cells first, whole rows, and how many are left out.

    Notes that leave no room for the table are left out too.
    """
    head = f"## invobench gate: {judgement.verdict}\n\n{conclusion(judgement)}\n\n"
    sheet = gate_sheet(judgement, words.worst_first(judgement.cells))
    room = limit - len(head.encode())
    for notes in (sheet.notes[:-1], ()):  # the last of them is the conclusion
        text = _fitted(replace(sheet, notes=notes), room)
        if text is not None:
            return head + text
    return head.encode()[: max(0, limit)].decode(errors="ignore")


def _fitted(sheet: Sheet, room: int) -> str | None:
    """The sheet with as many of its rows as `room` bytes take, None where they do not even take it without one."""
    total = len(sheet.lines)

    def drawn(rows: int) -> str:
        left = total - rows
        told = (f"{left} of {total} rows are left out: a step summary takes 1 MiB at most.",) if left else ()
        return markdown.render([replace(sheet, lines=sheet.lines[:rows], notes=(*told, *sheet.notes))], Page())

    rows = bisect_right(range(total + 1), room, key=lambda number: len(drawn(number).encode())) - 1
    return drawn(rows) if rows >= 0 else None
