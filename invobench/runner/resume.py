"""Going on with a run: whether a results file is that of the same run, and what differs where it is not (no torch)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from invobench.results import Run, digest
from invobench.spec.cells import Cell


def spec_id(spec: str) -> str:
    """A hash of where a spec is: one file has one, by whatever path it is named."""
    return digest(str(Path(spec).resolve()))


def under_recorded_paths(cells: Sequence[Cell], before: Run) -> list[Cell]:
    """`cells` with the path that `before` has of each spec that is the same file."""
    recorded = dict(zip(before.spec_ids, before.specs, strict=False))
    known = {
        spec: spec if spec in before.specs else recorded.get(spec_id(spec), spec)
        for spec in dict.fromkeys(cell.spec for cell in cells)
    }
    return [replace(cell, spec=known[cell.spec]) for cell in cells]


def difference(before: Run, now: Run) -> str:
    """What `now` asks for that `before` did not measure, or the other way round, in one line; empty where nothing."""
    return "; ".join(_differences(before, now))


def _differences(before: Run, now: Run) -> Iterator[str]:
    if before.schema_version != now.schema_version:
        yield f"it was written in schema {before.schema_version}, and this invobench writes {now.schema_version}"
        return
    if set(before.metrics) != set(now.metrics):
        yield f"--metrics {','.join(now.metrics)}, was {','.join(before.metrics)}"
    if set(before.specs) != set(now.specs):
        yield f"spec {', '.join(now.specs)}, was {', '.join(before.specs)}"
        return  # no cell is the same then
    added = {key: cell for key, cell in now.cells.items() if key not in before.cells}
    removed = {key: cell for key, cell in before.cells.items() if key not in now.cells}
    by_name = {(cell["spec"], _label(cell)): key for key, cell in removed.items()}
    changes = []
    for key, cell in list(added.items()):
        was = by_name.pop((cell["spec"], _label(cell)), None)
        if was is not None:
            changes.append(f"{_label(cell)} ({_changed(removed.pop(was), added.pop(key))})")
    named = (
        ("changed", changes),
        ("added", [_label(cell) for cell in added.values()]),
        ("removed", [_label(cell) for cell in removed.values()]),
    )
    for word, cells in named:
        if cells:
            yield f"{len(cells)} cell{'s' * (len(cells) > 1)} {word}: {_some(cells)}"


def _some(texts: Sequence[str]) -> str:
    """The first, and how many more there are."""
    return texts[0] + (f" and {len(texts) - 1} more" if len(texts) > 1 else "")


def _label(cell: Mapping[str, Any]) -> str:
    return " ".join([cell["name"], *(f"{key}={value}" for key, value in cell["coordinates"].items())])


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The keys of a cell that have other values, the first of them with both."""
    was, is_ = dict(_flat(before)), dict(_flat(now))
    keys = [key for key in dict.fromkeys([*is_, *was]) if is_.get(key) != was.get(key)]
    if not keys:  # a version that hashes otherwise
        return "its key"
    first = f"{keys[0]} {json.dumps(is_.get(keys[0]))}, was {json.dumps(was.get(keys[0]))}"
    return first + (f"; also {', '.join(keys[1:])}" if keys[1:] else "")


def _flat(cell: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of a description by dotted keys, a layer's own without a prefix."""
    for key, value in cell.items():
        if isinstance(value, Mapping):
            yield from _flat(value, "" if key == "what" else f"{prefix}{key}.")
        else:
            yield prefix + key, value
