"""Where a gate's outputs go, and what a file that cannot be written costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from invobench.errors import MeasurementError, UsageError
from invobench.report.gate_files import emptied, on_github, write
from invobench.report.gate_outputs import GATE_OUTPUTS
from invobench.report.gate_outputs.summary import LIMIT
from tests.report.judgements import EVERYTHING, PASSED, judgement


def test_every_output_is_a_file(tmp_path: Path) -> None:
    files = {name: tmp_path / "deep" / name for name in GATE_OUTPUTS}
    emptied(files)
    assert [path.read_text() for path in files.values()] == [""] * len(files)
    write(EVERYTHING, files)
    for name, path in files.items():
        assert path.read_text(encoding="utf-8") == GATE_OUTPUTS[name].load()(EVERYTHING)
        assert "\x1b" not in path.read_text(encoding="utf-8")


def test_what_was_there_before_is_not_this_gates(tmp_path: Path) -> None:
    old = tmp_path / "junit.xml"
    old.write_text("<testsuites/>")
    emptied({"junit": old})
    assert old.read_text() == ""


def test_a_file_that_cannot_be_written_is_told_before(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"^--junit .*file/junit.xml: cannot write: File exists; choose another"):
        emptied({"junit": tmp_path / "file" / "junit.xml"})
    with pytest.raises(UsageError, match="--bmf"):
        emptied({"bmf": tmp_path})


def test_one_that_cannot_be_written_after_takes_no_other_with_it(tmp_path: Path) -> None:
    files = {"junit": tmp_path / "gone" / "x", "bmf": tmp_path / "bmf.json"}
    with pytest.raises(MeasurementError, match=r"^--junit .*/gone/x: cannot write: No such file or directory$"):
        write(EVERYTHING, files)
    assert json.loads((tmp_path / "bmf.json").read_text())


def test_nothing_is_said_elsewhere_than_on_github(tmp_path: Path) -> None:
    said: list[str] = []
    summary = tmp_path / "summary.md"
    on_github(EVERYTHING, {"GITHUB_STEP_SUMMARY": str(summary)}, said.append)
    on_github(EVERYTHING, {"GITHUB_ACTIONS": "false", "GITHUB_STEP_SUMMARY": str(summary)}, said.append)
    assert said == []
    assert not summary.exists()


def test_annotations_are_said_and_the_summary_is_appended(tmp_path: Path) -> None:
    said: list[str] = []
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    on_github(EVERYTHING, {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}, said.append)
    assert len(said) == 4
    assert all(line.startswith("::error ") and "\n" not in line for line in said)
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("before\n## invobench gate: regressed\n")
    on_github(judgement(PASSED), {"GITHUB_ACTIONS": "true"}, said.append)
    assert len(said) == 4, "no summary file, and nothing to annotate"


def test_the_limit_is_the_steps(tmp_path: Path) -> None:
    said: list[str] = []
    summary = tmp_path / "summary.md"
    summary.write_text("x" * (LIMIT - 100))
    on_github(EVERYTHING, {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}, said.append)
    assert LIMIT - 100 < summary.stat().st_size <= LIMIT


def test_a_summary_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    said: list[str] = []
    on_github(judgement(PASSED), {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path)}, said.append)
    assert said == [f"warning: $GITHUB_STEP_SUMMARY {tmp_path}: cannot write: Is a directory; the table has all of it"]
