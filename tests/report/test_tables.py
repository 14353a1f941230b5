"""The reports for people, against golden files and against the rows that they are made from.

`INVOBENCH_GOLDEN=write pytest tests/report` writes the golden files anew; read the difference before you keep it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from invobench.report import REPORTS, Page
from invobench.report.view import COLUMNS, LEGEND, view
from invobench.results import Row
from tests.report.samples import LONG_NAME, backend, rows
from tests.rows import ENVIRONMENT, MISSING, row, run

GOLDEN = Path(__file__).parents[1] / "golden"


def render(name: str, items: list[Row], page: Page | None = None) -> str:
    text = REPORTS[name].load()(run(), items, page or Page())
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(
    ("report", "width", "file"),
    [
        ("table", 120, "table.txt"),
        ("table", 80, "table_narrow.txt"),
        ("markdown", 120, "table.md"),
        ("csv", 120, "table.csv"),
        ("latex", 120, "table.tex"),
    ],
)
def test_golden(report: str, width: int, file: str) -> None:
    text, path = render(report, rows(), Page(width)), GOLDEN / file
    if os.environ.get("INVOBENCH_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [110, 120, 200])
def test_no_line_is_wider_than_the_page(width: int) -> None:
    items = [*rows(), row("名前" * 40), row("x" * 300), row("b", coordinates={"key": "v" * 200})]
    text = render("table", items, Page(width))
    assert max(cell_len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("width", [10, 60, 80, 100])
def test_a_narrow_page_loses_no_figure(width: int) -> None:
    text = render("table", rows(), Page(width))
    for line in view(run(), rows()).lines:
        for cell in line.cells[1:]:
            assert cell in text
    assert "…" not in text


def test_long_names_are_wrapped_and_whole() -> None:
    _, _, _, _, head, _, *lines = render("table", [row(LONG_NAME)]).splitlines()
    column = [line[: head.index("input")].strip() for line in lines]
    assert " ".join(column) == LONG_NAME


@pytest.mark.parametrize("report", ["table", "markdown"])
def test_no_control_codes_without_colour(report: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b" not in render(report, rows())


def test_colour_changes_nothing_but_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = render("table", rows(), Page(120, color=True))
    assert "\x1b[1m" in coloured
    plain = re.sub(r"\x1b\[[\d;]*m", "", coloured)
    assert "\n".join(line.rstrip() for line in plain.splitlines()) + "\n" == render("table", rows())


@pytest.mark.parametrize(("report", "start"), [("table", "Some"), ("markdown", "**Some"), ("latex", "% needs ")])
def test_no_rows(report: str, start: str) -> None:
    text = render(report, [])
    assert text.startswith(start)
    assert "Some CPU" in text
    assert "layer" in text


PREFIXES = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}


def test_figures_are_those_of_the_rows() -> None:
    """Parameters and multiply-adds read back from the text, each and in total."""
    lines = view(run(), rows()).lines
    assert len(lines) == len(rows())
    for index, field in ((3, "params"), (4, "macs_formula"), (5, "macs_dispatched")):
        shown = []
        for line, item in zip(lines, rows(), strict=True):
            text, _, prefix = line.cells[index].partition(" ")
            value = getattr(item, field)
            assert (text == "") == (value is None)
            shown.append(float(text) * PREFIXES[prefix] if text else 0.0)
            assert shown[-1] == pytest.approx(value or 0, rel=5.1e-4)
        total = sum(getattr(item, field) or 0 for item in rows())
        assert total > 0
        assert sum(shown) == pytest.approx(total, rel=5.1e-4)


def test_markdown_is_a_table() -> None:
    lines = render("markdown", rows()).splitlines()
    table = [line for line in lines if line.startswith("|")]
    pipes = [len(re.findall(r"(?<!\\)\|", line)) for line in table]
    assert pipes == [len(COLUMNS) + 1] * (len(rows()) + 2)
    assert re.fullmatch(r"\|( (:--|--:) \|)+", table[1])
    assert lines[lines.index(table[0]) - 1] == ""


@pytest.mark.parametrize(
    ("name", "written"),
    [("a|b", r"a\|b"), ("*x*", r"\*x\*"), ("a\\b", r"a\\b"), ("<b>", "&lt;b>"), ("`x`", r"\`x\`"), ("a\nb", "a b")],
)
def test_markdown_takes_names_as_they_are(name: str, written: str) -> None:
    assert f"| {written} |" in render("markdown", [row(name)])


def test_the_header_says_what_macs_are() -> None:
    assert render("table", rows()).splitlines()[1] == LEGEND
    assert LEGEND in render("markdown", rows()).split("| layer")[0]
    assert "FLOPs" in LEGEND


def marks(items: list[Row]) -> list[str]:
    return [line.cells[6] for line in view(run(), items).lines if line.style == "strong"]


def test_the_fastest_backend_is_marked() -> None:
    assert marks([backend("reference", 3.0), backend("unfold", 1.0), backend("shift", 2.0)]) == ["1.00 s*"]


def test_a_backend_alone_is_not_the_fastest() -> None:
    assert marks([backend("shift", 1.0)]) == []
    assert marks([backend("shift", 1.0), row("another", latency_s=2.0, backend="unfold")]) == []


def test_backends_are_compared_at_one_point_only() -> None:
    slow, fast = backend("unfold", 2.0), backend("shift", 1.0)
    for difference in (
        {"coordinates": {"kernel_size": 9}},
        {"dtype": "bfloat16"},
        {"mode": "backward"},
        {"scope": "aggregation"},
        {"spec": "b.yaml"},
    ):
        assert marks([slow, fast.model_copy(update=difference)]) == [], difference
    assert marks([slow, fast]) == ["1.00 s*"]


def test_what_was_not_measured_is_not_the_fastest() -> None:
    failed = backend("shift", 1.0).model_copy(update={**MISSING, "status": "oom"})
    killed = backend("shift", 1.0, status="timeout")
    assert marks([failed, killed, backend("unfold", 2.0)]) == []
    assert marks([backend("shift", 1.0), backend("unfold", 2.0)]) == ["1.00 s*"]


def test_a_layer_begins_where_the_name_or_the_spec_changes() -> None:
    items = [row("a"), row("a"), row("b"), row("b", spec="other.yaml")]
    assert [line.section for line in view(run(), items).lines] == [True, False, True, True]


def test_rows_say_where_they_differ_from_the_title() -> None:
    items = [row("a"), row("b"), row("c", dtype="float16", mode="backward", device="cuda:1")]
    shown = view(run(), items)
    words = "cpu, float32, forward, module, hot, eager, contiguous, 2 threads, perf_counter"
    assert shown.title == f"{words} · Some CPU @ 2.00GHz · torch 2.13.0"
    assert [line.cells[0] for line in shown.lines] == ["a", "b", "c cuda:1 float16 backward"]


def test_what_is_a_coordinate_is_said_once() -> None:
    items = [row("a", dtype=dtype, coordinates={"dtype": dtype}) for dtype in ("float32", "float16")]
    assert [line.cells[0] for line in view(run(), items).lines] == ["a dtype=float32", "a dtype=float16"]


def test_a_gpu_is_named_in_the_title() -> None:
    here = ENVIRONMENT.model_copy(update={"gpus": ("First GPU", "Second GPU"), "cuda": "13.0"})
    shown = view(run(environment=here), [row(device="cuda:1", threads=None, clock="cuda_event")])
    assert shown.title == (
        "cuda:1, float32, forward, module, hot, eager, contiguous, cuda_event · Second GPU · torch 2.13.0"
    )


def test_every_row_that_was_not_measured_says_why() -> None:
    items = [
        row("a", **MISSING, status="failed", message="RuntimeError: x"),
        row("b", **MISSING, status="timeout", backend_requested="auto", message="not done after 5 s"),
        row("c", status="ok", message="fvcore cannot count this"),
        row("d"),
    ]
    shown = view(run(), items)
    assert shown.notes == (
        "a (shift): failed: RuntimeError: x",
        "b (auto): timeout: not done after 5 s",
        "c (shift): ok: fvcore cannot count this",
    )
    assert [(line.cells[6], line.style) for line in shown.lines] == [
        ("failed", "bad"),
        ("timeout", "bad"),
        ("12.3 ms", "plain"),
        ("12.3 ms", "plain"),
    ]


def test_what_rows_say_alike_is_said_once() -> None:
    items = [
        row(name, **MISSING, status="failed", message="too many threads", backend_requested=backend, fvcore_error="no")
        for name, backend in (("a", "shift"), ("a", "unfold"), ("b", "auto"))
    ]
    assert view(run(), items).notes == (
        "a, b: fvcore cannot count this: no",
        "a (shift), a (unfold), b (auto): failed: too many threads",
    )


def test_what_was_counted_without_timing_has_no_latency() -> None:
    """`--metrics params,macs`: a row that is ok and was not timed."""
    (line,) = view(run(), [row(**MISSING)]).lines
    assert line.cells[3:] == ("4.388 k", "22.88 M", "22.88 M", "", "", "", "")
    assert line.style == "plain"
