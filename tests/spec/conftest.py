from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from invobench.errors import SpecError
from invobench.spec import read
from invobench.spec.cells import Cell

Cells = Callable[..., list[Cell]]
Problems = Callable[..., list[str]]


@pytest.fixture
def cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cells:
    """Reads texts as the files x.yaml, x2.yaml …"""
    monkeypatch.chdir(tmp_path)

    def of(*texts: str | bytes, sets: tuple[str, ...] = ()) -> list[Cell]:
        paths = [Path(f"x{index or ''}.yaml") for index in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read(paths, sets)

    return of


@pytest.fixture
def problems(cells: Cells) -> Problems:
    """The problems of texts, one a line."""

    def of(*texts: str | bytes, sets: tuple[str, ...] = ()) -> list[str]:
        with pytest.raises(SpecError) as caught:
            cells(*texts, sets=sets)
        return str(caught.value).split("\n")

    return of
