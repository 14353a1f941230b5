"""The results file: what is written is what is read, whatever happened in between."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from invobench.errors import MeasurementError, UsageError
from invobench.results import (
    COLUMNS,
    RESULTS_NAME,
    SCHEMA_VERSION,
    Replicate,
    ResultsFile,
    Row,
    digest,
    read_results,
    record_line,
    truncate,
)
from tests.rows import MISSING, row, run


@pytest.fixture
def file(tmp_path: Path) -> Iterator[ResultsFile]:
    opened = ResultsFile(tmp_path, run())
    yield opened
    opened.close()


def test_columns_come_in_the_published_order() -> None:
    published = """name, kind, operator, backend, device, dtype, mode, batch, in_channels, out_channels, height, width,
    kernel_size, stride, params, macs_formula, macs_dispatched, macs_fvcore, macs_torch, latency_s, latency_low_s,
    latency_high_s, samples, clock, peak_memory_bytes, min_bytes, throughput_per_s, max_error, status, message"""
    names = [name.strip() for name in published.split(",")]
    assert list(COLUMNS[: len(names)]) == names
    assert not {"samples_s", "samples_per_process"} & set(COLUMNS)
    assert len(set(COLUMNS)) == len(COLUMNS) == len(Row.model_fields) - 2


def test_round_trip(file: ResultsFile) -> None:
    rows = [
        row("first", coordinates={"kernel_size": 7, "form": "linear", "µ": "¹/₃"}, latency_s=0.1 + 0.2),
        row('a layer\nwith "quotes" and ünïcode', cell_key="2", tf32=False, samples_s=[1e-9, math.pi]),
        row("third", **MISSING, status="oom", message="out of memory", samples_s=[]),
    ]
    for item in rows:
        file.append(item)
    found = read_results(file.path)
    assert found.run == run()
    assert found.rows == tuple(rows)
    assert found.whole == file.size == file.path.stat().st_size


def test_replicates_are_kept_beside_rows(file: ResultsFile) -> None:
    replicates = [Replicate(**row("a").model_dump(), replicate=number) for number in range(2)]
    for item in (*replicates, row("a")):
        file.append(item)
    found = read_results(file.path)
    assert found.rows == (row("a"),)
    assert found.replicates == tuple(replicates)
    assert [json.loads(line)["record"] for line in file.path.read_text().splitlines()] == [
        "run",
        "replicate",
        "replicate",
        "row",
    ]


def test_files_of_the_first_schema_are_read(tmp_path: Path) -> None:
    """As the first version wrote them: a head without metrics, cells and spec_ids."""
    head = {key: value for key, value in json.loads(RUN_LINE).items() if key not in {"metrics", "cells", "spec_ids"}}
    path = tmp_path / RESULTS_NAME
    path.write_text(json.dumps({**head, "schema_version": 1}) + "\n" + record_line("row", row()))
    found = read_results(path)
    assert (found.run.schema_version, found.run.metrics, found.run.cells) == (1, (), {})
    assert found.rows == (row(),)


def test_a_cut_line_is_told_on_stderr(file: ResultsFile, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reads: a table and a plot leave it out as a run does."""
    with file.path.open("ab") as stream:
        stream.write(b'{"record": "row", ')
    read_results(file.path)
    again = "cut off: the line is left out; profile --resume measures its cell again"
    assert capsys.readouterr() == ("", f"warning: {file.path}:2: {again}\n")


def test_half_a_surrogate_pair_is_kept(file: ResultsFile) -> None:
    """As Python has it of a file's name that is not UTF-8."""
    odd = row("caf\udce9", message="cannot open caf\udce9.bin and \ud83d")
    file.append(odd)
    assert read_results(file.path).rows == (odd,)


def test_a_missing_value_is_absent(file: ResultsFile) -> None:
    file.append(row(**MISSING, status="timeout"))
    record = json.loads(file.path.read_text().splitlines()[1])
    assert record["status"] == "timeout"
    assert not set(MISSING) & set(record)


def test_each_row_is_on_disk_before_the_next(file: ResultsFile) -> None:
    for count in range(3):
        assert len(read_results(file.path).rows) == count
        file.append(row())


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["latency_s", "max_error", "samples_s"])
def test_no_nan_is_written(file: ResultsFile, field: str, value: float) -> None:
    size = file.size
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        file.append(row(**{field: [value] if field == "samples_s" else value}))
    assert file.size == size


