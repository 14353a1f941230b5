"""The user's data folder: what is kept until the user deletes it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from invobench.files import user_folder


def data_folder(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """`$XDG_DATA_HOME/invobench`, else `~/.local/share/invobench`, on macOS `~/Library/Application Support/invobench`.

    As the XDG specification has it, a value that is not an absolute path is ignored. The folder need not exist.
    """
    return user_folder("data", environ, platform)
