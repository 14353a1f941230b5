"""The user's cache folder: what may be deleted at any time and is made again."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from invobench.files import user_folder


def cache_folder(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """`$XDG_CACHE_HOME/invobench`, else `~/.cache/invobench`, on macOS `~/Library/Caches/invobench`.

    As the XDG specification has it, a value that is not an absolute path is ignored. The folder need not exist.
    """
    return user_folder("cache", environ, platform)
