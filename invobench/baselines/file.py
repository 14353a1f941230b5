"""A baseline: what a gate compares with, in one JSON file that can be committed."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from invobench.baselines.layout import FORMAT, VERSION, Head, kept_values, row_of, text_of
from invobench.baselines.spec_hash import spec_hash
from invobench.errors import UsageError
from invobench.files import replace_file
from invobench.judging.pairing import identity_of
from invobench.judging.samples import processes_of
from invobench.judging.side import Side, subject_of
from invobench.results import MEASURED, Results, Row
from invobench.spec.gate import MIN_PROCESSES

#: within so many bytes the marker is looked for
_MARKER_WITHIN = 4096
_MARKER = re.compile(rb'"format"\s*:\s*"' + FORMAT.encode() + b'"')
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.MULTILINE)
_SHOWN = 5


@dataclass(frozen=True)
class Baseline:
    """What the file at `path` holds. Each process of a row is one sample, its median."""

    path: Path
    head: Head
    rows: tuple[Row, ...]

    def side(self) -> Side:
        """The side of a judgement that it is."""
        subject = subject_of(str(self.path), self.head.environment, self.head.created, self.head.conditions)
        samples = {identity_of(row): processes_of(row) for row in self.rows if row.latency_s is not None}
        return Side(subject, self.rows, samples)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What it cannot be used for: cells that have no timing verdict, and cells that were not measured."""
        failed = [row for row in self.rows if row.status not in MEASURED]
        few = [row for row in self.rows if row.samples_s and len(row.samples_s) < MIN_PROCESSES]
        untimed = [row for row in self.rows if row.status in MEASURED and not row.samples_s]
        found = []
        if failed:
            named = _listed(f"{_label(row)} ({row.status})" for row in failed)
            found.append(f"{_cells(failed)} not measured, and kept so that a gate can say so: {named}")
        if few:
            named = _listed(f"{_label(row)} ({len(row.samples_s)})" for row in few)
            why = f"fewer than {MIN_PROCESSES} processes, so no timing verdict is possible"
            found.append(f"{_cells(few)} {why}: profile with --set measure.processes=10: {named}")
        if untimed:
            why = "no times, so no timing verdict is possible: profile with the metric latency"
            found.append(f"{_cells(untimed)} {why}: {_listed(_label(row) for row in untimed)}")
        return tuple(found)


def save(results: Results, path: Path) -> Baseline:
    """Write a baseline of `results` to `path`, in place of an older one; what was written.

    Cells are in the order of the spec. Raises UsageError where no cell was measured, where two are the same, where
    `path` holds something else, and where it cannot be written: what was there is then as it was.
    """
    if not any(row.status in MEASURED for row in results.rows):
        told = f"none of {len(results.rows)} cells was measured" if results.rows else "there are no cells"
        raise UsageError(f"{path}: no baseline: {told}; profile them first")
    run, rows = results.run, _in_order(results)
    _require_once(path, rows, "give one another name in its spec")
    _require_replaceable(path)
    hashed = spec_hash(run.specs, run.cells.values() or ({"key": row.cell_key} for row in rows))
    head = Head(
        created=run.created,
        command=run.command,
        specs=run.specs,
        spec_hash=hashed.value,
        spec_hash_of=hashed.of,
        overrides=run.overrides,
        convention=run.convention,
        conditions=run.conditions,
        environment=run.environment,
    )
    cells = [kept_values(row) for row in rows]
    try:
        replace_file(path, text_of(head, cells))
    except OSError as error:
        why = f"cannot write a baseline: {error.strerror}"
        raise UsageError(f"{path}: {why}; free space, or name a file in a folder of yours") from None
    return Baseline(path, head, tuple(row_of(cell) for cell in cells))


