"""Which baselines are found in folders, and which folders are not looked into."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from invobench.baselines import listing
from invobench.baselines.file import save
from invobench.baselines.listing import DEEPEST, list_baselines
from invobench.errors import UsageError
from tests.baselines.builders import results, timed


def saved(path: Path) -> Path:
    save(results(timed()), path)
    return path


def paths(*folders: Path) -> list[Path]:
    return [found.path for found in list_baselines(folders)]


def test_baselines_among_other_files(tmp_path: Path) -> None:
    two, one = saved(tmp_path / "ci" / "b.json"), saved(tmp_path / "a.json")
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "notes.txt").write_text('"format": "invobench baseline"')
    found = list_baselines([tmp_path])
    assert [item.path for item in found] == [one, two]
    assert all(item.baseline and item.baseline.rows[0].name == "involution" and not item.problem for item in found)


def test_a_damaged_one_is_listed_with_what_is_wrong(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.json")
    path.write_text(path.read_text()[:200])
    (found,) = list_baselines([tmp_path])
    assert found.baseline is None
    assert found.problem.startswith(f"{path}:")
    assert ": cut off: " in found.problem


def test_a_file_may_be_named_and_counts_once(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.json")
    other = saved(tmp_path / "no_ending")
    assert paths(path, tmp_path, tmp_path / ".") == [path]
    assert paths(tmp_path, other) == [path, other]


@pytest.mark.parametrize("name", [".git", "node_modules", ".venv", "site-packages", "__pycache__"])
def test_folders_of_other_programs_are_left_out(tmp_path: Path, name: str) -> None:
    saved(tmp_path / name / "a.json")
    kept = saved(tmp_path / ".github" / "a.json")
    assert paths(tmp_path) == [kept]


def test_a_python_environment_of_any_name_is_left_out(tmp_path: Path) -> None:
    saved(tmp_path / "env" / "share" / "a.json")
    assert len(paths(tmp_path)) == 1
    (tmp_path / "env" / "pyvenv.cfg").touch()
    assert paths(tmp_path) == []


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    path = saved(tmp_path / "real" / "a.json")
    (tmp_path / "real" / "up").symlink_to(tmp_path)
    assert paths(tmp_path) == [path]


def test_not_deeper_than_it_says(tmp_path: Path) -> None:
    just = tmp_path.joinpath(*("d" * DEEPEST))
    kept = saved(just / "a.json")
    saved(just / "d" / "a.json")
    assert paths(tmp_path) == [kept]


def test_only_what_says_that_it_is_one_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        (tmp_path / f"{number}.json").write_text("[" * 100_000)
    path = saved(tmp_path / "a.json")
    read: list[Path] = []
    whole = listing.read_baseline
    monkeypatch.setattr(listing, "read_baseline", lambda path: read.append(path) or whole(path))
    assert paths(tmp_path) == [path]
    assert read == [path]


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.json")
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.json")
    assert paths(tmp_path) == [path]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gone: no such folder: name one that holds baselines"):
        paths(tmp_path, tmp_path / "gone")
