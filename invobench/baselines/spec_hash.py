"""What tells one spec from another: a hash of its files, or of the cells where those cannot be read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from invobench.results import digest


@dataclass(frozen=True)
class SpecHash:
    """`of`: whether it is a hash of the spec's files or of its cells; the two are never equal."""

    value: str
    of: Literal["files", "cells"]


def spec_hash(specs: Sequence[str], cells: Iterable[Mapping[str, Any]]) -> SpecHash:
    """The hash of the files `specs`, in their order; of `cells` (what Cell.describe() says) where one is unreadable.

    Where a file is does not count, nor does the order of cells.
    """
    try:
        files = [hashlib.sha256(Path(spec).read_bytes()).hexdigest() for spec in specs]
    except (OSError, ValueError):
        files = []
    if files:
        return SpecHash(digest({"files": files}), "files")
    plain = [digest({key: value for key, value in cell.items() if key != "spec"}) for cell in cells]
    return SpecHash(digest({"cells": sorted(plain)}), "cells")
