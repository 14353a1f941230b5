"""What a baseline's file holds, and its text: a line for each cell, so that a difference can be read.

Everything that a gate compares is in it, and of the samples only each process's median: what a gate resamples is
processes. A file says nothing of when it was written: the same results are the same text.
"""

from __future__ import annotations

import json
import statistics
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from invobench.conventions import Convention
from invobench.judging.samples import processes_of
from invobench.results import Conditions, Environment, Row

FORMAT: Literal["invobench baseline"] = "invobench baseline"
VERSION = 1
_DIGITS = 6

#: fields of a row that a baseline keeps, in the order of its lines: what a cell is, what it costs, how it was timed
_KEPT = (
    *("name", "coordinates", "kind", "operator", "device", "device_requested", "dtype", "mode", "scope"),
    *("backend", "backend_requested", "status", "message"),
    *("batch", "in_channels", "out_channels", "height", "width", "kernel_size", "stride"),
    *("params", "macs_formula", "macs_dispatched", "min_bytes", "output_shape", "operations", "launches"),
    *("uncounted", "max_error", "peak_memory_bytes", "latency_s", "latency_low_s", "latency_high_s", "samples"),
    *("processes", "clock", "execution", "cache", "memory_format", "tf32", "autograd", "threads", "affinity"),
    *("convention", "spec", "cell_key"),
)
_TIMES = ("latency_s", "latency_low_s", "latency_high_s")


class Head(BaseModel):
    """What a baseline says before its cells.

    `created`: when it was measured. `specs`: paths as they were given. `spec_hash_of`: what `spec_hash` is a hash of.
    `conditions`: of the run. `environment` has the fingerprint and the versions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["invobench baseline"] = FORMAT
    version: int = VERSION
    created: str
    command: str
    specs: tuple[str, ...]
    spec_hash: str
    spec_hash_of: Literal["files", "cells"]
    overrides: tuple[str, ...] = ()
    convention: Convention
    conditions: Conditions = "profile"
    environment: Environment


class Kept(BaseModel):
    """A cell's line: fields of its row, and the median of each process that timed it, in seconds a call."""

    model_config = ConfigDict(extra="forbid")

    row: Row
    process_medians_s: list[Annotated[float, Field(gt=0, allow_inf_nan=False)]] = []


def kept_values(row: Row) -> dict[str, Any]:
    """What a baseline keeps of `row`, times rounded to 6 significant digits. Raises MeasurementError for no times."""
    values = row.model_dump(mode="json", exclude_none=True)
    found = {name: values[name] for name in _KEPT if values.get(name) not in (None, "", {})}
    for name in _TIMES:
        if name in found:
            found[name] = _rounded(found[name])
    timed = [] if row.latency_s is None else processes_of(row)
    medians = [_rounded(statistics.median(process)) for process in timed]
    return found | ({"process_medians_s": medians} if medians else {})


def row_of(values: dict[str, Any]) -> Row:
    """The row of a cell's line: each process is one sample, its median. Raises pydantic's ValidationError."""
    fields = {name: value for name, value in values.items() if name != "process_medians_s"}
    kept = Kept.model_validate({"row": fields, "process_medians_s": values.get("process_medians_s", [])})
    medians = kept.process_medians_s
    return kept.row.model_copy(update={"samples_s": medians, "samples_per_process": [1] * len(medians)})


def text_of(head: Head, cells: list[dict[str, Any]]) -> str:
    """The text of a file: a key of the head a line, then a cell a line."""
    begun = json.dumps(head.model_dump(mode="json", exclude_none=True), indent=1, ensure_ascii=False, allow_nan=False)
    lines = ",\n".join(f"  {json.dumps(cell, ensure_ascii=False, allow_nan=False)}" for cell in cells)
    return f'{begun.removesuffix(chr(10) + "}")},\n "cells": [\n{lines}\n ]\n}}\n'


def _rounded(value: float) -> float:
    """`value` to 6 significant digits: a process's median is not known to more."""
    return float(f"{value:.{_DIGITS}g}")
