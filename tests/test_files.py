"""The user's folders, and files that are replaced as a whole."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from invobench.files import Kind, replace_file, user_folder


@pytest.mark.parametrize(
    ("kind", "environ", "platform", "expected"),
    [
        ("cache", {"XDG_CACHE_HOME": "/x/y"}, "linux", "/x/y/invobench"),
        ("cache", {"XDG_DATA_HOME": "/x/y"}, "linux", "/home/u/.cache/invobench"),
        ("cache", {}, "darwin", "/home/u/Library/Caches/invobench"),
        ("data", {"XDG_DATA_HOME": "/x/y"}, "linux", "/x/y/invobench"),
        ("data", {"XDG_DATA_HOME": "/x/y"}, "darwin", "/x/y/invobench"),
        ("data", {"XDG_DATA_HOME": "not/absolute"}, "linux", "/home/u/.local/share/invobench"),
        ("data", {"XDG_DATA_HOME": ""}, "linux", "/home/u/.local/share/invobench"),
        ("data", {"XDG_CACHE_HOME": "/x/y"}, "linux", "/home/u/.local/share/invobench"),
        ("data", {}, "darwin", "/home/u/Library/Application Support/invobench"),
    ],
)
def test_where_the_folders_are(
    kind: Kind, environ: dict[str, str], platform: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/u"))
    assert user_folder(kind, environ, platform) == Path(expected)


def test_a_file_is_made_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.json"
    replace_file(path, "ü\n")
    assert path.read_bytes() == "ü\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_others_may_read_it_as_they_may_any_new_file(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    replace_file(tmp_path / "c.json", "")
    assert stat.S_IMODE((tmp_path / "c.json").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "c.json", tmp_path / "link.json"
    real.write_text("old")
    link.symlink_to(real)
    replace_file(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


@pytest.mark.parametrize("ending", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_goes_wrong_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: BaseException
) -> None:
    path = tmp_path / "c.json"
    replace_file(path, "old")

    def fails(descriptor: int) -> None:
        raise ending

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(type(ending)):
        replace_file(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("how", ["2>/dev/full", "2>&-", "2> >(true)"])
def test_a_line_that_nobody_hears_is_lost_and_nothing_else(how: str) -> None:
    lines = "[to_stderr('x' * 70000) or time.sleep(0.02) for _ in range(9)]"
    code = f"import time; from invobench.files import to_stderr; {lines}"
    done = subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" {how}', sys.executable, f"{code}; print('whole')"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "whole\n")
