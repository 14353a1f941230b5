"""The database below the history: its versions, two processes at once, and every way in which it can fail."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from invobench.baselines import database as module
from invobench.baselines.database import VERSION, database
from invobench.baselines.store import Resolution, Store
from invobench.errors import StoreError
from tests.baselines.builders import check, identity, judged, judgement, locked

GATE = judgement(judged(identity(kernel_size=7), check()))
RESOLUTION = Resolution("f", "s", {"involution": 0.05}, "2026-11-24T12:00:00+00:00")
ATTEMPTS: tuple[Callable[[Store], Any], ...] = (
    lambda store: store.append(GATE, ["a.yaml"], "baseline"),
    lambda store: store.keep_resolution(RESOLUTION),
    lambda store: store.history("involution"),
    lambda store: store.names(),
    lambda store: store.resolution("f", "s"),
)
WRITES = ATTEMPTS[:2]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A history of one gate and one self-test."""
    made = Store(tmp_path / "history.sqlite")
    for attempt in WRITES:
        attempt(made)
    return made


def refusals(store: Store, attempts: tuple[Callable[[Store], Any], ...] = ATTEMPTS) -> Iterator[str]:
    """The message of each attempt: one line that names the file."""
    for attempt in attempts:
        with pytest.raises(StoreError) as caught:
            attempt(store)
        message = str(caught.value)
        assert message.startswith(f"{store.path}: ")
        assert "\n" not in message
        yield message.removeprefix(f"{store.path}: ")


