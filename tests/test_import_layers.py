"""Who may import whom, read from the source: layers, backends, cycles, and what must not reach torch."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import invobench

ROOT = "invobench"
#: a module imports from its own layer and from those before it
LAYERS = (
    "errors",
    "units",
    "table",
    "files",
    "formula",
    "conventions",
    "cost",
    "results",
    "plugins",
    "native",
    "operators",
    "networks",
    "spec",
    "judging",
    "baselines",
    "complexity",
    "measure",
    "runner",
    "published",
    "report",
    "cli",
    "__main__",
)
TORCH_FREE = (
    *(f"{ROOT}.{name}" for name in LAYERS[: LAYERS.index("operators")]),
    *(f"{ROOT}.{name}" for name in ("cli", "cli.*", "report", "report.*")),
    *(f"{ROOT}.operators{name}" for name in ("", ".base", ".select", ".*.spec", ".*.cost")),
    *(f"{ROOT}.networks{name}" for name in ("", ".base", ".*.spec", ".*.cost")),
    *(f"{ROOT}.{name}" for name in ("spec", "spec.*", "judging", "judging.*", "baselines", "baselines.*")),
    *(f"{ROOT}.{name}" for name in ("runner.rows", "runner.metrics")),
    # a run itself: PyTorch is for its processes
    *(f"{ROOT}.runner.{name}" for name in ("session", "ledger", "schedule", "merge", "resume", "processes", "entry")),
    *(f"{ROOT}.runner.gate.{name}" for name in ("gate", "selftest", "server", "side", "tasks", "worktree")),
)
TORCH = frozenset({"torch", "fvcore", "torchvision"})

Sources = Mapping[str, str]


@dataclass(frozen=True)
class Import:
    """`target` as written; `eager` where it happens when the module is imported."""

    target: str
    eager: bool


def sources() -> dict[str, str]:
    """Dotted name -> source of every module of the package."""
    folder = Path(invobench.__file__).parent
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = (ROOT, *path.relative_to(folder).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def imports(name: str, tree: Sources) -> Iterator[Import]:
    """Every import of module `name`; what is imported from a package of ours is the submodule where there is one."""
    is_package = any(other.startswith(f"{name}.") for other in tree)

    def visit(node: ast.AST, eager: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, eager) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                here = name.split(".") if is_package else name.split(".")[:-1]
                base = ".".join([*here[: len(here) - node.level + 1], *([base] if base else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield Import(inner if inner in tree else base, eager)
        elif isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            for child in node.body:
                yield from visit(child, False)
            for child in node.orelse:
                yield from visit(child, eager)
        else:
            lazy = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            for child in ast.iter_child_nodes(node):
                yield from visit(child, eager and not lazy)

    yield from visit(ast.parse(tree[name]), True)


def layer(name: str) -> int:
    """The place of a module in LAYERS, -1 for the package itself. Raises ValueError for a module in none."""
    return -1 if name == ROOT else LAYERS.index(name.split(".")[1])


def upward(tree: Sources) -> list[str]:
    """Imports from a later layer."""
    return [
        f"{name} imports {item.target}"
        for name in tree
        for item in imports(name, tree)
        if item.target.split(".")[0] == ROOT and layer(item.target) > layer(name)
    ]


def of_backends(tree: Sources) -> list[str]:
    """Imports of a backend from outside of its own folder of backends."""
    found = []
    for name in tree:
        for item in imports(name, tree):
            head, middle, _ = item.target.partition(".backends")
            if item.target.startswith(f"{ROOT}.operators.") and middle and not name.startswith(head + middle):
                found.append(f"{name} imports {item.target}")
    return found


def cycles(tree: Sources) -> list[str]:
    """A cycle of imports, wherever in a module they are; empty where there is none."""
    graph = {name: {item.target for item in imports(name, tree) if item.target in tree} - {name} for name in tree}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def reach_torch(tree: Sources, patterns: Iterable[str]) -> list[str]:
    """Paths from a module that must not load torch to an import that does. Packages above a module load with it."""

    def path(name: str, seen: set[str]) -> list[str] | None:
        seen.add(name)
        parents = [name.rpartition(".")[0]] if "." in name else []
        for target in [*parents, *(item.target for item in imports(name, tree) if item.eager)]:
            if target.split(".")[0] in TORCH:
                return [name, target]
            if target in tree and target not in seen:
                rest = path(target, seen)
                if rest:
                    return [name, *rest]
        return None

    chosen = [name for name in tree if any(fnmatchcase(name, pattern) for pattern in patterns)]
    return [" -> ".join(found) for name in chosen if (found := path(name, set()))]


TREE = sources()


def test_every_module_has_a_layer() -> None:
    assert {name for name in TREE if "." in name and name.split(".")[1] not in LAYERS} == set()


def test_imports_go_up_only() -> None:
    assert upward(TREE) == []


def test_backends_are_named_and_never_imported() -> None:
    assert of_backends(TREE) == []


def test_no_cycles() -> None:
    assert cycles(TREE) == []


@pytest.mark.parametrize("pattern", TORCH_FREE)
def test_torch_free(pattern: str) -> None:
    assert any(fnmatchcase(name, pattern) for name in TREE), "the pattern names nothing"
    assert reach_torch(TREE, [pattern]) == []


@pytest.mark.parametrize(
    "source",
    [
        "import invobench.cli",
        "from invobench.cli import main",
        "from invobench import cli",
        "from . import cli",
        "from .cli import main",
        "def late():\n    from invobench.cli import main",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from invobench.cli import main",
        "class A:\n    async def late(self):\n        import invobench.cli",
        "try:\n    import invobench.cli\nexcept ImportError:\n    pass",
    ],
)
def test_an_upward_import_is_seen(source: str) -> None:
    tree = {ROOT: "", f"{ROOT}.cost": source, f"{ROOT}.cli": ""}
    assert upward(tree) == ["invobench.cost imports invobench.cli"]


def test_an_import_from_an_earlier_layer_is_allowed() -> None:
    tree = {ROOT: "", f"{ROOT}.cost": "", f"{ROOT}.cli": "from invobench import __version__, cost\nimport json"}
    assert upward(tree) == []


def test_an_imported_backend_is_seen() -> None:
    home = f"{ROOT}.operators.conv"
    backends = {f"{home}.backends": "", f"{home}.backends.aten": "", f"{home}.backends.fast": ""}
    bad = "def build():\n    from invobench.operators.conv.backends import aten\n    return aten"
    assert of_backends({ROOT: "", **backends, f"{home}.module": bad}) == [f"{home}.module imports {home}.backends.aten"]
    shared = "from invobench.operators.conv.backends.aten import tile"
    assert of_backends({ROOT: "", **backends, f"{home}.backends.fast": shared}) == []


def test_a_cycle_is_seen() -> None:
    tree = {"a": "import b", "b": "def late():\n    import c", "c": "from a import x"}
    assert set(cycles(tree)) == {"a", "b", "c"}
    assert cycles({**tree, "c": "import json"}) == []


def test_a_way_to_torch_is_seen() -> None:
    tree = {
        "p": "",
        "p.pure": "from p import middle",
        "p.middle": "if True:\n    from p.deep import x",
        "p.deep": "import torch.nn as nn",
        "p.late": "def f():\n    import torch",
        "p.typed": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch",
        "p.counted": "from fvcore.nn import FlopCountAnalysis",
    }
    assert reach_torch(tree, ["p.pure"]) == ["p.pure -> p.middle -> p.deep -> torch.nn"]
    assert reach_torch(tree, ["p.late", "p.typed"]) == []
    assert reach_torch(tree, ["p.counted"]) == ["p.counted -> fvcore.nn"]
    assert reach_torch({**tree, "p": "import torch"}, ["p.late"]) == ["p.late -> p -> torch"]


def test_the_command_line_loads_nothing_heavy() -> None:
    heavy = ["torch", "pandas", "pydantic", "fvcore", "matplotlib", "rich", "numpy"]
    code = f"import sys, invobench.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_help_is_quick() -> None:
    """0.25 s are promised; twice that is allowed here, since the machine that tests is seldom quiet."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", ROOT, "--help"], capture_output=True, text=True, check=False)
        times.append(time.perf_counter() - start)
        assert done.returncode == 0
        assert "Usage: " in done.stdout
        if times[-1] < 0.25:
            break
    assert min(times) < 0.5
