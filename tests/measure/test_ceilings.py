"""The file that keeps ceilings: found by fingerprint, replaced as a whole, and of no use when it is damaged."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from invobench.errors import UsageError
from invobench.measure.cache_folder import cache_folder
from invobench.measure.ceilings import (
    Ceiling,
    Ceilings,
    ceilings_path,
    read_ceilings,
    require_writable,
    write_ceilings,
)

PRINT = "0123456789abcdef"


def ceiling(**changes: Any) -> Ceiling:
    given = {"device": "cpu", "quantity": "copy", "value": 2e10, "threads": 2, "samples": 20, "reached": True}
    return Ceiling(**{**given, **changes})


def kept(*ceilings: Ceiling, fingerprint: str = PRINT) -> Ceilings:
    return Ceilings(fingerprint=fingerprint, invobench="0.1.0", created="2026-11-24T12:00:00+00:00", ceilings=ceilings)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "invobench"


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({"XDG_CACHE_HOME": "/x/y"}, "linux", "/x/y/invobench"),
        ({"XDG_CACHE_HOME": "/x/y"}, "darwin", "/x/y/invobench"),
        ({"XDG_CACHE_HOME": "not/absolute"}, "linux", "/home/u/.cache/invobench"),
        ({"XDG_CACHE_HOME": ""}, "linux", "/home/u/.cache/invobench"),
        ({}, "linux", "/home/u/.cache/invobench"),
        ({}, "darwin", "/home/u/Library/Caches/invobench"),
    ],
)
def test_where_the_cache_is(
    environ: dict[str, str], platform: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/u"))
    assert cache_folder(environ, platform) == Path(expected)


def test_what_is_written_is_read(folder: Path) -> None:
    both = kept(ceiling(low=1.9e10, high=2.1e10, size=1024), ceiling(quantity="matmul", dtype="float32", value=1e11))
    assert write_ceilings(both) == folder / f"ceilings-{PRINT}.json"
    assert read_ceilings(PRINT) == (both, "")
    assert [path.name for path in folder.iterdir()] == [f"ceilings-{PRINT}.json"]


def test_nothing_measured_is_nothing_without_a_note() -> None:
    assert read_ceilings(PRINT) == (None, "")


def test_of_no_other_fingerprint(folder: Path) -> None:
    """Not even where the file was renamed."""
    write_ceilings(kept(ceiling(), fingerprint="f" * 16))
    assert read_ceilings(PRINT) == (None, "")
    os.replace(folder / f"ceilings-{'f' * 16}.json", ceilings_path(PRINT))
    found, note = read_ceilings(PRINT)
    assert found is None
    assert note.endswith(f"ceilings-{PRINT}.json: ceilings of another environment ({'f' * 16})")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace("20000000000.0", "-1"),
        lambda text: text.replace("20000000000.0", "NaN"),
        lambda text: text.replace('"schema_version": 1', '"schema_version": 2'),
        lambda text: text.replace('"samples"', '"sampels"'),
        lambda text: "\x00" * 100,
    ],
)
def test_a_damaged_file_is_of_no_use_and_says_so(damage: Any) -> None:
    path = write_ceilings(kept(ceiling()))
    whole = path.read_text()
    damaged = damage(whole)
    assert damaged != whole
    path.write_text(damaged)
    found, note = read_ceilings(PRINT)
    assert found is None
    assert note.startswith(f"{path}: not a whole file of ceilings (")
    assert "\n" not in note


def test_a_file_that_cannot_be_read(folder: Path) -> None:
    ceilings_path(PRINT).mkdir(parents=True)
    found, note = read_ceilings(PRINT)
    assert found is None
    assert "cannot read ceilings: Is a directory" in note


def test_an_interrupted_write_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept(ceiling())
    write_ceilings(before)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        UsageError, match="cannot keep ceilings: No space left on device; set XDG_CACHE_HOME to a folder"
    ):
        write_ceilings(kept(ceiling(value=1.0)))
    assert read_ceilings(PRINT) == (before, "")
    assert len(list(folder.iterdir())) == 1


def test_ctrl_c_in_the_middle_of_a_write_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept(ceiling())
    write_ceilings(before)

    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_ceilings(kept(ceiling(value=1.0)))
    assert read_ceilings(PRINT) == (before, "")
    assert len(list(folder.iterdir())) == 1


def test_a_cache_folder_that_takes_nothing_is_told_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    for attempt in (require_writable, lambda: write_ceilings(kept())):
        with pytest.raises(
            UsageError, match=r"file/invobench: cannot keep ceilings: Not a directory; set XDG_CACHE_HOME"
        ):
            attempt()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "new"))
    require_writable()
    assert list((tmp_path / "new/invobench").iterdir()) == []


def test_ceilings_of_the_cpu_are_of_their_threads() -> None:
    two, one, gpu = ceiling(), ceiling(threads=1, value=1e10), ceiling(device="cuda:0", threads=None, value=3e12)
    both = kept(two, one, gpu)
    assert both.find("copy", "cpu", 2) == two
    assert both.find("copy", "cpu", 1) == one
    assert both.find("copy", "cpu", 3) is None
    assert both.find("copy", "cpu", None) is None
    assert both.find("copy", "cuda:0", 2) == both.find("copy", "cuda:0", 7) == gpu
    assert both.find("copy", "cuda:1", 2) is None
    assert both.find("launch", "cpu", 2) is None
    assert both.of("cpu", 1) == (one,)
    assert both.of("cuda:0", 1) == (gpu,)


def test_tf32_is_a_gpus_way_with_float32() -> None:
    plain, rounded = (
        ceiling(device="cuda:0", quantity="matmul", dtype="float32", tf32=tf32, threads=None, value=value)
        for tf32, value in ((False, 5e13), (True, 4e14))
    )
    half = ceiling(device="cuda:0", quantity="matmul", dtype="float16", threads=None, value=8e14)
    cpu = ceiling(quantity="matmul", dtype="float32", value=1e11)
    every = kept(plain, rounded, half, cpu)
    assert every.find("matmul", "cuda:0", None, "float32") == plain
    assert every.find("matmul", "cuda:0", None, "float32", tf32=True) == rounded
    assert every.find("matmul", "cuda:0", None, "float16", tf32=True) == half
    assert every.find("matmul", "cpu", 2, "float32", tf32=True) == cpu


def test_what_is_new_takes_the_place_of_the_old() -> None:
    old, other = ceiling(), ceiling(threads=1)
    new = ceiling(value=3e10)
    assert kept(old, other).renewed([new]).ceilings == (new, other)


def test_the_file_is_json_for_people_too() -> None:
    text = write_ceilings(kept(ceiling())).read_text()
    assert json.loads(text)["ceilings"][0]["value"] == 2e10
    assert text.count("\n") > 5
