"""Results: what crosses from measuring to reporting, and the JSONL file that keeps it.

A file is one `run` record and then a `row` record for each finished cell, each on a line of its own,
flushed when it is written. Where a cell is measured in several processes, each of them is a `replicate` record before
it. Values are SI base units with the unit in the name; a missing value is absent. Multiply-adds (`macs_*`) are for
the whole batch; `flops = 2 * macs`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from invobench.conventions import Convention
from invobench.errors import MeasurementError, UsageError
from invobench.files import to_stderr

#: 1 had no replicates, and a head without metrics, cells and spec_ids
SCHEMA_VERSION = 2
READABLE = (1, 2)
RESULTS_NAME = "results.jsonl"
Status = Literal["ok", "noisy", "oom", "unsupported", "failed", "timeout"]
#: how processes are used: see Run
Conditions = Literal["profile", "gate"]
#: statuses of a cell that was measured
MEASURED: tuple[Status, ...] = ("ok", "noisy")


class Environment(BaseModel):
    """Where a run was measured. `fingerprint` is equal where timings may be compared."""

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    invobench: str
    python: str
    torch: str
    platform: str
    cpu: str
    cpu_count: int
    threads: int
    gpus: tuple[str, ...] = ()
    cuda: str | None = None
    driver: str | None = None
    governor: str | None = None


class Run(BaseModel):
    """The head of a results file. `run_key` is a hash of the run's cells and metrics.

    `cells`: key -> everything that decides what is measured, so that a refusal can say what differs. `spec_ids`: a
    hash of where each of `specs` is on the machine, since one file has many paths. `conditions`: what decides times
    beside each row's contract: `profile` has a process a cell and the system's memory, `gate` cells one after another
    in processes that keep freed memory.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: int = SCHEMA_VERSION
    run_key: str
    created: str
    command: str
    specs: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    convention: Convention = Convention.FORMULA
    environment: Environment
    metrics: tuple[str, ...] = ()
    cells: dict[str, dict[str, Any]] = {}
    spec_ids: tuple[str, ...] = ()
    conditions: Conditions = "profile"


class Row(BaseModel):
    """What was measured for a cell, or why it was not. Fields in the order of the CSV's columns."""

    model_config = ConfigDict(extra="forbid")

    name: str
    kind: Literal["layer", "network"]
    operator: str
    backend: str | None = None
    device: str | None = None
    dtype: str
    mode: str
    batch: int
    in_channels: int
    out_channels: int | None = None
    height: int
    width: int
    kernel_size: int | None = None
    stride: int | None = None
    params: int | None = None
    macs_formula: int | None = None
    macs_dispatched: int | None = None
    macs_fvcore: int | None = None
    macs_torch: int | None = None
    latency_s: float | None = None
    latency_low_s: float | None = None
    latency_high_s: float | None = None
    samples: int | None = None
    clock: str | None = None
    peak_memory_bytes: int | None = None
    min_bytes: int | None = None
    throughput_per_s: float | None = None
    max_error: float | None = None
    status: Status
    message: str = ""

    spec: str
    cell_key: str
    scope: str
    coordinates: dict[str, Any] = {}
    backend_requested: str
    device_requested: str
    convention: Convention = Convention.FORMULA
    execution: str | None = None
    cache: str | None = None
    memory_format: str | None = None
    tf32: bool | None = None
    autograd: bool | None = None
    threads: int | None = None
    loops: int | None = None
    output_error: float | None = None
    gradient_error: float | None = None
    uncounted: str | None = None
    fvcore_error: str | None = None
    cell_time_s: float | None = None
    affinity: str | None = None
    input_sets: int | None = None
    working_set_bytes: int | None = None
    cache_bytes: int | None = None
    setup_s: float | None = None
    interval: str | None = None
    processes: int | None = None
    warmups: int | None = None
    outliers: int | None = None
    drift: float | None = None
    page_faults: int | None = None
    context_switches: int | None = None
    throttled_samples: int | None = None
    sm_clock_hz: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    graph_latency_s: float | None = None
    launch_share: float | None = None
    materialised: float | None = None
    energy_j: float | None = None
    energy_resolution_j: float | None = None
    idle_power_w: float | None = None
    achieved_bytes_per_s: float | None = None
    achieved_flops_per_s: float | None = None
    limit_share: float | None = None
    bound: str | None = None
    sampling_time_s: float | None = None
    warmup_time_s: float | None = None
    output_shape: list[list[int]] | None = None
    operations: int | None = None
    launches: int | None = None
    samples_s: list[float] = []
    samples_per_process: list[int] = []


class Replicate(Row):
    """What one process measured of a cell, `replicate` counting from 0; a row is merged from them all."""

    replicate: int


