"""Small git repositories with a layer of the user's own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

LAYER = """
import torch


class Mine(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(8, {out}, 3, padding=1, bias={bias})

    def forward(self, x):
        {first}return self.conv(x)
"""

SPEC = """
version: 1
defaults: {{batch: 1, height: 8, width: 8, in_channels: 8}}
layers:
  - {{name: mine, operator: module, module: "{module}"}}
  - {{name: conv, operator: conv, out_channels: 8, kernel_size: 3}}
measure: {{threads: 1}}
gate: {{processes: 6, most_processes: 6, sample_time_s: 0.01, latency: 40%}}
"""


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "init.defaultBranch=main"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", *who, "-C", str(folder), *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.strip()


def commit(root: Path, message: str = "next") -> str:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)
    return git(root, "rev-parse", "HEAD")


def repository(root: Path, **files: str) -> Path:
    """A repository with one commit; `files`: names with `__` for `/` and `_` for `.` before the ending."""
    root.mkdir(parents=True)
    git(root, "init", "--quiet")
    for name, text in (files or {"readme_txt": "hello"}).items():
        path = root / ".".join(name.replace("__", "/").rsplit("_", 1))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    commit(root, "first")
    return root


def layer(out: int = 8, bias: bool = True, first: str = "") -> str:
    """The layer's source: its output channels, whether it has a bias, and what its forward does first."""
    return LAYER.format(out=out, bias=bias, first=f"{first}\n        " if first else "")


def spec(module: str = "mine:Mine") -> str:
    return SPEC.format(module=module)
