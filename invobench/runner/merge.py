"""The processes of a cell as one row (pure, no torch).

Samples of one process say how steady it was, not where the next process will be: memory is laid out anew in each, and
two of them differ by more than either's interval. So the interval of several processes is one over their medians.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from invobench.measure.interval import MIN_SAMPLES, Interval, median_interval
from invobench.results import MEASURED, Row, Status

TOO_FEW = "2 to 5 processes have no 95 % interval: use processes: 6 or more"
#: the later, the worse
_SEVERITY: tuple[Status, ...] = ("ok", "noisy", "unsupported", "oom", "timeout", "failed")

#: row field -> what several processes have of it; a field without a line is the first process's
_RULES: Mapping[str, Callable[[list[Any]], Any]] = {
    **dict.fromkeys(
        (
            "samples",
            "outliers",
            "page_faults",
            "context_switches",
            "throttled_samples",
            "warmups",
            "warmup_time_s",
            "sampling_time_s",
        ),
        sum,
    ),
    **dict.fromkeys(("graph_latency_s", "launch_share", "setup_s", "sm_clock_hz", "power_w"), statistics.median),
    "drift": lambda values: max(values, key=abs),
    "temperature_c": max,
    "loops": min,
}


def merge(replicates: Sequence[Row], processes: int, target_ci: float) -> Row:
    """The row of a cell from what its processes measured, in their order; `processes` were asked for.

    One process is its own row. Of several, the latency is the median of the medians of those that were timed, with a
    95 % interval from six on, and it is `ok` where the interval is within ± `target_ci` and no more than half of them
    doubt their samples. A process that failed gives the row its status, and leaves it the others' data.
    """
    first = replicates[0]
    timed = [row for row in replicates if row.latency_s is not None]
    fields: dict[str, Any] = first.model_dump(exclude={"replicate"}, exclude_none=True)
    if timed:
        fields["processes"] = len(timed)
    if processes > 1:
        fields["cell_time_s"] = _of(replicates, "cell_time_s", sum)
        fields |= _timing(timed) | _verdict(replicates, timed, processes, target_ci) if timed else {}
    return Row(**fields)


def _timing(timed: Sequence[Row]) -> dict[str, Any]:
    """What the processes that were timed have together; None where they have nothing."""
    interval = _interval(timed)
    return {
        **{name: _of(timed, name, rule) for name, rule in _RULES.items()},
        "latency_s": interval.median,
        "latency_low_s": interval.low,
        "latency_high_s": interval.high,
        "interval": None if interval.low is None else interval.method.replace("samples", "process medians"),
        "throughput_per_s": timed[0].batch / interval.median,
        "samples_s": [sample for row in timed for sample in row.samples_s],
        "samples_per_process": [len(row.samples_s) for row in timed],
    }


def _interval(timed: Sequence[Row]) -> Interval:
    return median_interval([row.latency_s for row in timed if row.latency_s is not None])


def _of(rows: Sequence[Row], name: str, rule: Callable[[list[Any]], Any]) -> Any:
    """`rule` of the values that `rows` have of a field, None where none has one."""
    values = [value for row in rows if (value := getattr(row, name)) is not None]
    return rule(values) if values else None


def _verdict(replicates: Sequence[Row], timed: Sequence[Row], processes: int, target_ci: float) -> dict[str, Any]:
    """Status and message: of the worst process where one failed, else of the interval."""
    worst = max(replicates, key=lambda row: _SEVERITY.index(row.status))
    if worst.status not in MEASURED:
        number = replicates.index(worst) + 1
        others = sum(row.status not in MEASURED for row in replicates) - 1
        more = f" (and {others} more)" if others else ""
        return {"status": worst.status, "message": f"process {number} of {processes}{more}: {worst.message}"}
    if len(replicates) < processes:
        return {"status": "noisy", "message": f"{len(replicates)} of {processes} processes: go on with --resume"}
    if len(timed) < MIN_SAMPLES:
        return {"status": "noisy", "message": TOO_FEW}
    interval = _interval(timed)
    if interval.relative > target_ci:
        wide = f"median of {len(timed)} processes ±{interval.relative:.1%}, target ±{target_ci:.1%}"
        return {"status": "noisy", "message": f"{wide}: raise measure.processes, or quieten the machine"}
    doubted = [row for row in timed if _is_in_doubt(row, target_ci)]
    if 2 * len(doubted) > len(timed):
        return {"status": "noisy", "message": f"{len(doubted)} of {len(timed)} processes: {doubted[0].message}"}
    return {"status": "ok", "message": ""}


def _is_in_doubt(row: Row, target_ci: float) -> bool:
    """Whether a process is noisy for another reason than a wide interval of its own, which more processes narrow.

    They do not make a throttled GPU faster, a clock finer, or samples that drifted steady.
    """
    if row.status != "noisy" or row.latency_s is None:
        return False
    return Interval(row.latency_s, row.latency_low_s, row.latency_high_s).relative <= target_ci
