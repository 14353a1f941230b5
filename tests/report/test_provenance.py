"""The commit and the versions that a table names."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from invobench import __version__
from invobench.report import provenance


def git(folder: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("a")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-q", "-m", "a")
    return tmp_path


def test_a_commit_and_whether_files_differ(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "--short", "HEAD")
    assert provenance.commit() == head
    git(checkout, "tag", "-a", "v1", "-m", "a tag is no commit")
    assert provenance.commit() == head
    (checkout / "untracked").write_text("not part of it")
    assert provenance.commit() == head
    (checkout / "a").write_text("b")
    assert provenance.commit() == f"{head}-dirty"
    assert (
        provenance.made_by() == f"invobench {__version__}, torch {version('torch')}, made in a checkout of {head}-dirty"
    )


def test_no_checkout_and_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.commit() == ""
    assert provenance.made_by() == f"invobench {__version__}, torch {version('torch')}"
    git(tmp_path, "init", "-q")
    assert provenance.commit() == "", "nothing was committed"


def test_no_git(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    assert provenance.commit() == ""


def test_a_git_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    def slow(*arguments: object, **options: object) -> None:
        raise subprocess.TimeoutExpired("git", 10)

    monkeypatch.setattr(subprocess, "run", slow)
    assert provenance.commit() == ""
