"""What a table was made by and from: versions, and the commit of the folder that it was made in."""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import version

from invobench import __version__

_TIMEOUT_S = 10.0
#: the commit's short hash, whatever its tags, and whether tracked files differ from it
_COMMAND = ("git", "describe", "--always", "--exclude=*", "--dirty")


def commit() -> str:
    """The commit of the current directory, with `-dirty` where tracked files differ; empty where there is none."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(  # noqa: S603
            _COMMAND, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


def made_by() -> str:
    """Versions, and the commit of the folder: `invobench 0.1.0, torch 2.13.0, made in a checkout of 545f3c5-dirty`."""
    here = commit()
    parts = [
        f"invobench {__version__}",
        f"torch {version('torch')}",
        *([f"made in a checkout of {here}"] if here else []),
    ]
    return ", ".join(parts)
