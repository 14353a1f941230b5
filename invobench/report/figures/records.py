"""Rows with the run that they come from, and what tells rows of a figure apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invobench.report.figures.columns import value
from invobench.results import Row, Run, read_results

#: what a measured value depends on besides the layer
CONTRACT = (
    "machine",
    "torch",
    "backend",
    "dtype",
    "mode",
    "scope",
    "execution",
    "cache",
    "memory_format",
    "tf32",
)
#: the same for a value that follows from the shapes
EXACT_CONTRACT = ("dtype", "mode", "scope")
#: what of it means nothing without its name
_NAMED = ("torch", "scope", "tf32")


@dataclass(frozen=True)
class Record:
    """A row and its run."""

    run: Run
    row: Row

    @property
    def machine(self) -> str | None:
        """Device type, name and threads, None where the row names no device."""
        device = self.row.device
        if device is None:
            return None
        here = self.run.environment
        kind, _, index = device.partition(":")
        if kind == "cuda" and here.gpus:
            return f"{kind} {here.gpus[int(index or 0)]}"
        threads = self.row.threads or here.threads
        return f"{kind} {here.cpu}, {threads} thread{'s' if threads > 1 else ''}"

    def get(self, key: str) -> Any:
        """The value of a key of the contract, a field or a coordinate."""
        if key == "machine":
            return self.machine
        return self.run.environment.torch if key == "torch" else value(self.row, key)


def read_records(files: Sequence[Path]) -> list[Record]:
    """The rows of all `files`, in order. Raises UsageError for one that is no results file."""
    found = []
    for path in files:
        results = read_results(path)
        found += [Record(results.run, row) for row in results.rows]
    return found


def worded(key: str, found: Any) -> str:
    """A value of the contract as text."""
    return f"{key} {found}" if key in _NAMED else str(found)


def varying(records: Iterable[Record], keys: Iterable[str]) -> tuple[str, ...]:
    """The `keys` in which `records` differ; a value that is missing differs from none."""
    rows = list(records)
    return tuple(key for key in keys if len({str(item.get(key)) for item in rows if item.get(key) is not None}) > 1)


def distinct(records: Iterable[Record], key: str) -> tuple[str, ...]:
    """The values that `records` have of `key`, as text, in their order."""
    found = (item.get(key) for item in records)
    return tuple(dict.fromkeys(worded(key, item) for item in found if item is not None))
