"""Which baselines there are in some folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from invobench.baselines.file import Baseline, is_baseline, read_baseline
from invobench.errors import UsageError

#: so many folders below the one that was named
DEEPEST = 6
_SKIPPED = frozenset(
    {".git", ".hg", ".svn", "node_modules", "__pycache__", "site-packages", ".tox", ".nox", ".venv", "venv"}
)
#: a folder with one of these is an environment of Python
_OF_ENVIRONMENTS = frozenset({"pyvenv.cfg", "conda-meta"})


@dataclass(frozen=True)
class Found:
    """A file that says it is a baseline: what it holds, or, where that is None, what is wrong with it."""

    path: Path
    baseline: Baseline | None
    problem: str = ""


def list_baselines(folders: Iterable[Path]) -> list[Found]:
    """The baselines among the `*.json` files in `folders` and below, by path; a file may be named as well.

    Left out are folders of version control, of packages and of Python environments, links to folders, and what cannot
    be read. Raises UsageError for a folder that is not there.
    """
    paths: dict[Path, Path] = {}
    for folder in folders:
        if not folder.exists():
            raise UsageError(f"{folder}: no such folder: name one that holds baselines")
        for path in [folder] if folder.is_file() else _files(folder):
            paths.setdefault(path.resolve(), path)
    return [_found(path) for path in sorted(paths.values()) if is_baseline(path)]


def _found(path: Path) -> Found:
    try:
        return Found(path, read_baseline(path))
    except UsageError as error:
        return Found(path, None, str(error))


def _files(folder: Path, depth: int = 0) -> Iterator[Path]:
    """Every `*.json` file in `folder` and not too far below."""
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except OSError:
        return
    if any(entry.name in _OF_ENVIRONMENTS for entry in found):
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            if depth < DEEPEST and entry.name not in _SKIPPED:
                yield from _files(folder / entry.name, depth + 1)
        elif entry.name.endswith(".json") and entry.is_file():
            yield folder / entry.name
