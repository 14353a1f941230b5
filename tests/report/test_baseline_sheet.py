"""What `baseline show` and `list` print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from invobench.baselines.file import read_baseline, save
from invobench.baselines.listing import list_baselines
from invobench.report import SHEETS, Page
from invobench.report.baseline_sheet import baseline_sheet, baselines_sheet
from invobench.results import Results
from tests.report.test_compare_sheet import timed
from tests.rows import MISSING, row, run


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    rows = (timed("conv", 0.0123), timed("few", 0.5, 3), row("big", **MISSING, status="oom", message="too big"))
    path = tmp_path / "base.json"
    save(Results(run(), rows, (), 0), path)
    return path


def test_show(baseline: Path) -> None:
    sheet = baseline_sheet(read_baseline(baseline))
    assert sheet.title == f"{baseline} · 2026-11-23T12:00:00+00:00 · cpu, float32, forward, module, backend shift"
    for text in (
        "fingerprint 0123456789abcdef: Some CPU",
        "torch 2.13.0",
        "of a.yaml (spec hash ",
        "convention formula.",
    ):
        assert text in sheet.legend
    conv, few, big = sheet.lines
    assert conv.cells == ("conv", "4,388", "22,880,256", "22,880,256", "12.3 ms", "13.6 MiB", "10")
    assert few.cells[-1] == "3"
    assert (big.cells[4], big.cells[-1], big.style) == ("oom", "", "bad")
    assert any("few (3)" in note for note in sheet.notes)


def test_list(baseline: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text(baseline.read_text()[:600])
    (tmp_path / "other.json").write_text("{}")
    sheet = baselines_sheet(list_baselines([tmp_path]), str(tmp_path))
    assert [Path(line.cells[0]).name for line in sheet.lines] == ["base.json", "cut.json"]
    assert sheet.lines[0].cells[2:] == ("3", "0123456789abcdef", "2.13.0", "a.yaml")
    assert sheet.lines[1].cells[1:] == ("cannot be read", "", "", "", "")
    assert len(sheet.notes) == 1
    assert sheet.notes[0].startswith(f"{tmp_path}/cut.json:")
    records = [json.loads(line) for line in SHEETS["jsonl"].load()([sheet], Page()).splitlines()]
    assert records[0]["cells"] == 3
    assert set(records[1]) == {"path", "problem"}


def test_none(tmp_path: Path) -> None:
    sheet = baselines_sheet(list_baselines([tmp_path]), "here")
    assert (sheet.title, sheet.lines) == ("baselines in here", ())
    assert sheet.notes == ("none; save one: invobench baseline save RESULTS FILE",)


@pytest.mark.parametrize("name", SHEETS)
def test_every_format_draws_them(name: str, baseline: Path, tmp_path: Path) -> None:
    found = baselines_sheet(list_baselines([tmp_path]), "here")
    for sheet in (baseline_sheet(read_baseline(baseline)), found):
        assert SHEETS[name].load()([sheet], Page())
