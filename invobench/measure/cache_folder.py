"""The user's cache folder: what may be deleted at any time and is made again."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_NAME = "invobench"


def cache_folder(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """`$XDG_CACHE_HOME/invobench`, else `~/.cache/invobench`, on macOS `~/Library/Caches/invobench`.

    As the XDG specification has it, a value that is not an absolute path is ignored. The folder need not exist.
    """
    environ = os.environ if environ is None else environ
    asked = environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(asked):
        return Path(asked) / _NAME
    return Path.home().joinpath(*(("Library", "Caches") if platform == "darwin" else (".cache",)), _NAME)
