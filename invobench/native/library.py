"""Building an extension once, however many processes want it, and loading it.

The file is named by a hash of all that decides its code: sources, command, compiler, PyTorch and processor. So a new
PyTorch, another compiler or another machine with the same home folder builds its own. Two processes that want it at
once wait for one another (a lock that dies with its holder), and a file appears as a whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from invobench.errors import BackendUnavailable
from invobench.files import to_stderr, user_folder
from invobench.native import compiler

_LOADED: dict[str, float] = {}
#: why building failed in this process, so that it is tried once
_FAILED: list[str] = []


@dataclass(frozen=True)
class Sources:
    """An extension: its `name`, the `main` file in `folder`, and the headers beside it."""

    name: str
    folder: Path
    main: str
    headers: tuple[str, ...] = ()

    def text(self) -> bytes:
        """All files, for the hash."""
        return b"\0".join((self.folder / name).read_bytes() for name in (self.main, *self.headers))


def missing() -> str | None:
    """Why nothing can be built here, None where it can as far as is known."""
    return compiler.missing() or (_FAILED[0] if _FAILED else None)


def load(sources: Sources) -> float:
    """Build the extension unless that was done, load it into this process, and return the seconds that this took.

    A second call returns what the first took. Raises BackendUnavailable where there is no compiler, or it fails.
    """
    if sources.name not in _LOADED:
        start = time.perf_counter()
        reason = missing()
        if reason:
            raise BackendUnavailable(f"{sources.name} {reason}")
        try:
            _open(sources, _built(sources))
        except BackendUnavailable as error:
            _FAILED.append(f"could not be built ({error})")
            raise
        _LOADED[sources.name] = time.perf_counter() - start
    return _LOADED[sources.name]


def folder() -> Path:
    """Where extensions are kept."""
    return user_folder("cache") / "kernels"


def _built(sources: Sources) -> Path:
    """The extension's file, built if it is not there."""
    import torch
    from torch.utils.cpp_extension import include_paths, library_paths

    path = compiler.compiler() or ""
    includes, libraries = include_paths(), library_paths()
    plan = [word for one in compiler.commands(path, Path("in"), Path("out"), includes, libraries) for word in one]
    decided = "\0".join([*plan, compiler.version(path), str(torch.__version__), compiler.processor()])
    key = hashlib.sha256(sources.text() + decided.encode()).hexdigest()[:16]
    target = folder() / f"{sources.name}-{key}.so"
    try:
        with _locked(target):
            if not target.exists():
                to_stderr(
                    f"building the C++ kernels of {sources.name} for this processor, once: it takes half a minute"
                )
                with TemporaryDirectory(dir=target.parent, prefix=f".{target.stem}-") as place:
                    made = Path(place) / target.name
                    for command in compiler.commands(path, sources.folder / sources.main, made, includes, libraries):
                        _run(command, sources)
                    made.replace(target)
    except OSError as error:
        where = f"{target.parent}: cannot keep kernels: {error.strerror}"
        raise BackendUnavailable(f"{where}; set XDG_CACHE_HOME to a folder of yours") from None
    return target


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Hold the lock of `target` for as long as this lasts. Raises OSError where nothing can be kept."""
    import fcntl

    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(target.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        with suppress(OSError):  # where a file system has no locks, two may build at once: both make the same
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _run(command: list[str], sources: Sources) -> None:
    """Run the compiler. Raises BackendUnavailable with its first error."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    except OSError as error:
        raise BackendUnavailable(f"{sources.name}: cannot run {command[0]}: {error.strerror}") from None
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        said = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "no message")
        name = Path(command[0]).name
        raise BackendUnavailable(
            f"{sources.name}: {name} failed ({said}): use another compiler (CXX), or backend: shift"
        )


def _open(sources: Sources, path: Path) -> None:
    """Load the file into this process; one that cannot be loaded is built anew, once."""
    import torch

    try:
        torch.ops.load_library(path)
    except OSError:
        to_stderr(f"{sources.name}: {path.name} cannot be loaded and is built anew")
        with suppress(OSError):
            path.unlink()
        try:
            torch.ops.load_library(_built(sources))
        except OSError as error:
            raise BackendUnavailable(f"{sources.name}: cannot be loaded: {error}") from None
