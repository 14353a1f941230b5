"""The sheet of a comparison, from made-up sides: ratios are those of the samples."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from invobench.judging.compare import Comparison, compare
from invobench.judging.pairing import identity_of
from invobench.judging.side import Side
from invobench.judging.verdicts import Subject
from invobench.report import SHEETS, Page
from invobench.report.compare_sheet import as_json, compare_sheets
from invobench.results import Row
from tests.report.golden import is_golden
from tests.rows import MISSING, row

BASE = Subject("a.jsonl", "0123456789abcdef", "0.1.0", "2.13.0", "2026-11-23T12:00:00+00:00")
OTHER = replace(BASE, label="b.jsonl")


def timed(name: str, latency_s: float, processes: int = 10, **changes: Any) -> Row:
    """A row of processes that are 0.1 % apart."""
    medians = [latency_s * (1 + 0.001 * (number - processes // 2)) for number in range(processes)]
    times = {"latency_s": latency_s, "samples_s": medians, "samples_per_process": [1] * processes}
    return row(name, **{**times, **changes})


def side(subject: Subject, *rows: Row) -> Side:
    samples = {identity_of(one): [[time] for time in one.samples_s] for one in rows if one.latency_s is not None}
    return Side(subject, rows, samples)


def comparison() -> Comparison:
    base = side(
        BASE,
        timed("same", 0.01),
        timed("faster", 0.02),
        timed("slower", 0.03),
        timed("few", 0.04, 3),
        timed("gone", 0.05),
        row("broken", **MISSING, status="timeout"),
    )
    other = side(
        OTHER,
        timed("same", 0.01),
        timed("faster", 0.01),
        timed("slower", 0.033, params=5000, macs_formula=30_000_000),
        timed("few", 0.05, 3),
        timed("came", 0.05),
        row("broken", **MISSING, status="timeout"),
    )
    return compare(base, [other, side(replace(BASE, label="c.jsonl"), timed("same", 0.02))])


def test_golden() -> None:
    text = SHEETS["table"].load()(compare_sheets(comparison()), Page())
    assert is_golden(text, "compare.txt")


def test_largest_effects_first_and_what_is_told_apart() -> None:
    lines = {line.cells[0]: line for line in compare_sheets(comparison())[0].lines}
    assert list(lines)[:3] == ["faster", "few", "slower"]
    assert lines["faster"].cells[1:4] == ("20.0 ms", "10.0 ms", "0.500")
    assert (lines["faster"].cells[5], lines["faster"].style) == ("↓ 50 %", "strong")
    assert (lines["slower"].cells[5], lines["slower"].style) == ("↑ 10 %", "bad")
    assert (lines["same"].cells[5], lines["same"].style) == ("≈", "plain")
    assert lines["few"].cells[4:6] == ("", ""), "no interval, no word on it"
    assert lines["broken"].cells[1:6] == ("",) * 5
    assert "parameters 4,388 → 5,000" in lines["slower"].cells[-1]


def test_cells_without_a_partner_are_named() -> None:
    notes = compare_sheets(comparison())[0].notes
    assert "only in a.jsonl: gone." in notes
    assert "only in b.jsonl: came." in notes
    assert notes[0].startswith("geometric mean of the ratios over 4 cells: ")


def test_multiply_adds_have_their_convention() -> None:
    first, second = compare_sheets(comparison())
    assert "convention formula" in first.legend
    assert "convention" not in second.legend


def test_another_environment_is_a_warning_above_the_table() -> None:
    elsewhere = replace(OTHER, fingerprint="feedfacefeedface", torch="2.12.0")
    found = compare(side(BASE, timed("same", 0.01)), [side(elsewhere, timed("same", 0.01))])
    first = compare_sheets(found)[0].legend.splitlines()[0]
    assert first.startswith("Warning: different environments: 0123456789abcdef (torch 2.13.0) and feedfacefeedface")
    assert "Warning" not in compare_sheets(comparison())[0].legend


def test_for_programs() -> None:
    records = [dict(record) for sheet in compare_sheets(comparison()) for record in sheet.records]
    slow = next(record for record in records if record["name"] == "slower")
    assert (slow["base"], slow["other"], slow["found_in"]) == ("a.jsonl", "b.jsonl", "both")
    assert slow["ratio"] == pytest.approx(1.1)
    assert slow["ratio_low"] < 1.1 < slow["ratio_high"]
    assert slow["differences"]["params"] == [4388, 5000]
    assert {record["name"]: record["found_in"] for record in records if record["found_in"] != "both"} == {
        "gone": "base",
        "came": "other",
        "faster": "base",
        "slower": "base",
        "few": "base",
        "broken": "base",
    }
    assert "ratio_low" not in next(record for record in records if record["name"] == "few")
    whole = json.loads(as_json(comparison()))
    assert whole["base"]["label"] == "a.jsonl"
    assert [other["label"] for other in whole["others"]] == ["b.jsonl", "c.jsonl"]
    assert whole["others"][0]["mean_ratio"] > 0
    stripped = [{key: one[key] for key in one if key not in {"base", "other"}} for one in records]
    assert [cell for other in whole["others"] for cell in other["cells"]] == stripped


@pytest.mark.parametrize("name", SHEETS)
def test_every_format_draws_it(name: str) -> None:
    text = SHEETS[name].load()(compare_sheets(comparison()), Page())
    assert "slower" in text
    assert "\x1b" not in text
