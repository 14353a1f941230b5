"""`invobench plot` as a user meets it: whole messages, exit codes, streams."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from invobench.errors import UsageError
from invobench.report.figures import FIGURES, FigureEntry, Request, plot
from tests.report.figures.stored import write
from tests.rows import MISSING, row

ROOT = Path(__file__).parents[3]
WITHOUT_MATPLOTLIB = "import sys; sys.modules['matplotlib'] = None; from invobench.cli import main; main()"


def invobench(*arguments: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    start = ["-m", "invobench"] if code is None else ["-c", code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *start, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write(tmp_path / "results.jsonl", [row("a"), row("big", status="oom", **MISSING)])


def test_the_path_is_said_on_stderr_and_nothing_on_stdout(results: Path, tmp_path: Path) -> None:
    out = tmp_path / "figure.svg"
    done = invobench("plot", str(results), "--x", "macs", "--y", "latency", "--out", str(out))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"left out: big: oom\nfigure: {out}\n"
    assert out.read_bytes().startswith(b"<?xml")


def test_without_matplotlib(results: Path, tmp_path: Path) -> None:
    done = invobench("plot", str(results), "--out", str(tmp_path / "a.svg"), code=WITHOUT_MATPLOTLIB)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "plot needs matplotlib: pip install 'invobench[plot]'\n"
    assert not (tmp_path / "a.svg").exists()


def test_bad_usage_is_one_line_and_exit_2(results: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.jpg"
    done = invobench("plot", str(results), "--out", str(out))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"--out {out}: the suffix must be one of .svg, .pdf, .png\n"


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (["envelop"], {}, "envelop: no such results file, nor a figure (did you mean 'envelope'?); there are: "),
        (["envelope"], {"y": "latency"}, "plot envelope takes no --y; it takes --x"),
        (["envelope"], {"group_by": "operator"}, "plot envelope takes no --group-by; it takes --x"),
        (["envelope", "a.jsonl"], {}, "plot envelope takes no files; it takes --x"),
        (["scatter"], {"log": "z"}, "--log: unknown axes 'z'; there are: none, x, xy, y"),
        (["scatter", "missing.jsonl"], {}, "missing.jsonl: cannot read results: No such file or directory"),
    ],
)
def test_what_cannot_be_asked(
    arguments: list[str], options: dict[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as error:
        plot(arguments, Request(**options), tmp_path / "a.svg", "column")
    figures = ", ".join(FIGURES) if message.endswith("there are: ") else ""
    assert str(error.value) == message + figures
    assert not (tmp_path / "a.svg").exists()


def test_an_unknown_width(results: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        plot([str(results)], Request(), tmp_path / "a.svg", "pages")
    assert str(error.value) == "--width: unknown width 'pages' (did you mean 'page'?); there are: column, page"


def test_a_file_alone_means_scatter(results: Path, tmp_path: Path) -> None:
    short, long = tmp_path / "short.svg", tmp_path / "long.svg"
    assert plot([str(results)], Request(), short, "column") == plot(
        ["scatter", str(results)], Request(), long, "column"
    )
    assert short.read_bytes() == long.read_bytes()


def test_a_new_figure_is_a_file_and_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of the table names any function from a request to a chart."""
    (tmp_path / "my_figure.py").write_text(
        "from invobench.report.figures.chart import Axis, Chart, Point, Series\n"
        "def chart(request):\n"
        "    series = Series('all', 'all', ((Point(1, 2), Point(3, 4)),))\n"
        "    return Chart(Axis('x'), Axis('y'), (series,), ('of mine',))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(FIGURES._entries, "mine", FigureEntry("my_figure:chart", "mine"))
    assert plot(["mine"], Request(), tmp_path / "mine.pdf", "page").caption == ("of mine",)
    assert (tmp_path / "mine.pdf").read_bytes().startswith(b"%PDF")


def test_every_figure_has_a_chart_and_a_summary() -> None:
    for entry in FIGURES.values():
        assert callable(entry.load())
        assert entry.summary


def test_the_envelope_is_drawn(tmp_path: Path) -> None:
    out = tmp_path / "envelope.svg"
    done = invobench("plot", "envelope", "--x", "params", "--out", str(out))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"figure: {out}\n")
    assert len(out.read_bytes()) > 10_000
