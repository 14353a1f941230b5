"""The hash of a spec: of its files where they can be read, of its cells where not."""

from __future__ import annotations

from pathlib import Path

from invobench.baselines.spec_hash import spec_hash

CELLS = [{"spec": "a.yaml", "name": "x", "batch": 1}, {"spec": "a.yaml", "name": "y", "batch": 1}]


def test_of_the_files(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("batch: 1\n")
    second.write_text("batch: 2\n")
    found = spec_hash([str(first)], CELLS)
    assert found.of == "files"
    assert found == spec_hash([str(first)], [])
    assert found != spec_hash([str(second)], CELLS)
    assert spec_hash([str(first), str(second)], []) != spec_hash([str(second), str(first)], [])
    first.rename(tmp_path / "c.yaml")
    assert found == spec_hash([str(tmp_path / "c.yaml")], CELLS)


def test_of_the_cells_where_a_file_cannot_be_read(tmp_path: Path) -> None:
    there = tmp_path / "a.yaml"
    there.write_text("batch: 1\n")
    found = spec_hash([str(there), str(tmp_path / "gone.yaml")], CELLS)
    assert found.of == "cells"
    moved = [{**cell, "spec": "elsewhere/a.yaml"} for cell in reversed(CELLS)]
    assert found == spec_hash(["-"], moved) == spec_hash([], CELLS)
    assert found == spec_hash([f"\0{there}"], CELLS)
    assert found != spec_hash([], [CELLS[0], {**CELLS[1], "batch": 2}])
    assert found != spec_hash([], CELLS[:1])
