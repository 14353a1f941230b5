"""Packages installed into a folder, as pip leaves them: code and a dist-info with entry points."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
ACME = ROOT / "tests" / "data" / "acme-layers"

#: group, without `invobench.` -> name -> what it names
EntryPoints = Mapping[str, Mapping[str, str]]


def install(
    folder: Path, name: str, entry_points: EntryPoints, files: Mapping[str, str] | None = None, version: str = "1.0"
) -> Path:
    """Install the package `name` with `files` (path -> text) into `folder`."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, points in entry_points.items():
        lines += [f"[invobench.{group}]", *(f"{key} = {target}" for key, target in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    for path, text in (files or {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def install_acme(folder: Path) -> Path:
    """Install the example package, with the entry points and the version that its project file gives."""
    project = tomllib.loads((ACME / "pyproject.toml").read_text())["project"]
    points = {group.removeprefix("invobench."): given for group, given in project["entry-points"].items()}
    code = ACME / "acme_layers"
    files = {str(path.relative_to(ACME)): path.read_text() for path in sorted(code.rglob("*.py"))}
    return install(folder, project["name"], points, files, project["version"])


def run(folder: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`python ARGUMENTS` with what is installed in `folder`."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd or folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def invobench(folder: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`invobench ARGUMENTS` with what is installed in `folder`."""
    return run(folder, "-m", "invobench", *arguments, cwd=cwd)
