"""How the sides of a gate are started: which interpreter, where, with which import path and specs (no torch)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from invobench import __version__
from invobench.errors import UsageError
from invobench.judging.side import subject_of
from invobench.judging.verdicts import Subject
from invobench.results import Conditions, Run
from invobench.runner.gate.measurer import Measurer, Spec
from invobench.runner.gate.modules import is_installed
from invobench.runner.gate.request import GateRequest
from invobench.runner.gate.side import Launch, Side
from invobench.runner.gate.worktree import Tree, worktree

Say = Callable[[str], None]

_WORKING_TREE = "working tree"
#: glibc keeps what is freed: else a process gives memory back in every call or in none, by how its heap happens to lie,
#: and one side by luck always does. A pipeline's own settings win.
_KEEPING = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "-1"}


@dataclass(frozen=True)
class Started:
    """A side that was started. `role`: `base` or `candidate`, its folder in the results. `label`: for a judgement.

    `watch`: whose modules it may not import (`foreign`) and which are its own, None where both sides share them.
    `conditions`: `profile` where each cell has a process of its own and the system's memory.
    """

    role: str
    label: str
    measurer: Measurer
    specs: Sequence[Spec]
    watch: Mapping[str, str | None] | None = None
    revision: str = ""
    conditions: Conditions = "gate"

    def subject(self, run: Run) -> Subject:
        """The side as a judgement names it."""
        return subject_of(self.label, run.environment, run.created, run.conditions, self.revision)


def both(request: GateRequest, stack: ExitStack, say: Say) -> list[Started]:
    """Base and candidate of a gate in one job, until `stack` ends."""
    if request.against_python is not None:
        return [_other_python(request, request.against_python, stack, say), _candidate(request, stack, say, _keeping())]
    folder = Path.cwd()
    tree = stack.enter_context(worktree(folder, request.base_ref or ""))
    if tree.is_head:
        say(f"{tree.reference} is what is in the working tree: it is compared with itself")
    if (tree.path / ".gitmodules").exists():
        say(f"the worktree of {tree.reference} has no submodules: code in them cannot be imported on the base's side")
    watch = {"own": str(tree.root), "foreign": str(tree.path)}
    return [_revision(request, tree, stack, say), replace(_candidate(request, stack, say, _keeping()), watch=watch)]


def alone(request: GateRequest, stack: ExitStack, say: Say, conditions: Conditions) -> Started:
    """The candidate by itself, under the `conditions` of what it is compared with.

    As in a profile its memory is the system's, and each cell has a process of its own: what is before it would lie in
    its heap. As in a gate it is a side of one.
    """
    memory = _keeping() if conditions == "gate" else {}
    return replace(_candidate(request, stack, say, memory), conditions=conditions)


def _keeping() -> dict[str, str]:
    return {name: value for name, value in _KEEPING.items() if name not in os.environ}


def _candidate(request: GateRequest, stack: ExitStack, say: Say, memory: Mapping[str, str]) -> Started:
    """This interpreter, here, with the import path that this process has."""
    name = f"candidate ({_WORKING_TREE})"
    launch = Launch(name, sys.executable, Path.cwd(), {**_python_path(_own_path()), **memory})
    side = stack.enter_context(Side(launch, say))
    return Started("candidate", _WORKING_TREE, side, _specs(request.specs))


def _revision(request: GateRequest, tree: Tree, stack: ExitStack, say: Say) -> Started:
    """The base: this interpreter in the worktree, whose code it finds first."""
    here = Path.cwd()
    folder = tree.mapped(here) or tree.path
    if not folder.is_dir():
        raise UsageError(f"--base-ref {tree.reference}: {here} is not there at that revision: run in a folder that is")
    elsewhere = [entry for entry in _own_path() if tree.mapped(entry) is None]
    hint = f"{tree.reference} is older than the gate: choose a later revision, or use --against-python"
    environment = {**_python_path([*tree.python_path(here), *elsewhere]), **_keeping()}
    launch = Launch(f"base ({tree.reference})", sys.executable, folder, environment, hint)
    side = stack.enter_context(Side(launch, say))
    specs = _specs_at(request.specs, tree, say)
    watch = {"own": str(tree.path), "foreign": str(tree.root)}
    return Started("base", tree.reference, side, specs, watch, tree.revision)


def _other_python(request: GateRequest, python: Path, stack: ExitStack, say: Say) -> Started:
    """The base: another interpreter, here."""
    hint = f"install invobench there: {python} -m pip install invobench=={__version__}"
    command = str(python) if len(python.parts) == 1 else os.path.abspath(python)  # a link into an environment stays one
    launch = Launch(f"base ({python})", command, Path.cwd(), _keeping(), hint=hint)
    side = stack.enter_context(Side(launch, say))
    return Started("base", str(python), side, _specs(request.specs))


def _specs(paths: Sequence[Path]) -> list[Spec]:
    return [Spec(str(path), str(path)) for path in paths]


def _specs_at(paths: Sequence[Path], tree: Tree, say: Say) -> list[Spec]:
    """The specs as the revision has them, under the names that they have here; one that it lacks as it is here."""
    found = []
    for path in paths:
        there = tree.mapped(path)
        if there is None or not there.is_file():
            where = "is not in the repository" if there is None else f"is not there at {tree.reference}"
            say(f"{path} {where}: as it is here, it is the spec of both sides")
            there = Path(os.path.abspath(path))
        found.append(Spec(str(there), str(path)))
    return found


def _own_path() -> list[str]:
    """Entries of the import path that are not of an environment, which every interpreter of it finds by itself."""
    entries = [os.path.abspath(entry) for entry in sys.path]
    return [entry for entry in entries if os.path.isdir(entry) and not is_installed(Path(os.path.realpath(entry)))]


def _python_path(entries: Sequence[str]) -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(dict.fromkeys(entries))}