def read_baseline(path: Path) -> Baseline:
    """The baseline in the file at `path`. Raises UsageError, naming file, place and fix, for anything else."""
    values = _object(path)
    version = values.get("version")
    if type(version) is not int or version < 1:
        raise UsageError(f"{path}: version: must be a number from 1: {_again(path)}")
    if version > VERSION:
        newer = f"{path}: a baseline of version {version}; this invobench reads {VERSION}"
        raise UsageError(f"{newer}: use the version that wrote it, or {_again(path, '')}")
    cells = values.pop("cells", None)
    if not isinstance(cells, list) or not cells:
        raise UsageError(f"{path}: cells: must be a list of at least one cell: {_again(path)}")
    try:
        head = Head.model_validate(values)
    except ValidationError as error:
        raise UsageError(f"{path}: {_first(error)}: {_again(path)}") from None
    rows = tuple(_row(path, number, cell) for number, cell in enumerate(cells, start=1))
    _require_once(path, rows, _again(path))
    return Baseline(path, head, rows)


def is_baseline(path: Path) -> bool:
    """Whether the file at `path` says near its start that it is a baseline, whole or not."""
    try:
        with path.open("rb") as file:
            return bool(_MARKER.search(file.read(_MARKER_WITHIN)))
    except OSError:
        return False


def _object(path: Path) -> dict[str, Any]:
    """The values of the JSON file at `path`, which says that it is a baseline."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot read a baseline: {error.strerror}; {_again(path, '')}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not a baseline: not UTF-8 text: {_again(path)}") from None
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}{_broken(text, error)}: {_again(path)}") from None
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise UsageError(f'{path}: not a baseline (no "format": "{FORMAT}"): {_again(path, "")}')
    return values


def _broken(text: str, error: Exception) -> str:
    """Where and why `text` is not JSON."""
    conflict = _CONFLICT.search(text)
    if conflict:
        return f":{text.count(chr(10), 0, conflict.start()) + 1}: marks of a merge conflict"
    if '"record": "run"' in text.partition("\n")[0]:
        return ": results, not a baseline"
    if not isinstance(error, json.JSONDecodeError):
        return f": not a baseline: {error}"
    where = f":{error.lineno}:{error.colno}"
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return f"{where}: cut off"
    return f"{where}: not JSON: {error.msg}"


def _row(path: Path, number: int, cell: Any) -> Row:
    """The row of the `number`-th cell, from 1."""
    if not isinstance(cell, dict):
        raise UsageError(f"{path}: cells[{number}]: must be an object: {_again(path)}")
    try:
        row = row_of(cell)
    except ValidationError as error:
        name = f" ({cell['name']})" if isinstance(cell.get("name"), str) else ""
        raise UsageError(f"{path}: cells[{number}]{name}: {_first(error)}: {_again(path)}") from None
    if (row.latency_s is None) != (not row.samples_s):
        raise UsageError(f"{path}: cells[{number}] ({row.name}): latency_s goes with process_medians_s: {_again(path)}")
    return row


def _in_order(results: Results) -> list[Row]:
    """Rows in the order of the run's cells: that of the file is the order in which they were finished."""
    order = {key: number for number, key in enumerate(results.run.cells)}
    return sorted(results.rows, key=lambda row: order.get(row.cell_key, len(order)))


def _require_once(path: Path, rows: Iterable[Row], fix: str) -> None:
    """Raises UsageError where two rows are of the same cell."""
    twice = [identity for identity, times in Counter(identity_of(row) for row in rows).items() if times > 1]
    if twice:
        raise UsageError(f"{path}: cells are there twice, such as '{twice[0].label}' ({len(twice)} in all): {fix}")


def _require_replaceable(path: Path) -> None:
    """Raises UsageError where `path` holds what is not a baseline, so that nothing else is lost."""
    if path.is_dir():
        raise UsageError(f"{path}: is a folder: name a file in it")
    if path.exists() and not (path.is_file() and (path.stat().st_size == 0 or is_baseline(path))):
        raise UsageError(f"{path}: holds something that is not a baseline: name another file, or move it away")


def _again(path: Path, start: str = "restore it, or ") -> str:
    """What to do about a file that is of no use."""
    return f"{start}save one: invobench baseline save RESULTS {path}"


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, with its key."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]).removeprefix("row.")
    return f"{where}: {first['msg']}"


def _label(row: Row) -> str:
    return identity_of(row).label


def _cells(rows: list[Row]) -> str:
    return f"{len(rows)} cell{'s' if len(rows) != 1 else ''}:"


def _listed(names: Iterable[str]) -> str:
    """The first few of `names`, and how many more there are."""
    found = list(names)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more
