"""What a gate leaves in the history; none of what goes wrong there changes how it ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from invobench.baselines.store import Store
from invobench.report.gate_history import History
from tests.report.judgements import EVERYTHING, PASSED, SLOWER, judgement
from tests.report.test_gate_selftest_sheet import FOUND, cell

#: A against A in another report's sample; here it is of the sample gate's cells
SUPPORTED = replace(FOUND, cells=(cell("involution kernel_size=7", 0.05, 0.08), cell("conv", 0.05, 0.04)))


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "gate.yaml"
    path.write_text("version: 1\n")
    return path


def test_a_gate_is_appended(spec: Path, tmp_path: Path) -> None:
    said: list[str] = []
    store = Store(tmp_path / "history.sqlite")
    History(store, [spec], said.append).add(EVERYTHING, "base-ref")
    (point,) = store.history("involution", "latency")
    assert (point.mode, point.candidate, point.verdict) == ("base-ref", SLOWER.checks[0].candidate, "regressed")
    assert said == []


def test_a_threshold_below_what_a_self_test_found_is_a_note(spec: Path, tmp_path: Path) -> None:
    said: list[str] = []
    history = History(Store(tmp_path / "history.sqlite"), [spec], said.append)
    judged = judgement(PASSED, SLOWER)
    assert history.told(judged) == judged, "no self-test yet"
    history.keep(SUPPORTED)
    notes = history.told(judged).notes
    assert notes[:-1] == judged.notes
    assert notes[-1].startswith(
        "Warning: involution kernel_size=7: the threshold of 5.0 % is below what this machine supports (8.0 % or more, "
        "by gate --self-test of 20"
    )
    elsewhere = replace(judged, candidate=replace(judged.candidate, fingerprint="feedfacefeedface"))
    assert history.told(elsewhere) == elsewhere
    spec.write_text("version: 1  # another\n")
    assert history.told(judged) == judged
    assert said == []


def test_a_self_test_that_found_nothing_keeps_nothing(spec: Path, tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    History(Store(path), [spec], print).keep(replace(FOUND, cells=()))
    assert not path.exists()


def test_what_goes_wrong_is_a_warning(spec: Path, tmp_path: Path) -> None:
    said: list[str] = []
    bad = tmp_path / "history.sqlite"
    bad.write_text("not a database, whatever its name says; long enough to be taken for one")
    history = History(Store(bad), [spec], said.append)
    history.add(EVERYTHING, "base-ref")
    history.keep(SUPPORTED)
    assert history.told(EVERYTHING) == EVERYTHING
    assert len(said) == 3
    assert all(line.startswith(f"warning: {bad}: ") for line in said)
