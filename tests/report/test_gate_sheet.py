"""The sheet of a gate, in every format."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from invobench.judging.verdicts import Judgement, Verdict
from invobench.report import SHEETS, Page
from invobench.report.gate_sheet import conclusion, gate_sheet
from invobench.report.judged_words import MACS, full_name, worst_first
from tests.report.golden import is_golden
from tests.report.judgements import CELLS, EVERYTHING, NOTHING, PASSED, SLOWER, UNSURE, cell, check, identity, judgement


def render(name: str, judged: Judgement, page: Page = Page()) -> str:  # noqa: B008
    return str(SHEETS[name].load()([gate_sheet(judged)], page))


def test_golden() -> None:
    assert is_golden(render("table", EVERYTHING), "gate.txt")


def test_a_line_a_cell_and_one_for_each_exact_check_that_differs() -> None:
    lines = gate_sheet(judgement(PASSED, SLOWER)).lines
    assert [line.cells[:2] for line in lines] == [
        ("conv", "pass"),
        ("involution kernel_size=7", "regressed"),
        ("  parameters", "regressed"),
    ]
    assert lines[2].cells[2:4] == ("4,388 → 4,400", "1.003")
    assert lines[1].cells[-1] == "latency +14.6 % (+12.6 % to +16.6 %), allowed +5 %; 1 check below"
    assert lines[2].cells[-1] == "(+0.3 %), may not grow"
    assert [line.style for line in lines] == ["plain", "bad", "bad"]


def test_what_decides_is_below_where_it_is_not_the_latency() -> None:
    grown = SLOWER.checks[1]
    line = gate_sheet(judgement(cell(identity(), PASSED.checks[0], grown, message=grown.message))).lines[0]
    assert (line.cells[1], line.cells[-1]) == ("regressed", "1 check below")
    unsure = replace(PASSED.checks[0], verdict=Verdict.INCONCLUSIVE, message="cannot tell")
    line = gate_sheet(judgement(cell(identity(), unsure, grown, message=grown.message))).lines[0]
    assert line.cells[-1] == "1 check below; cannot tell"


def test_what_is_measured_may_differ_without_a_line() -> None:
    memory = check("peak_memory", 1000, 1001, threshold=0.02)
    assert len(gate_sheet(judgement(cell(identity(), memory))).lines) == 1
    grown = replace(memory, candidate=1100, verdict=Verdict.REGRESSED)
    assert gate_sheet(judgement(cell(identity(), grown))).lines[1].cells[:3] == (
        "  peak memory",
        "regressed",
        "1000 B → 1.07 KiB",
    )


def test_an_allowed_growth_is_shown_all_the_same() -> None:
    allowed = check("params", 100, 101, Verdict.PASS, threshold=0.05)
    sheet = gate_sheet(judgement(cell(identity(), allowed)))
    assert sheet.lines[1].cells[:3] == ("  parameters", "pass", "100 → 101")
    assert sheet.lines[1].style == "plain"
    assert sheet.notes[0] == "0 of 1 exact checks equal on both sides."


def test_a_side_without_a_value_is_none_and_never_0() -> None:
    lost = check("macs_dispatched", 100, None, Verdict.INCONCLUSIVE, message="the candidate has none")
    line = gate_sheet(judgement(cell(identity(), lost))).lines[1]
    assert line.cells[2:] == ("100 → none", "", "", "the candidate has none")


def test_multiply_adds_are_shown_with_their_convention() -> None:
    assert MACS.endswith("convention formula.")
    assert MACS not in gate_sheet(judgement(SLOWER)).legend
    grown = check("macs_formula", 100, 101, Verdict.REGRESSED)
    assert MACS in gate_sheet(judgement(cell(identity(), grown))).legend


def test_the_last_line_says_verdict_exit_code_and_what_to_do() -> None:
    assert gate_sheet(EVERYTHING).notes[-1] == conclusion(EVERYTHING)
    assert conclusion(judgement(PASSED)) == "pass (1 pass): exit code 0; nothing to do."
    assert conclusion(judgement(PASSED, SLOWER)).startswith("regressed (1 regressed, 1 pass): exit code 1; mend what")
    assert "gate.most_processes" in conclusion(judgement(UNSURE))
    assert conclusion(NOTHING).startswith("nothing measured: exit code 4; check that both sides have cells")
    for verdict in Verdict:
        assert conclusion(replace(EVERYTHING, verdict=verdict)).endswith(".")


def test_the_title_says_what_is_against_what() -> None:
    title = gate_sheet(judgement(PASSED)).title
    where = "cpu, float32, forward, module · 10 processes a side · torch 2.13.0"
    assert title == f"gate specs/gate.yaml · main (9f2c9f2c9f2c) → working tree · {where}"
    assert gate_sheet(NOTHING).title == "gate · main (9f2c9f2c9f2c) → working tree · torch 2.13.0"
    few = judgement(PASSED, replace(SLOWER, processes=(6, 20)))
    assert "6 to 20 processes a side" in gate_sheet(few).title


def test_for_programs_a_record_a_check() -> None:
    records = gate_sheet(EVERYTHING).records
    assert len(records) == sum(max(1, len(one.checks)) for one in CELLS)
    slow = next(record for record in records if record["name"] == "involution")
    assert slow["quantity"] == "latency"
    assert (slow["field"], slow["base"], slow["ratio_low"]) == ("latency_s", 0.0123, pytest.approx(1.126))
    assert (slow["verdict"], slow["cell_verdict"], slow["coordinates"]) == (
        "regressed",
        "regressed",
        {"kernel_size": 7},
    )
    new = next(record for record in records if record["name"] == "new")
    assert "base_processes" not in new
    assert "quantity" not in new
    lines = [json.loads(line) for line in render("jsonl", EVERYTHING).splitlines()]
    assert lines == [dict(record) for record in records]
    rows = list(csv.DictReader(io.StringIO(render("csv", EVERYTHING))))
    assert [row["cell_verdict"] for row in rows] == [record["cell_verdict"] for record in records]


@pytest.mark.parametrize("name", SHEETS)
@pytest.mark.parametrize("judged", [EVERYTHING, NOTHING], ids=["everything", "nothing"])
def test_every_format_draws_it_and_colours_on_a_terminal_alone(name: str, judged: Judgement) -> None:
    assert "\x1b" not in render(name, judged)
    assert ("\x1b[31m" in render(name, judged, Page(color=True))) == (name == "table" and judged is EVERYTHING)


def test_names_are_the_same_whatever_else_there_is() -> None:
    assert full_name(identity()) == "involution kernel_size=7 (cpu, float32, forward, module)"
    swept = identity(coordinates=(("backend", "shift"),), backend="shift")
    assert full_name(swept) == "involution backend=shift (cpu, float32, forward, module)"
    assert full_name(identity(backend="shift")).endswith("module, shift)")


def test_worst_first_is_by_verdict_and_then_by_growth() -> None:
    worse = replace(SLOWER, checks=(replace(SLOWER.checks[0], ratio=2.0), *SLOWER.checks[1:]))
    found = worst_first([PASSED, UNSURE, SLOWER, worse])
    assert found == [worse, SLOWER, UNSURE, PASSED]
