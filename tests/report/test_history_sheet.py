"""The history of a cell: rows, the drawn line, and what is plain where there is no UTF-8."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from invobench.baselines.store import Point
from invobench.judging.verdicts import Verdict
from invobench.report import SHEETS, Page
from invobench.report.history_sheet import BAR, SPARK, history_sheets, spark
from invobench.report.plain import BLOCKS, printable
from tests.report.golden import is_golden
from tests.report.judgements import identity

FIRST = Point(
    gate=1,
    at="2026-11-20T12:00:00+00:00",
    identity=identity(),
    quantity="latency",
    field="latency_s",
    base=0.0123,
    candidate=0.0123,
    ratio=1.0,
    low=0.99,
    high=1.01,
    verdict=Verdict.PASS,
    mode="base-ref",
    base_label="main",
    candidate_label="working tree",
    revision="",
    fingerprint="0123456789abcdef",
    spec_hash="feedfacefeedface",
)


def points() -> list[Point]:
    """Slower, elsewhere, and faster with a clock that went back."""
    ratios = (1.0, 1.01, 1.2)
    found = [
        replace(
            FIRST,
            gate=number,
            at=f"2026-11-2{number}T12:00:00+00:00",
            ratio=ratio,
            low=ratio - 0.01,
            high=ratio + 0.01,
            candidate=0.0123 * ratio,
        )
        for number, ratio in enumerate(ratios, start=1)
    ]
    found[2] = replace(found[2], verdict=Verdict.REGRESSED, revision="9f2c" * 10)
    elsewhere = {"fingerprint": "feedfacefeedface", "candidate": 0.02, "ratio": None, "low": None, "high": None}
    found.append(replace(FIRST, gate=4, at="2026-11-24T12:00:00+00:00", verdict=Verdict.INCONCLUSIVE, **elsewhere))
    found.append(
        replace(FIRST, gate=5, at="2026-11-22T13:00:00+00:00", candidate=0.011, ratio=0.9, low=0.89, high=0.91)
    )
    return found


def test_golden() -> None:
    text = SHEETS["table"].load()(history_sheets(points()), Page())
    assert is_golden(text, "history.txt")
    plain = printable(text, "ascii")
    assert plain.isascii()
    assert is_golden(plain, "history_ascii.txt")


def test_a_row_a_gate() -> None:
    (sheet,) = history_sheets(points())
    assert sheet.title == "involution kernel_size=7 (cpu, float32, forward, module) · latency · 5 gates"
    assert [line.cells[0] for line in sheet.lines] == list("12345")
    third = sheet.lines[2]
    assert third.cells[1:7] == (
        "2026-11-23 12:00:00",
        "working tree (9f2c9f2c9f2c)",
        "14.8 ms",
        "14.6 ms to 14.9 ms",
        "1.200",
        "regressed",
    )
    assert [line.style for line in sheet.lines] == ["plain", "plain", "bad", "plain", "plain"]
    assert sheet.lines[3].cells[4:6] == ("", ""), "no interval"


def test_the_trend_is_drawn_between_the_smallest_and_the_largest() -> None:
    (sheet,) = history_sheets(points())
    assert sheet.legend == f"{spark([0.0123, 0.012423, 0.01476, 0.02, 0.011])}  from 11.0 ms to 20.0 ms"
    bars = [len(line.cells[-1]) for line in sheet.lines]
    assert bars[3] == BAR
    assert bars[4] == 1
    assert bars[0] <= bars[1] < bars[2] < bars[3]


def test_spark() -> None:
    assert spark([1, 2, 3, 4, 5, 6, 7, 8]) == BLOCKS
    assert spark([5, 5, 5]) == BLOCKS[0] * 3
    assert spark([3]) == BLOCKS[0]
    assert spark([0, 10]) == BLOCKS[0] + BLOCKS[-1]


def test_a_long_history_draws_its_newest() -> None:
    (sheet,) = history_sheets([replace(FIRST, gate=number, candidate=number / 1000) for number in range(1, 101)])
    drawn, _, told = sheet.legend.partition("  ")
    assert len(drawn) == SPARK
    assert told == "from 41.0 ms to 100 ms (the newest 60 of 100)"
    assert len(sheet.lines) == 100


def test_another_environment_is_parted_by_a_rule_and_told() -> None:
    (sheet,) = history_sheets(points())
    assert [line.section for line in sheet.lines] == [False, False, False, True, True]
    assert any("2 environments" in note for note in sheet.notes)
    assert len(history_sheets(points()[:3])[0].notes) == 1


def test_a_clock_that_went_back_is_told() -> None:
    assert "the clock went back before gate 5: rows are in the order in which the gates ended." in (
        history_sheets(points())[0].notes
    )


def test_a_sheet_a_cell() -> None:
    other = replace(FIRST, identity=identity(coordinates=(("kernel_size", 9),)))
    sheets = history_sheets([FIRST, other, replace(FIRST, gate=2)])
    assert [len(sheet.lines) for sheet in sheets] == [2, 1]
    assert sheets[1].title.endswith("· 1 gate")


def test_what_has_no_number_has_no_bar() -> None:
    shapes = replace(
        FIRST, quantity="output_shape", field="output_shape", base=[[1, 2]], candidate=[[1, 2]], ratio=None
    )
    (sheet,) = history_sheets([replace(shapes, low=None, high=None)])
    assert sheet.legend == ""
    assert sheet.lines[0].cells[3:] == ("1×2", "", "", "pass", "")
    lost = replace(FIRST, candidate=None, ratio=None, low=None, high=None)
    (sheet,) = history_sheets([lost])
    assert sheet.lines[0].cells[3:] == ("", "", "", "pass", "")


def test_for_programs() -> None:
    text = SHEETS["jsonl"].load()(history_sheets(points()), Page())
    records = [json.loads(line) for line in text.splitlines()]
    assert [record["gate"] for record in records] == [1, 2, 3, 4, 5]
    assert records[2]["candidate"] == pytest.approx(0.01476)
    assert "ratio" not in records[3]
    assert "revision" not in records[0]


def test_printable() -> None:
    text = f"a · b → c ±5 % {BLOCKS} 12 µs"
    assert printable(text, "utf-8") == printable(text, None) == text
    assert printable(text, "ascii") == "a . b -> c +-5 % _.:-=+*# 12 us"
    assert printable("名 é", "latin-1") == "? é"
    assert printable("× é", "latin-1") == "× é"