def test_a_torn_last_line_is_left_out(file: ResultsFile) -> None:
    """Cut anywhere in the last line, newline included, the rows before it are whole."""
    file.append(row("first"))
    whole = file.size
    line = record_line("row", row("second")).encode()
    for cut in (1, len(line) // 2, len(line) - 1):
        with file.path.open("ab") as stream:
            stream.write(line[:cut])
        warnings: list[str] = []
        found = read_results(file.path, warnings.append)
        assert [item.name for item in found.rows] == ["first"]
        assert found.whole == whole
        again = "cut off: the line is left out; profile --resume measures its cell again"
        assert warnings == [f"{file.path}:3: {again}"]
        truncate(file.path, found.whole)
        assert file.path.stat().st_size == whole
    file.append(row("second"))
    assert [item.name for item in read_results(file.path).rows] == ["first", "second"]


def message_of(path: Path) -> str:
    with pytest.raises(UsageError) as raised:
        read_results(path)
    assert raised.value.exit_code == 2
    return str(raised.value)


RUN_LINE = record_line("run", run())
WITHOUT_KEY = json.dumps({key: value for key, value in json.loads(RUN_LINE).items() if key != "run_key"})
LATER = record_line("run", run(schema_version=SCHEMA_VERSION + 1))
NO_RECORD = "not a results file, or cut off at its start"
READS = "this invobench reads 1 and 2: use the version that wrote it"
FOREIGN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", f":1: no run record: {NO_RECORD}"),
    "one torn line": (RUN_LINE[:-1].encode(), f":1: no run record: {NO_RECORD}"),
    "a row first": (record_line("row", row()).encode(), ":1: expected a 'run' record"),
    "a list": (b"[1, 2]\n", ":1: expected a 'run' record"),
    "text": (b"name,kind\n", ":1: not JSON: Expecting value: line 1 column 1 (char 0)"),
    "an empty line": (b"\n", ":1: not JSON: Expecting value: line 1 column 1 (char 0)"),
    "two runs": (RUN_LINE.encode() * 2, ":2: expected a 'row' or 'replicate' record"),
    "another record": (RUN_LINE.encode() + b'{"record": "note"}\n', ":2: expected a 'row' or 'replicate' record"),
    "a run without a key": (
        WITHOUT_KEY.encode() + b"\n",
        ":1: not a valid 'run' record: run_key: Field required",
    ),
    "a row with a status of its own": (
        (RUN_LINE + record_line("row", row()).replace('"status": "ok"', '"status": "fine"')).encode(),
        ":2: not a valid 'row' record: status: "
        "Input should be 'ok', 'noisy', 'oom', 'unsupported', 'failed' or 'timeout'",
    ),
    "a row with a key of its own": (
        (RUN_LINE + record_line("row", row()).replace('"status"', '"colour": 1, "status"')).encode(),
        ":2: not a valid 'row' record: colour: Extra inputs are not permitted",
    ),
    "a run without a schema": (
        RUN_LINE.replace('"schema_version"', '"schema"').encode(),
        f":1: schema_version missing; {READS}",
    ),
    "a later schema": (
        LATER.encode(),
        f":1: schema_version {SCHEMA_VERSION + 1}; {READS}",
    ),
    "a later schema with other keys": (
        LATER.replace('"run_key"', '"key"').encode(),
        f":1: schema_version {SCHEMA_VERSION + 1}; {READS}",
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_files(tmp_path: Path, name: str) -> None:
    content, message = FOREIGN[name]
    path = tmp_path / RESULTS_NAME
    path.write_bytes(content)
    assert message_of(path) == f"{path}{message}"


@pytest.mark.parametrize("content", [b"\x00\xff\xfe\x81\n", b"\x89PNG\r\n\x1a\n", b"[" * 100_000 + b"\n", b'{"a":\n'])
def test_binary_and_deep_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / RESULTS_NAME
    path.write_bytes(content)
    assert message_of(path).startswith(f"{path}:1: not JSON: ")


def test_a_bad_line_in_the_middle_is_not_skipped(file: ResultsFile) -> None:
    file.append(row())
    with file.path.open("ab") as stream:
        stream.write(b'{"record": "row", "na\n')
    file.append(row())
    assert message_of(file.path).startswith(f"{file.path}:3: not JSON: ")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert message_of(tmp_path / "x") == f"{tmp_path / 'x'}: cannot read results: No such file or directory"
    assert message_of(tmp_path) == f"{tmp_path}: cannot read results: Is a directory"


def test_a_file_is_opened_again_as_it_is(tmp_path: Path) -> None:
    first = ResultsFile(tmp_path, run())
    assert first.fresh
    first.append(row())
    first.close()
    again = ResultsFile(tmp_path, run(run_key="another"))
    assert not again.fresh
    again.append(row("second"))
    again.close()
    found = read_results(again.path)
    assert found.run.run_key == run().run_key
    assert [item.name for item in found.rows] == ["involution", "second"]


def test_folders_are_made(tmp_path: Path) -> None:
    opened = ResultsFile(tmp_path / "a" / "b", run())
    opened.close()
    assert opened.path == tmp_path / "a" / "b" / "results.jsonl"
    assert read_results(opened.path).run == run()


def test_another_run_in_the_folder_is_refused(file: ResultsFile, tmp_path: Path) -> None:
    size = file.size
    with pytest.raises(UsageError) as raised:
        ResultsFile(tmp_path, run())
    assert str(raised.value) == f"{file.path}: another run is writing here; choose another --out DIR"
    assert file.size == size


def test_another_process_in_the_folder_is_refused(tmp_path: Path) -> None:
    """The lock ends with the process that holds it, killed or not."""
    path = tmp_path / RESULTS_NAME
    code = """
import fcntl, sys
stream = open(sys.argv[1], "a")
fcntl.flock(stream, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", code, str(path)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match="another run is writing here"):
            ResultsFile(tmp_path, run())
        assert path.read_bytes() == b""
    finally:
        holder.kill()
        holder.communicate()
    ResultsFile(tmp_path, run()).close()
    assert read_results(path).rows == ()


def test_a_file_system_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def refuses(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", refuses)
        with pytest.raises(UsageError) as raised:
            ResultsFile(tmp_path, run())
    cause = "its file system cannot lock: No locks available"
    assert str(raised.value) == f"{tmp_path / RESULTS_NAME}: {cause}; choose --out DIR on a local disk"
    assert (tmp_path / RESULTS_NAME).read_bytes() == b""


class FullDisk:
    """`os.write` that takes `room` bytes in small pieces and then finds the disk full."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.write = os.write

    def __call__(self, descriptor: int, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        piece = data[: min(7, self.room)]
        self.room -= len(piece)
        return self.write(descriptor, piece)


@pytest.mark.parametrize("room", [0, 1, 20])
def test_a_full_disk_loses_the_row_and_no_other(file: ResultsFile, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    file.append(row("first"))
    before = file.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", FullDisk(room))
        with pytest.raises(MeasurementError) as raised:
            file.append(row("second"))
    cause = "cannot write: No space left on device; the rows before are kept: free space, then --resume"
    assert str(raised.value) == f"{file.path}: {cause}"
    assert raised.value.exit_code == 4
    assert file.path.read_bytes() == before
    file.append(row("third"))
    assert [item.name for item in read_results(file.path).rows] == ["first", "third"]


def test_a_write_in_pieces_is_whole(file: ResultsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", FullDisk(10**9))
        file.append(row())
    assert read_results(file.path).rows == (row(),)


def test_a_disk_that_is_full_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that could not be begun is let go of, and is empty."""
    path = tmp_path / RESULTS_NAME
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", FullDisk(10))
        with pytest.raises(MeasurementError, match="No space left on device"):
            ResultsFile(tmp_path, run())
    assert path.read_bytes() == b""
    ResultsFile(tmp_path, run()).close()


def test_a_disk_that_fails_to_flush(file: ResultsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    size = file.size
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with pytest.raises(MeasurementError, match="Input/output error"):
            file.append(row())
    assert file.size == size


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as raised:
        ResultsFile(tmp_path / "file" / "below", run())
    path = tmp_path / "file" / "below" / RESULTS_NAME
    assert str(raised.value) == f"{path}: cannot write results: Not a directory; choose --out DIR"
    with pytest.raises(UsageError, match="cannot write results: File exists"):
        ResultsFile(tmp_path / "file", run())


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions are simulated: an administrator may write everywhere."""

    def refuses(*args: Any, **kwargs: Any) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", refuses)
    with pytest.raises(UsageError) as raised:
        ResultsFile(tmp_path, run())
    wanted = f"{tmp_path / RESULTS_NAME}: cannot write results: Permission denied; choose --out DIR"
    assert str(raised.value) == wanted


@pytest.mark.parametrize(
    "change", [{"status": "good"}, {"kind": "thing"}, {"batch": "many"}, {"colour": 1}, {"name": None}]
)
def test_a_row_is_checked(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        row(**change)


def test_digests_depend_on_values_alone() -> None:
    assert digest({"a": 1, "b": [2, "µ"]}) == digest({"b": [2, "µ"], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest({"a": 1}) != digest({"a": "1"})
    assert digest({"a": 1}) == "015abd7f5cc57a2d"
