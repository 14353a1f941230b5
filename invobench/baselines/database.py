"""The database that keeps the history: its tables, its versions, and what each failure means to a user.

SQLite in WAL mode: readers and one writer do not wait for each other, two writers take turns.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from invobench.errors import StoreError

#: how long one writer waits for another
BUSY_S = 10.0
#: marks the file as ours
_APPLICATION = int.from_bytes(b"invo")
#: the n-th step makes version n of the tables from version n - 1; a step is never changed, another is added
_STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE gates (
            gate INTEGER PRIMARY KEY, at TEXT NOT NULL, specs TEXT NOT NULL, spec_hash TEXT NOT NULL,
            mode TEXT NOT NULL, base_label TEXT NOT NULL, base_revision TEXT NOT NULL, base_fingerprint TEXT NOT NULL,
            candidate_label TEXT NOT NULL, revision TEXT NOT NULL, fingerprint TEXT NOT NULL,
            verdict TEXT NOT NULL, exit_code INTEGER NOT NULL)""",
        """CREATE TABLE cells (
            cell INTEGER PRIMARY KEY, name TEXT NOT NULL, label TEXT NOT NULL, coordinates TEXT NOT NULL,
            device TEXT NOT NULL, dtype TEXT NOT NULL, mode TEXT NOT NULL, scope TEXT NOT NULL, backend TEXT NOT NULL,
            UNIQUE (name, coordinates, device, dtype, mode, scope, backend))""",
        """CREATE TABLE checks (
            gate INTEGER NOT NULL REFERENCES gates, cell INTEGER NOT NULL REFERENCES cells, quantity TEXT NOT NULL,
            field TEXT NOT NULL, base TEXT, candidate TEXT, ratio REAL, low REAL, high REAL, verdict TEXT NOT NULL)""",
        "CREATE INDEX checks_of_cell ON checks (cell, quantity, gate)",
        """CREATE TABLE resolutions (
            fingerprint TEXT NOT NULL, spec_hash TEXT NOT NULL, label TEXT NOT NULL, threshold REAL, at TEXT NOT NULL,
            PRIMARY KEY (fingerprint, spec_hash, label))""",
    ),
)
VERSION = len(_STEPS)

_ELSEWHERE = "name a file of yours with --store FILE"
_DAMAGED = f"not a whole history: move it away, or {_ELSEWHERE}"
#: what SQLite says -> what it means and what to do
_MEANINGS: Mapping[int, str] = {
    sqlite3.SQLITE_FULL: "the disk is full: free space",
    sqlite3.SQLITE_READONLY: f"it may not be written: {_ELSEWHERE}",
    sqlite3.SQLITE_PERM: f"it may not be written: {_ELSEWHERE}",
    sqlite3.SQLITE_CANTOPEN: f"it cannot be opened here: {_ELSEWHERE}",
    sqlite3.SQLITE_IOERR: f"the disk failed: {_ELSEWHERE}",
    sqlite3.SQLITE_BUSY: f"another program has kept it locked for {BUSY_S:g} s: try again",
    sqlite3.SQLITE_LOCKED: f"another program has kept it locked for {BUSY_S:g} s: try again",
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
}


@contextmanager
def database(path: Path, *, make: bool) -> Iterator[sqlite3.Connection]:
    """The history at `path`, its tables up to date; made where there is none and `make` says so.

    Raises StoreError, naming the file and what to do, also for what goes wrong while it is in use.
    """
    try:
        if make:
            path.parent.mkdir(parents=True, exist_ok=True)
        with closing(_opened(path, make)) as connection:
            _prepare(connection, path)
            yield connection
    except sqlite3.Error as error:
        raise _explained(path, error) from None
    except OSError as error:
        raise StoreError(f"{path}: no history here: {error.strerror}: {_ELSEWHERE}") from None


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction: what is done in it is kept as a whole or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def insert(connection: sqlite3.Connection, table: str, rows: Sequence[Sequence[Any]]) -> int:
    """Insert `rows`, each with a value for every column of `table`; the number of the last one, 0 for none."""
    for row in rows:
        marks = ", ".join("?" * len(row))
        number = connection.execute(f"INSERT INTO {table} VALUES ({marks})", row).lastrowid  # noqa: S608 - our names
    return number or 0 if rows else 0


def _connection(path: Path, mode: str) -> sqlite3.Connection:
    where = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(where, uri=True, timeout=BUSY_S, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def _opened(path: Path, make: bool) -> sqlite3.Connection:
    """A connection to the file; one that can only look at it where its folder takes no files beside it."""
    connection = _connection(path, "rwc" if make else "rw")
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if make or _code(error) not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
            raise
        return _connection(path, "ro&immutable=1")
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the tables up to date. Raises StoreError where the file is damaged, newer, or not a history."""
    page = _pragma(connection, "page_size")
    if path.stat().st_size % page or connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise StoreError(f"{path}: {_DAMAGED}")
    connection.execute("BEGIN")  # so that all is of one moment, while another process may be making the tables
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    owner, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    connection.execute("COMMIT")
    if tables and owner != _APPLICATION:
        raise StoreError(f"{path}: a database of another program: {_ELSEWHERE}")
    if version > VERSION:
        newer = f"{path}: a history of version {version}; this invobench reads {VERSION}"
        raise StoreError(f"{newer}: use the version that wrote it, or {_ELSEWHERE}")
    if version < VERSION:
        _into_wal(connection)
        with writing(connection):
            _upgrade(connection)


def _into_wal(connection: sqlite3.Connection) -> None:
    """Use WAL from now on. SQLite does not wait by itself while another process is about to do the same."""
    end = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.02)


def _upgrade(connection: sqlite3.Connection) -> None:
    """Take the steps that the file lacks; another process may have taken them just before."""
    for step in _STEPS[_pragma(connection, "user_version") :]:
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _code(error: sqlite3.Error) -> int | None:
    """SQLite's primary code of an error, None where it is Python's own."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _explained(path: Path, error: sqlite3.Error) -> StoreError:
    """What an error of SQLite means to whoever keeps a history at `path`."""
    meaning = _MEANINGS.get(_code(error) or 0, f"it is of no use: {_ELSEWHERE}")
    return StoreError(f"{path}: history: {error}: {meaning}")
