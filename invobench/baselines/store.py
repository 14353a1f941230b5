"""The history: what every gate said, and how small a change each machine can see.

A gate does not depend on it: whoever appends takes a StoreError for a warning.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from invobench.baselines.database import database, insert, writing
from invobench.baselines.folder import data_folder
from invobench.baselines.history import POINTS, Point, as_json, cell_number, check_columns, point
from invobench.errors import StoreError, UnknownName
from invobench.judging.verdicts import Judgement
from invobench.table import unknown

__all__ = ["STORE_NAME", "Point", "Resolution", "Store", "timestamp"]

STORE_NAME = "history.sqlite"
_QUANTITIES = "SELECT DISTINCT quantity FROM checks JOIN cells USING (cell) WHERE ? IN (name, label)"
_RESOLUTION = "SELECT label, threshold, at FROM resolutions WHERE fingerprint = ? AND spec_hash = ? ORDER BY rowid"


@dataclass(frozen=True)
class Resolution:
    """What the self-test of a gate found: label of a cell -> the smallest threshold (0.05 for 5 %) that holds there.

    None: none of those tried does. `at`: ISO 8601, UTC.
    """

    fingerprint: str
    spec_hash: str
    thresholds: Mapping[str, float | None]
    at: str


class Store:
    """The history in the file at `path`, by default in the user's data folder. Its methods raise StoreError.

    Nothing is kept open, so that gates of several processes can use one file.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = data_folder() / STORE_NAME if path is None else path

    def append(self, judgement: Judgement, specs: Sequence[str], mode: str, at: datetime | None = None) -> int:
        """Add a gate, all of it or nothing; its number. `specs`: paths as given. `at`: now, where it is None."""
        base, candidate = judgement.base, judgement.candidate
        sides = [text for side in (base, candidate) for text in (side.label, side.revision, side.fingerprint)]
        about = (timestamp(at), as_json(list(specs)), judgement.spec_hash, mode, *sides)
        with database(self.path, make=True) as connection, writing(connection):
            gate = insert(connection, "gates", [(None, *about, judgement.verdict.value, judgement.exit_code)])
            for judged in judgement.cells:
                if judged.checks:
                    cell = cell_number(connection, judged.identity)
                    insert(connection, "checks", [check_columns(gate, cell, check) for check in judged.checks])
        return gate

    def history(self, name: str, quantity: str = "latency", limit: int | None = None) -> list[Point]:
        """The points of every cell that is called `name`, or whose whole label that is; oldest gate first.

        `limit`: so many of each cell, the newest; None for all. Raises UnknownName for a name that no gate had, or a
        quantity that was never looked at for it.
        """
        with self._reading() as connection:
            known = {row["quantity"] for row in connection.execute(_QUANTITIES, (name,))}
            if not known:
                names = _column(connection, "label" if " " in name else "name")
                raise UnknownName(f"{self.path}: {unknown('cell', name, names) if names else 'no cell yet'}")
            if quantity not in known:
                raise UnknownName(f"{self.path}: {name}: {unknown('quantity', quantity, known)}")
            rows = connection.execute(POINTS, (name, quantity, -1 if limit is None else limit)).fetchall()
        return [point(self.path, row) for row in rows]

    def names(self) -> list[str]:
        """The names of the cells that gates have looked at, in alphabetical order; none where there is no history."""
        if not self.path.exists():
            return []
        with self._reading() as connection:
            return _column(connection, "name")

    def keep_resolution(self, found: Resolution) -> None:
        """Keep what a self-test found, in place of what was found before for the same fingerprint and spec."""
        key = (found.fingerprint, found.spec_hash)
        rows = [(*key, label, threshold, found.at) for label, threshold in found.thresholds.items()]
        with database(self.path, make=True) as connection, writing(connection):
            connection.execute("DELETE FROM resolutions WHERE fingerprint = ? AND spec_hash = ?", key)
            insert(connection, "resolutions", rows)

    def resolution(self, fingerprint: str, spec_hash: str) -> Resolution | None:
        """What the last self-test found in this environment for this spec, None where there was none."""
        if not self.path.exists():
            return None
        with self._reading() as connection:
            rows = connection.execute(_RESOLUTION, (fingerprint, spec_hash)).fetchall()
        if not rows:
            return None
        return Resolution(fingerprint, spec_hash, {row["label"]: row["threshold"] for row in rows}, rows[0]["at"])

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if not self.path.exists():
            raise StoreError(f"{self.path}: no history yet: `invobench gate` adds to it; or name one with --store FILE")
        with database(self.path, make=False) as connection:
            yield connection


def timestamp(at: datetime | None = None) -> str:
    """A moment, by default this one, as the history has it: ISO 8601, UTC, to the second."""
    return (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")


def _column(connection: sqlite3.Connection, column: str) -> list[str]:
    """What the cells are called, each once: their `name` or their `label`."""
    return [row[0] for row in connection.execute(f"SELECT DISTINCT {column} FROM cells ORDER BY 1")]  # noqa: S608
