"""The step summary: whole rows, worst first, under GitHub's limit."""

from __future__ import annotations

import re
from dataclasses import replace

from invobench.report.gate_outputs.summary import LIMIT, render
from tests.report.golden import is_golden
from tests.report.judgements import EVERYTHING, NOTHING, PASSED, SLOWER, UNSURE, judgement


def rows(text: str) -> list[str]:
    """Lines of the table, without its head."""
    return [line for line in text.splitlines() if line.startswith("|")][2:]


def test_golden() -> None:
    assert is_golden(render(EVERYTHING), "gate_summary.md")


def test_the_worst_cells_come_first() -> None:
    text = render(judgement(PASSED, UNSURE, SLOWER))
    assert text.startswith(
        "## invobench gate: regressed\n\nregressed (1 regressed, 1 inconclusive, 1 pass): exit code 1;"
    )
    assert [row.split(" | ")[1] for row in rows(text)] == ["regressed", "regressed", "inconclusive", "pass"]
    assert "left out" not in text
    assert "no cell is on both sides" in render(NOTHING)


def test_20_000_cells_are_cut_at_a_whole_row_under_1_mib() -> None:
    cells = [
        replace(one, identity=replace(one.identity, name=f"名{number}"))
        for number in range(10_000)
        for one in (PASSED, SLOWER)
    ]
    text = render(judgement(*cells))
    size = len(text.encode())
    assert LIMIT - 400 < size <= LIMIT < 2**20, "as many rows as there is room for"
    told = re.search(r"^- (\d+) of (\d+) rows are left out: a step summary takes 1 MiB at most\.$", text, re.MULTILINE)
    assert told is not None
    assert int(told[2]) == 30_000, "a slower cell has a row for its parameters"
    assert int(told[1]) == 30_000 - len(rows(text))
    assert all(row.count(" | ") == 5 and row.endswith(" |") for row in rows(text))
    assert {row.split(" | ")[1] for row in rows(text)} == {"regressed"}
    assert "geometric mean" in text


def test_notes_that_are_too_long_go_before_the_table_does() -> None:
    judged = judgement(SLOWER, notes=("x" * 2**20,))
    text = render(judged)
    assert len(text.encode()) <= LIMIT
    assert len(rows(text)) == 2
    assert "xxx" not in text


def test_a_limit_that_takes_no_table_leaves_the_verdict() -> None:
    assert render(EVERYTHING, 30) == "## invobench gate: regressed\n\n"
    assert render(EVERYTHING, 0) == render(EVERYTHING, -5) == ""