_RAW = {"samples_s", "samples_per_process"}
#: CSV columns: every field of a row but the raw samples
COLUMNS: tuple[str, ...] = tuple(name for name in Row.model_fields if name not in _RAW)


def digest(value: Any) -> str:
    """A short, stable hash of plain JSON values."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


RecordT = TypeVar("RecordT", bound=BaseModel)


#: what the lines after the head may hold
_RECORDS: dict[str, type[Row]] = {"row": Row, "replicate": Replicate}


def record_line(record: str, value: BaseModel) -> str:
    """A record as a line of the file."""
    payload = {"record": record, **value.model_dump(exclude_none=True)}
    return json.dumps(payload, ensure_ascii=False, allow_nan=False) + "\n"


class ResultsFile:
    """A results file open for appending, by one run at a time. Raises UsageError if another has it."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.path = folder / RESULTS_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise UsageError(f"{self.path}: cannot write results: {error.strerror}; choose --out DIR") from None
        try:
            _lock(self._descriptor, self.path)
            self.fresh = self.size == 0
            if self.fresh:
                self._write(record_line("run", run))
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> int:
        """Length of the file in bytes."""
        return os.fstat(self._descriptor).st_size

    def append(self, row: Row) -> None:
        """Write a row or a replicate and flush it to disk. A line that did not go out whole is taken back."""
        self._write(record_line(_name(row), row))

    def _write(self, line: str) -> None:
        data = line.encode(errors="backslashreplace")  # half a surrogate pair: an escape in JSON, and read as it was
        size = self.size
        try:
            written = 0
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
            os.fsync(self._descriptor)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, size)
            text = f"{self.path}: cannot write: {error.strerror}; the rows before are kept: free space, then --resume"
            raise MeasurementError(text) from None

    def close(self) -> None:
        """Let go of the file and its lock."""
        os.close(self._descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"{path}: another run is writing here; choose another --out DIR") from None
    except OSError as error:
        cause = f"its file system cannot lock: {error.strerror}"
        raise UsageError(f"{path}: {cause}; choose --out DIR on a local disk") from None


@dataclass(frozen=True)
class Results:
    """What a file holds. `whole`: its length in bytes without a last line that was cut."""

    run: Run
    rows: tuple[Row, ...]
    replicates: tuple[Replicate, ...]
    whole: int


def _to_stderr(message: str) -> None:
    to_stderr(f"warning: {message}")


def read_results(path: Path, warn: Callable[[str], None] = _to_stderr) -> Results:
    """What the file at `path` holds, read up to its last whole line; `warn` is told where one was cut.

    Raises UsageError, naming file and line, for a file that is not a results file of a schema known here.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot read results: {error.strerror}") from None
    whole = data[: data.rfind(b"\n") + 1]
    lines = whole.split(b"\n")[:-1]
    if not lines:
        raise UsageError(f"{path}:1: no run record: not a results file, or cut off at its start")
    run = _head(path, lines[0])
    records: list[Row] = []
    for number, line in enumerate(lines[1:], start=2):
        record, value = _record(path, number, line, tuple(_RECORDS))
        records.append(_validated(path, number, value, record, _RECORDS[record]))
    if len(whole) < len(data):
        warn(f"{path}:{len(lines) + 1}: cut off: the line is left out; profile --resume measures its cell again")
    rows = tuple(record for record in records if not isinstance(record, Replicate))
    return Results(run, rows, tuple(record for record in records if isinstance(record, Replicate)), len(whole))


def _head(path: Path, line: bytes) -> Run:
    """The `run` record, its schema checked before anything else: another may well have other keys."""
    _, head = _record(path, 1, line, ("run",))
    version = head.get("schema_version", "missing")
    if version not in READABLE:
        known = " and ".join(str(one) for one in READABLE)
        wanted = f"{path}:1: schema_version {version}; this invobench reads {known}"
        raise UsageError(f"{wanted}: use the version that wrote it")
    return _validated(path, 1, head, "run", Run)


def _name(row: Row) -> str:
    """Which record `row` is."""
    return next(name for name, model in _RECORDS.items() if type(row) is model)


def _record(path: Path, number: int, line: bytes, records: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    """Which of `records` a line holds, and its values."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}:{number}: not JSON: {error}") from None
    record = value.pop("record", None) if isinstance(value, dict) else None
    if record not in records:
        raise UsageError(f"{path}:{number}: expected a {' or '.join(repr(name) for name in records)} record")
    return record, value


def _validated(path: Path, number: int, value: dict[str, Any], record: str, model: type[RecordT]) -> RecordT:
    """The values of line `number` as a `model`."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}:{number}: not a valid '{record}' record: {where}: {first['msg']}") from None


def truncate(path: Path, length: int) -> None:
    """Cut off a torn last line, so that the next row starts on its own."""
    os.truncate(path, length)
