"""How sides are started: import path, folder, specs, and what the system does with their memory."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from invobench.errors import UsageError
from invobench.runner.gate import sides
from invobench.runner.gate.request import GateRequest
from invobench.runner.gate.side import Launch
from tests.runner.gate.repositories import repository

KEPT = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "-1"}


class Recorded:
    """Stands for a server."""

    def __init__(self, launch: Launch, warn: Any) -> None:
        self.launch, self.name = launch, launch.name

    def __enter__(self) -> Recorded:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to end."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = repository(tmp_path / "repo", sub__a_yaml="version: 1\n", lib__a_txt="x", src__a_txt="x")
    monkeypatch.setattr(sides, "Side", Recorded)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "path", [str(folder / "lib"), str(tmp_path / "elsewhere"), *sys.path[1:]])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(folder)
    for name in KEPT:
        monkeypatch.delenv(name, raising=False)
    return folder


def request(**changes: Any) -> GateRequest:
    return GateRequest((Path("sub/a.yaml"),), Path("out"), **changes)


def path_of(launch: Launch) -> list[str]:
    return launch.environment["PYTHONPATH"].split(os.pathsep)


def test_a_revision_and_the_working_tree(root: Path, tmp_path: Path) -> None:
    said: list[str] = []
    (root / "lib/a.txt").write_text("changed")
    with ExitStack() as stack:
        base, candidate = sides.both(request(base_ref="main"), stack, said.append)
        old, new = base.measurer.launch, candidate.measurer.launch  # type: ignore[attr-defined]
        tree = Path(old.folder)
        assert tree != root
        assert (old.name, new.name) == ("base (main)", "candidate (working tree)")
        assert old.python == new.python == sys.executable
        assert path_of(old)[:4] == [str(tree), str(tree / "lib"), str(tree / "src"), str(tmp_path / "elsewhere")]
        assert path_of(new)[:2] == [str(root / "lib"), str(tmp_path / "elsewhere")]
        assert not {str(root), str(root / "lib")} & set(path_of(old))
        assert new.folder == root
        assert [(spec.path, spec.name) for spec in base.specs] == [(str(tree / "sub/a.yaml"), "sub/a.yaml")]
        assert base.watch == {"own": str(tree), "foreign": str(root)}
        assert candidate.watch == {"own": str(root), "foreign": str(tree)}
        assert (base.conditions, candidate.conditions) == ("gate", "gate")
    assert said == []


def test_both_sides_keep_freed_memory_and_a_pipeline_may_say_otherwise(root: Path, monkeypatch: Any) -> None:
    python = Path(sys.executable)
    for changes in ({"base_ref": "main"}, {"against_python": python}):
        with ExitStack() as stack:
            for one in sides.both(request(**changes), stack, lambda text: None):
                assert one.measurer.launch.environment.items() >= KEPT.items()  # type: ignore[attr-defined]
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "7")
    with ExitStack() as stack:
        for one in sides.both(request(base_ref="main"), stack, lambda text: None):
            assert "MALLOC_MMAP_MAX_" not in one.measurer.launch.environment  # type: ignore[attr-defined]


def test_a_self_test_is_measured_as_a_side_of_a_gate_is(root: Path) -> None:
    with ExitStack() as stack:
        one = sides.alone(request(), stack, lambda text: None, "gate")
        assert one.measurer.launch.environment.items() >= KEPT.items()  # type: ignore[attr-defined]


def test_the_candidate_of_a_baseline_is_measured_as_in_a_profile(root: Path) -> None:
    with ExitStack() as stack:
        one = sides.alone(request(), stack, lambda text: None, "profile")
        assert not KEPT.keys() & one.measurer.launch.environment.keys()  # type: ignore[attr-defined]
        assert one.conditions == "profile"
        assert [(spec.path, spec.name) for spec in one.specs] == [("sub/a.yaml", "sub/a.yaml")]


def test_another_interpreter_runs_here_with_the_import_path_of_this_one_left_out(root: Path) -> None:
    with ExitStack() as stack:
        base, _ = sides.both(request(against_python=Path("there/python")), stack, lambda text: None)
        launch = base.measurer.launch  # type: ignore[attr-defined]
        assert (launch.python, launch.folder) == (str(root / "there/python"), root)
        assert "PYTHONPATH" not in launch.environment
        assert "pip install invobench==" in launch.hint
        assert base.watch is None


def test_a_folder_that_the_revision_lacks(root: Path, monkeypatch: Any) -> None:
    (root / "later").mkdir()
    monkeypatch.chdir(root / "later")
    with ExitStack() as stack, pytest.raises(UsageError) as raised:
        sides.both(request(base_ref="main"), stack, lambda text: None)
    assert str(raised.value) == (
        f"--base-ref main: {root / 'later'} is not there at that revision: run in a folder that is"
    )


def test_what_a_reader_should_know(root: Path, tmp_path: Path) -> None:
    """Submodules are not there; a spec from elsewhere is that of both; the same tree on both sides."""
    from tests.runner.gate.repositories import commit

    (root / ".gitmodules").write_text("")
    commit(root)
    (tmp_path / "own.yaml").write_text("version: 1\n")
    said: list[str] = []
    asked = GateRequest((tmp_path / "own.yaml",), Path("out"), base_ref="HEAD")
    with ExitStack() as stack:
        base, candidate = sides.both(asked, stack, said.append)
        assert base.specs == candidate.specs
    assert said == [
        "HEAD is what is in the working tree: it is compared with itself",
        "the worktree of HEAD has no submodules: code in them cannot be imported on the base's side",
        f"{tmp_path}/own.yaml is not in the repository: as it is here, it is the spec of both sides",
    ]