def execute(path: Path, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements; the last one's rows."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return [connection.execute(statement).fetchall() for statement in statements][-1]
    finally:
        connection.close()


def test_nothing_is_left_beside_the_file(store: Store) -> None:
    store.history("involution")
    assert list(store.path.parent.iterdir()) == [store.path]


def test_a_name_with_marks_of_an_address(tmp_path: Path) -> None:
    odd = Store(tmp_path / "a?mode=ro #%41 ü.sqlite")
    odd.append(GATE, [], "baseline")
    assert list(tmp_path.iterdir()) == [odd.path]
    assert odd.names() == ["involution"]


def _append(path: Path, barrier: Any, times: int) -> None:
    barrier.wait()
    for _ in range(times):
        Store(path).append(GATE, ["a.yaml"], "baseline")


def test_two_processes_append_at_once_to_a_history_that_is_not_there_yet(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    path, barrier = tmp_path / "history.sqlite", context.Barrier(2)
    processes = [context.Process(target=_append, args=(path, barrier, 40)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    points = Store(path).history("involution")
    assert [point.gate for point in points] == list(range(1, 81))
    assert len({point.identity for point in points}) == 1
    assert execute(path, "SELECT count(*) FROM cells") == [(1,)]
    assert execute(path, "PRAGMA journal_mode") == [("wal",)]


def test_a_reader_does_not_wait_for_a_writer(store: Store) -> None:
    writer = sqlite3.connect(store.path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM checks")
    assert len(store.history("involution")) == 1
    writer.execute("ROLLBACK")
    writer.close()


def test_a_writer_that_waits_in_vain_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_S", 0.1)
    writer = sqlite3.connect(store.path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    for message in refusals(store, WRITES):
        assert message.startswith("history: database is locked: another program has kept it locked for ")
        assert message.endswith(": try again")
    writer.execute("ROLLBACK")
    writer.close()
    assert len(store.history("involution")) == 1


def test_another_process_that_is_just_making_it_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")  # SQLite does not wait for it to switch to WAL
    release = threading.Timer(0.3, other.execute, ("COMMIT",))
    release.start()
    assert Store(path).append(GATE, [], "baseline") == 1
    release.join()
    other.close()


def test_a_newer_history_is_left_alone(store: Store) -> None:
    execute(store.path, f"PRAGMA user_version = {VERSION + 1}")
    before = store.path.read_bytes()
    told = f"a history of version {VERSION + 1}; this invobench reads {VERSION}: use the version that wrote it, or name"
    assert all(message.startswith(told) for message in refusals(store))
    assert store.path.read_bytes() == before


def test_an_older_history_is_brought_up_to_date(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    step = ("CREATE TABLE extra (x)", "INSERT INTO extra SELECT count(*) FROM gates")
    monkeypatch.setattr(module, "_STEPS", (*module._STEPS, step))
    monkeypatch.setattr(module, "VERSION", VERSION + 1)
    assert len(store.history("involution")) == 1
    assert store.append(GATE, [], "baseline") == 2
    assert execute(store.path, "SELECT x FROM extra") == [(1,)]
    assert execute(store.path, "PRAGMA user_version") == [(VERSION + 1,)]


def test_a_step_that_fails_leaves_the_history_as_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STEPS", (*module._STEPS, ("CREATE TABLE extra (x)", "DROP TABLE gone")))
    monkeypatch.setattr(module, "VERSION", VERSION + 1)
    for message in refusals(store):
        assert message.startswith("history: no such table: gone: ")
    assert execute(store.path, "PRAGMA user_version") == [(VERSION,)]
    assert execute(store.path, "SELECT count(*) FROM sqlite_master WHERE name = 'extra'") == [(0,)]


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    execute(path, "CREATE TABLE mine (x)")
    before = path.read_bytes()
    for message in refusals(Store(path)):
        assert message == "a database of another program: name a file of yours with --store FILE"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_file_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert Store(tmp_path / "empty").names() == []
    assert Store(tmp_path / "empty").append(GATE, [], "baseline") == 1


def _overwritten(data: bytes) -> bytes:
    return b"not a database " * 500


def _scribbled(data: bytes) -> bytes:
    return data[:100] + b"\xff" * 300 + data[400:]


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2 + 100]


def _cut_at_a_page(data: bytes) -> bytes:
    return data[: 2 * 4096]


def _last_page_torn(data: bytes) -> bytes:
    return data[:-2000]


def _one_byte(data: bytes) -> bytes:
    return data[:1]  # which SQLite takes for an empty database


def _page_of_zeros(data: bytes) -> bytes:
    return data[: 2 * 4096] + bytes(4096) + data[3 * 4096 :]


@pytest.mark.parametrize(
    "damage",
    [_overwritten, _scribbled, _cut, _cut_at_a_page, _last_page_torn, _one_byte, _page_of_zeros],
    ids=lambda one: one.__name__,
)
def test_a_damaged_history_is_told(store: Store, damage: Callable[[bytes], bytes]) -> None:
    store.path.write_bytes(damage(store.path.read_bytes()))
    for message in refusals(store):
        assert message.endswith("not a whole history: move it away, or name a file of yours with --store FILE")


def test_a_full_disk_leaves_what_was_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = module._connection

    def full(path: Path, mode: str) -> sqlite3.Connection:
        connection = connect(path, mode)
        connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the pages that there are
        return connection

    monkeypatch.setattr(module, "_connection", full)
    many = judgement(*(judged(identity(f"n{i}"), check()) for i in range(500)))
    for message in refusals(store, (lambda store: store.append(many, [], "baseline"),)):
        assert message == "history: database or disk is full: the disk is full: free space"
    monkeypatch.undo()
    assert store.names() == ["involution"]
    assert store.append(GATE, [], "baseline") == 2


def test_a_folder_that_takes_nothing_can_be_read_and_not_written(store: Store) -> None:
    with locked("history.sqlite", text=store.path.read_bytes()) as folder:
        there = Store(folder / "history.sqlite")
        assert [point.gate for point in there.history("involution")] == [1]
        assert there.names() == ["involution"]
        assert there.resolution("f", "s") == RESOLUTION
        for message in refusals(there, WRITES):
            assert message.startswith(
                "history: attempt to write a readonly database: it may not be written: name a file"
            )
        for message in refusals(Store(folder / "new.sqlite"), WRITES):
            assert message.startswith("history: unable to open database file: it cannot be opened here: name a file")
        for message in refusals(Store(folder / "new" / "history.sqlite"), WRITES):
            assert message == "no history here: Permission denied: name a file of yours with --store FILE"
        assert [path.name for path in folder.iterdir()] == ["history.sqlite"]


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    for message in refusals(Store(tmp_path)):
        assert message.startswith("history: unable to open database file: it cannot be opened here: name a file")


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for message in refusals(Store(tmp_path / "file" / "history.sqlite"), WRITES):
        assert message.startswith("no history here: ")


def test_an_error_of_the_reader_stays_his(store: Store) -> None:
    with pytest.raises(KeyError), database(store.path, make=False):
        raise KeyError
