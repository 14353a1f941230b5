"""The `gate:` section: what may grow by how much, where it may be said, which wins."""

from __future__ import annotations

import pytest

from invobench.spec.gate import STANDARD_RUN, STANDARD_THRESHOLDS, GateRun, Thresholds

TEXT = """version: 1
layers:
  - {{name: a, operator: conv{}}}
networks:
  - {{name: b, network: rednet26{}}}
{}"""


def test_what_holds_without_a_word(cells):
    for cell in cells(TEXT.format("", "", "")):
        assert cell.thresholds == STANDARD_THRESHOLDS == Thresholds()
        assert cell.gate == STANDARD_RUN == GateRun()
    assert STANDARD_THRESHOLDS.model_dump() == {
        "latency": 0.05,
        "peak_memory": 0.02,
        "params": 0.0,
        "macs": 0.0,
        "min_bytes": 0.0,
        "operations": 0.0,
        "launches": 0.0,
        "max_error": None,
        "floor_s": 20e-6,
    }


@pytest.mark.parametrize(
    ("written", "meant"),
    [("5%", 0.05), ("7.5 %", 0.075), ("'0.5%'", 0.005), ("0", 0.0), ("0.0", 0.0), ("null", None), ("200%", 2.0)],
)
def test_a_share_is_a_percentage_zero_or_null(cells, written, meant):
    for cell in cells(TEXT.format("", "", f"gate: {{latency: {written}}}")):
        assert cell.thresholds.latency == pytest.approx(meant) if meant else cell.thresholds.latency == meant


def test_a_layer_wins_over_the_spec_and_the_command_line_over_both(cells):
    text = TEXT.format(", gate: {latency: 10%, macs: 1%}", "", "gate: {latency: 7%, params: 3%, macs: 2%}")
    a, b = cells(text)
    assert (a.thresholds.latency, a.thresholds.macs, a.thresholds.params) == (0.10, 0.01, 0.03)
    assert (b.thresholds.latency, b.thresholds.macs, b.thresholds.params) == (0.07, 0.02, 0.03)
    a, b = cells(text, sets=("gate.latency=20%", "gate.processes=12"))
    assert (a.thresholds.latency, b.thresholds.latency) == (0.2, 0.2)
    assert (a.thresholds.macs, b.thresholds.macs) == (0.01, 0.02)
    assert (a.gate.processes, b.gate.processes) == (12, 12)


def test_thresholds_are_not_of_what_is_measured(cells):
    plain, gated = (cells(TEXT.format("", "", tail)) for tail in ("", "gate: {latency: 50%, processes: 7}"))
    assert [cell.key for cell in plain] == [cell.key for cell in gated]


def test_a_cell_knows_its_line(cells):
    assert [cell.line for cell in cells(TEXT.format("", "", ""))] == [3, 5]


def marked(text):
    """The text without marks, and `line:column` of each."""
    places = []
    for number, line in enumerate(text.split("\n"), start=1):
        parts = line.split("^")
        places += [f"{number}:{1 + sum(map(len, parts[:n]))}" for n in range(1, len(parts))]
    return text.replace("^", ""), places


#: a spec's gate, `^` before what is wrong -> the problem, `^` for its mark
WRONG = {
    "latency: ^5": "^ gate.latency: must be a percentage such as 5%, 0, or null for no limit, not 5",
    "latency: ^0.05": "^ gate.latency: must be a percentage such as 5%, 0, or null for no limit, not 0.05",
    "latency: ^-5%": "^ gate.latency: must be a percentage such as 5%, 0, or null for no limit, not '-5%'",
    "macs: ^false": "^ gate.macs: must be a percentage such as 5%, 0, or null for no limit, not false",
    "^latnecy: 5%": "^ gate.latnecy: unknown key (did you mean 'latency'?)",
    "processes: ^5": "^ gate.processes: must be at least 6, not 5",
    "most_processes: ^9": "^ gate.most_processes: most_processes (9) must be at least processes (10)",
    "floor_s: ^20us": "^ gate.floor_s: must be a number, not '20us'",
    "max_error: ^0": "^ gate.max_error: must be more than 0, not 0",
}


@pytest.mark.parametrize("written", WRONG)
def test_what_is_wrong_is_said_where_it_stands(problems, written):
    text, places = marked(TEXT.format("", "", f"gate: {{{written}}}"))
    assert problems(text) == [WRONG[written].replace("^", f"x.yaml:{places[0]}:")]


def test_a_layer_has_thresholds_only(problems):
    text, places = marked(TEXT.format(", gate: {^processes: 8, ^latnecy: 5%}", ", gate: ^5%", ""))
    assert problems(text) == [
        f"x.yaml:{places[0]}: layers[0].gate.processes: holds for the whole spec: give it in the spec's own gate",
        f"x.yaml:{places[1]}: layers[0].gate.latnecy: unknown key (did you mean 'latency'?)",
        f"x.yaml:{places[2]}: networks[0].gate: must be a mapping, not '5%'",
    ]


def test_one_value_for_the_whole_spec(problems):
    assert problems(TEXT.format("", "", ""), sets=("gate.latency=5%,10%",)) == [
        "--set:1:1: gate.latency: must be one value: it holds for the whole spec"
    ]
