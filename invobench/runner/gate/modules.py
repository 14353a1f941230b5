"""Where the code that ran came from: modules below a folder, installed ones apart (no torch)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

#: folders of installed packages, wherever they are
_INSTALLED = ("site-packages", "dist-packages")


def is_below(path: Path, folder: Path) -> bool:
    """Whether `path` is `folder` or in it; both with links followed."""
    return path == folder or folder in path.parents


def is_installed(path: Path) -> bool:
    """Whether `path` belongs to this interpreter, or to an environment of installed packages."""
    prefixes = {Path(os.path.realpath(prefix)) for prefix in (sys.prefix, sys.base_prefix)}
    return any(is_below(path, prefix) for prefix in prefixes) or any(name in path.parts for name in _INSTALLED)


def modules_below(folder: str, except_below: Iterable[str] = ()) -> Mapping[str, str]:
    """Imported modules whose file lies below `folder` and is not installed: name -> file.

    Folders `except_below` do not count: a temporary folder may lie within a repository.
    """
    root, exempt = Path(os.path.realpath(folder)), [Path(os.path.realpath(path)) for path in except_below]
    if any(is_below(root, path) for path in exempt):
        exempt = []
    return {
        name: file
        for name, file in _files()
        if is_below(path := Path(os.path.realpath(file)), root)
        and not is_installed(path)
        and not any(is_below(path, other) for other in exempt)
    }


def _files() -> Iterator[tuple[str, str]]:
    """Modules that have a file, `__main__` apart, which is how the process was started."""
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and not name.startswith("__m"):
            yield name, file
