"""A revision beside the working tree: found, written, put on the import path, and gone afterwards."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path
from typing import Any, ClassVar

import pytest

from invobench.errors import MeasurementError, UsageError
from invobench.runner.gate.worktree import Tree, worktree
from tests.runner.gate.repositories import commit, git, repository


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where worktrees go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def changed(root: Path) -> str:
    """The hash of the first commit, after a second one that removes a file."""
    first = git(root, "rev-parse", "HEAD")
    (root / "readme.txt").write_text("changed")
    (root / "later.txt").write_text("new")
    commit(root)
    return first


def test_a_revision_is_there_and_gone(tmp_path: Path, temporary: Path) -> None:
    root = repository(tmp_path / "repo")
    first = changed(root)
    with worktree(root, "HEAD~1") as tree:
        assert (tree.revision, tree.reference, tree.is_head) == (first, "HEAD~1", False)
        assert (tree.path / "readme.txt").read_text() == "hello"
        assert not (tree.path / "later.txt").exists()
        assert tree.path.name == "repo"
        assert len(git(root, "worktree", "list").splitlines()) == 2
    assert list(temporary.iterdir()) == []
    assert len(git(root, "worktree", "list").splitlines()) == 1
    assert git(root, "branch", "--list").splitlines() == ["* main"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MeasurementError("x"), SystemExit])
def test_it_is_gone_however_it_ends(tmp_path: Path, temporary: Path, error: Any) -> None:
    root = repository(tmp_path / "repo")

    def fails() -> None:
        with worktree(root, "main") as tree:
            (tree.path / "untracked.txt").write_text("left by a layer")
            raise error

    with pytest.raises(type(error) if isinstance(error, Exception) else error):
        fails()
    assert list(temporary.iterdir()) == []
    assert len(git(root, "worktree", "list").splitlines()) == 1


def test_a_clean_working_tree_at_the_revision_is_known(tmp_path: Path, temporary: Path) -> None:
    root = repository(tmp_path / "repo")
    with worktree(root, "main") as tree:
        assert tree.is_head
    (root / "untracked.txt").write_text("does not count")
    with worktree(root, "main") as tree:
        assert tree.is_head
    (root / "readme.txt").write_text("counts")
    with worktree(root, "main") as tree:
        assert not tree.is_head


def test_from_a_folder_within_and_in_a_hook(tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "repo", sub__readme_txt="hello")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    with worktree(root / "sub", "main") as tree:
        assert tree.mapped(root / "sub") == tree.path / "sub"
        assert (tree.path / "sub/readme.txt").exists()


def test_a_hook_of_the_repository_does_not_run(tmp_path: Path, temporary: Path) -> None:
    root = repository(tmp_path / "repo")
    hook = root / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    with worktree(root, "main"):
        assert not (tmp_path / "ran").exists()


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(UsageError) as raised, worktree(tmp_path, "main"):
        pass
    said = "not a git repository (or any of the parent directories): .git"
    assert str(raised.value) == (
        f"--base-ref: {tmp_path} is in no git repository that has files ({said}): run in the repository whose revision "
        "is the base, or use --against-python or --baseline"
    )


@pytest.mark.parametrize("reference", ["nonesuch", "-x", "--help", "", "main:readme.txt", "a b", "HEAD~7"])
def test_an_unknown_revision(tmp_path: Path, reference: str) -> None:
    root = repository(tmp_path / "repo")
    with pytest.raises(UsageError) as raised, worktree(root, reference):
        pass
    assert str(raised.value) == (
        f"--base-ref {reference}: {root} has no such revision: fetch it first (git fetch origin; in GitHub Actions: "
        "actions/checkout with fetch-depth: 0)"
    )


def test_a_branch_of_the_remote_is_suggested(tmp_path: Path) -> None:
    origin = repository(tmp_path / "origin")
    git(origin, "branch", "release")
    git(tmp_path, "clone", "--quiet", str(origin), "clone")
    said = r"has no such revision: there is origin/release$"
    with pytest.raises(UsageError, match=said), worktree(tmp_path / "clone", "release"):
        pass


def test_a_shallow_clone_lacks_the_base(tmp_path: Path, temporary: Path) -> None:
    origin = repository(tmp_path / "origin")
    first = changed(origin)
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{origin}", "clone")
    said = r"fetch it first \(git fetch origin; in GitHub Actions: .*fetch-depth: 0\)"
    with pytest.raises(UsageError, match=said), worktree(tmp_path / "clone", first):
        pass
    assert list(temporary.iterdir()) == []


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "repo")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError) as raised, worktree(root, "main"):
        pass
    assert str(raised.value) == (
        "--base-ref needs git, which is not here: install it, or use --against-python or --baseline"
    )


def test_a_worktree_that_cannot_be_written(tmp_path: Path, temporary: Path) -> None:
    root = repository(tmp_path / "repo")
    (root / ".git/worktrees").write_text("in the way")
    said = r"--base-ref main: git cannot write its worktree in /.*: \w+"
    with pytest.raises(MeasurementError, match=said), worktree(root, "main"):
        pass
    assert list(temporary.iterdir()) == []


def tree_of(tmp_path: Path) -> Tree:
    for path in ("repo/src/pkg", "repo/plain", "there/repo/src/pkg", "there/repo/plain"):
        (tmp_path / path).mkdir(parents=True)
    return Tree(tmp_path / "repo", tmp_path / "there/repo", "main", "a" * 40, False)


def test_what_lies_in_the_repository_is_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tree_of(tmp_path)
    assert tree.mapped(tree.root) == tree.path
    assert tree.mapped(tree.root / "src/pkg/a.py") == tree.path / "src/pkg/a.py"
    assert tree.mapped(tmp_path / "repository") is None
    assert tree.mapped(tmp_path) is None
    assert tree.mapped(tree.root / ".venv/lib/python3.11/site-packages") is None
    monkeypatch.setattr(sys, "prefix", str(tree.root / "environment"))
    assert tree.mapped(tree.root / "environment/bin") is None
    (tmp_path / "link").symlink_to(tree.root)
    assert tree.mapped(tmp_path / "link/src") == tree.path / "src"


def test_the_import_path_of_the_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its order is the working tree's; what the revision lacks and what lies elsewhere is not in it."""
    tree = tree_of(tmp_path)
    (tree.root / "new").mkdir()
    monkeypatch.setattr(sys, "path", ["", str(tree.root / "plain"), str(tree.root / "new"), "/usr/lib"])
    monkeypatch.setattr(sys, "meta_path", [])
    assert tree.python_path(tree.root) == [str(tree.path), str(tree.path / "plain"), str(tree.path / "src")]
    assert tree.python_path(tmp_path) == [str(tree.path / "plain"), str(tree.path / "src")]


def test_editable_installs_are_on_the_import_path_of_the_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Setuptools keeps a table in a module of its own, `editables` (hatch) in a finder."""
    tree = tree_of(tmp_path)
    for name in ("one/a", "two/b", "three"):
        (tree.path / name).mkdir(parents=True)
        (tree.root / name).mkdir(parents=True)
    setuptools = types.ModuleType("__editable___a_1_0_finder")
    setuptools.MAPPING = {"a": str(tree.root / "one/a"), "c": str(tree.root / "three/c.py")}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, setuptools.__name__, setuptools)

    class Finder:
        _redirections: ClassVar[dict[str, str]] = {"b": str(tree.root / "two/b/__init__.py")}

    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [Finder])
    found = [os.path.relpath(entry, tree.path) for entry in tree.python_path(Path("/"))]
    assert found == ["one", "three", "two", "src"]
