"""The raw samples of a row, process by process."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

from invobench.errors import MeasurementError
from invobench.results import Row

#: samples of each process, seconds a call
Samples = tuple[tuple[float, ...], ...]


def processes_of(row: Row) -> Samples:
    """Samples of each process that timed `row`, in their order; empty where it was not timed.

    A row that kept no samples counts as one process with one, its median. Raises MeasurementError, naming the cell,
    for samples that cannot be times, and for counts that are not those of the samples.
    """
    name = " ".join([row.name, *(f"{key}={value}" for key, value in row.coordinates.items())])
    if row.latency_s is None and not row.samples_s:
        return ()
    samples = row.samples_s or [value for value in [row.latency_s] if value is not None]
    counts = row.samples_per_process if row.samples_per_process and row.samples_s else [len(samples)]
    if sum(counts) != len(samples) or min(counts) < 0:
        wrong = f"{name}: samples_per_process adds up to {sum(counts)}, and there are {len(samples)} samples"
        raise MeasurementError(f"{wrong}: the results are damaged, measure them again")
    edges = [0, *accumulate(counts)]
    found = tuple(tuple(samples[start:end]) for start, end in pairwise(edges) if end > start)
    require_times(found, name)
    return found


def require_times(processes: Sequence[Sequence[float]], where: str) -> None:
    """Raise MeasurementError, naming `where` and the sample, for one that is not a finite time over 0."""
    for number, process in enumerate(processes, start=1):
        if all(0 < sample < math.inf for sample in process):  # no NaN is
            continue
        place, sample = next((n, s) for n, s in enumerate(process, start=1) if not 0 < s < math.inf)
        of = f"process {number}, " if len(processes) > 1 else ""
        wrong = f"{where}: {of}sample {place} of {len(process)} is {sample:g} s, which is no time"
        raise MeasurementError(f"{wrong}: the clock went backwards or stood still; measure again")
