"""From a path to the text of a spec, or the one problem that says why there is none."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from pathlib import Path

from invobench.errors import Problem
from invobench.spec.located import Place, printable
from invobench.units import MIB

LARGEST_BYTES = MIB
#: what YAML does not allow as a character, and a byte order mark within the text
_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Stop(Exception):
    """A problem after which the rest of a spec cannot be read."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def read_text(path: Path) -> str:
    """The text of the file at `path`. Raises Stop where it is not a text file of at most 1 MiB."""
    start = Place(printable(str(path)), 1, 1)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise Stop(start.problem("is a directory: name a spec file in it"))
        if not stat.S_ISREG(status.st_mode):
            raise Stop(start.problem("is not a regular file but a device, pipe or socket"))
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise Stop(start.problem("no such file")) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Stop(start.problem(f"cannot be read: {reason}")) from None
    if len(data) > LARGEST_BYTES:
        size = max(status.st_size, len(data))
        raise Stop(start.problem(f"is {size:,} bytes: a spec has at most {LARGEST_BYTES:,}"))
    return decoded(data, start)


def decoded(data: bytes, start: Place) -> str:
    """`data` as text. Raises Stop at the first byte that is not UTF-8, or the first control character."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        place = position(data[: error.start].decode("utf-8"), start)
        raise Stop(place.problem(f"is not UTF-8 text: byte 0x{data[error.start]:02x} here")) from None
    text = text.removeprefix("\ufeff")
    check_characters(text, start)
    return text


def check_characters(text: str, start: Place) -> None:
    """Raises Stop at the first character that no YAML text has."""
    found = _CONTROL.search(text)
    if found:
        place = position(text[: found.start()], start)
        raise Stop(place.problem(f"is not plain text: control character U+{ord(found.group()):04X} here"))


def position(before: str, start: Place) -> Place:
    """The place after the text `before`, which begins at `start`."""
    breaks = list(_LINE_BREAK.finditer(before))
    line = breaks[-1].end() if breaks else 0
    return replace(start, line=start.line + len(breaks), column=len(before) - line + 1)
