"""A revision of the user's repository beside it: a git worktree, and where Python finds its code (no torch)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from invobench.errors import MeasurementError, UsageError
from invobench.runner.gate.modules import is_below, is_installed

#: variables by which a hook's git tells other gits what they are about
_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")


@dataclass(frozen=True)
class Tree:
    """A worktree at `path` of the repository at `root`; both with links followed. `revision`: the commit's hash.

    `is_head`: whether the working tree is that commit too, without a change to a file that git tracks.
    """

    root: Path
    path: Path
    reference: str
    revision: str
    is_head: bool

    def mapped(self, path: Path | str) -> Path | None:
        """The same place in the worktree; None for what is outside of the repository, or installed."""
        real = Path(os.path.realpath(path))
        if not is_below(real, self.root) or is_below(real, self.path) or is_installed(real):
            return None
        return self.path / real.relative_to(self.root)

    def python_path(self, folder: Path) -> list[str]:
        """What the base finds first: for each entry of the import path within the repository its place in the worktree.

        Editable installs have an entry, or a table of packages. `folder`: where the command runs. `src` at the top
        is there too: a package that is installed from it and not editable would be the working tree's on both sides.
        """
        entries: list[Path | str] = [folder, *sys.path, *_editable(), self.root / "src"]
        found = [place for entry in entries if (place := self.mapped(entry or folder)) is not None]
        return list(dict.fromkeys(str(place) for place in found if place.is_dir()))


def _editable() -> Iterator[Path]:
    """Folders of the packages that import hooks of editable installs know (setuptools, editables)."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("__editable__", "_editable_impl")):
            yield from _parents(getattr(module, "MAPPING", None))
    for finder in sys.meta_path:
        yield from _parents(getattr(finder, "_redirections", None))


def _parents(mapping: object) -> Iterator[Path]:
    """The folder that a package's own folder, or a module's file, is in."""
    for place in mapping.values() if isinstance(mapping, dict) else ():
        path = Path(str(place))
        yield (path.parent if path.name == "__init__.py" else path).parent


@contextmanager
def worktree(folder: Path, reference: str) -> Iterator[Tree]:
    """The revision `reference` of the repository that `folder` is in, in a temporary folder that is removed after.

    Raises UsageError where there is no git, repository or revision of that name, MeasurementError where git cannot
    write it.
    """
    root = _root(folder)
    revision = _revision(root, reference)
    temporary = Path(os.path.realpath(tempfile.mkdtemp(prefix="invobench-base-")))
    path = temporary / root.name
    try:
        done = _git(root, "-c", f"core.hooksPath={os.devnull}", "worktree", "add", "--detach", str(path), revision)
        if done.returncode:
            raise MeasurementError(f"--base-ref {reference}: git cannot write its worktree in {path}: {_last(done)}")
        yield Tree(root, path, reference, revision, _is_head(root, revision))
    finally:
        with suppress(UsageError):
            _git(root, "worktree", "remove", "--force", "--force", str(path))
        shutil.rmtree(temporary, ignore_errors=True)
        with suppress(UsageError):
            _git(root, "worktree", "prune")


def _root(folder: Path) -> Path:
    """The top of the repository that `folder` is in."""
    found = _git(folder, "rev-parse", "--show-toplevel")
    if found.returncode:
        fix = "run in the repository whose revision is the base, or use --against-python or --baseline"
        raise UsageError(f"--base-ref: {folder} is in no git repository that has files ({_last(found)}): {fix}")
    return Path(os.path.realpath(found.stdout.rstrip("\n")))


def _revision(root: Path, reference: str) -> str:
    """The hash of the commit that `reference` names."""
    found = None if reference.startswith("-") else _commit(root, reference)
    if found:
        return found
    remote = f"origin/{reference}"
    fix = "fetch it first (git fetch origin; in GitHub Actions: actions/checkout with fetch-depth: 0)"
    if not reference.startswith("-") and _commit(root, remote):
        fix = f"there is {remote}"
    raise UsageError(f"--base-ref {reference}: {root} has no such revision: {fix}")


def _commit(root: Path, reference: str) -> str:
    """The hash of a commit, empty where there is none of that name."""
    found = _git(root, "rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}")
    return "" if found.returncode else found.stdout.strip()


def _is_head(root: Path, revision: str) -> bool:
    """Whether the working tree is `revision`, files that git does not track apart."""
    if _commit(root, "HEAD") != revision:
        return False
    status = _git(root, "status", "--porcelain", "--untracked-files=no")
    return status.returncode == 0 and not status.stdout.strip()


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git in `folder`; how it ended is its exit code's to say: its words are for people.

    A session of its own keeps a terminal's Ctrl-C from it, which would leave half a worktree.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _HOOKS}
    environment |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    command = ["git", "-C", str(folder), *arguments]
    try:
        return subprocess.run(  # noqa: S603 - git, with arguments of ours
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
            start_new_session=True,
        )
    except FileNotFoundError:
        fix = "install it, or use --against-python or --baseline"
        raise UsageError(f"--base-ref needs git, which is not here: {fix}") from None


def _last(done: subprocess.CompletedProcess[str]) -> str:
    """The last line that git said, without its word for how bad it is."""
    lines: Iterable[str] = (line.strip() for line in done.stderr.splitlines())
    last = next((line for line in reversed(list(lines)) if line), f"exit code {done.returncode}")
    return last.removeprefix("fatal: ").removeprefix("error: ")
