"""The user's data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from invobench.baselines.folder import data_folder
from invobench.baselines.store import Store


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert data_folder({}, "linux") == tmp_path / ".local/share/invobench"
    assert data_folder({}, "darwin") == tmp_path / "Library/Application Support/invobench"
    assert data_folder({"XDG_DATA_HOME": "/d"}) == Path("/d/invobench")


def test_the_history_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Store().path == tmp_path / "invobench/history.sqlite"
    assert Store(tmp_path / "mine").path == tmp_path / "mine"
