"""Where the user's folders are, how a file is replaced (as a whole or not at all), and how a line reaches stderr."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

_NAME = "invobench"

Kind = Literal["cache", "data"]
#: kind -> the variable that names its folder, and where it is without: under the home folder, by platform
_FOLDERS: Mapping[Kind, tuple[str, Mapping[str, tuple[str, ...]]]] = {
    "cache": ("XDG_CACHE_HOME", {"": (".cache",), "darwin": ("Library", "Caches")}),
    "data": ("XDG_DATA_HOME", {"": (".local", "share"), "darwin": ("Library", "Application Support")}),
}


def to_stderr(text: str) -> None:
    """Print a line to stderr. Where nobody hears it (closed, broken, a full disk) it is lost, and nothing else is."""
    if sys.stderr is None:
        return
    try:
        print(text, file=sys.stderr, flush=True)  # noqa: T201
    except OSError:
        with suppress(OSError):  # what is buffered would fail again at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def user_folder(kind: Kind, environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """The folder `invobench` among the user's files of `kind`; it need not exist.

    As the XDG specification has it, a value that is not an absolute path is ignored.
    """
    variable, homes = _FOLDERS[kind]
    asked = (os.environ if environ is None else environ).get(variable, "")
    if os.path.isabs(asked):
        return Path(asked) / _NAME
    return Path.home().joinpath(*homes.get(platform, homes[""]), _NAME)


def replace_file(path: Path, text: str) -> None:
    """Write `text` to the file at `path`, making its folders: whoever reads it sees the old file or the new one, whole.

    A link stays one: what it names is replaced. Raises OSError; the old file is then as it was.
    """
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with unfinished.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, target)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
