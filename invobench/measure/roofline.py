"""How far a row is from what its machine can do: achieved rates, share of the limit, and which limit (no torch).

The time at the limit is the longer of two: minimum bytes at the bandwidth of a copy, and flops (2 * multiply-adds by
formula) at the rate of a matrix product of the row's dtype. `limit_share` is that time over the time measured. A row
whose data stays in the last-level cache is set against a copy within the cache. A share above 1 says that the row
beat the ceiling: it then needs less than was assumed (its data stayed in a nearer cache), or the ceiling was measured
on a busy machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from invobench.measure.ceilings import Ceiling, Ceilings, Quantity
from invobench.results import MEASURED, Row

#: under so many times the launch floor, starting the work takes about as long as doing it
LAUNCH_FLOORS = 2.0
#: from this share of the time on, launching decides
LAUNCH_SHARE = 0.5


def roofline(row: Row, ceilings: Ceilings | None) -> dict[str, Any]:
    """`achieved_bytes_per_s`, `achieved_flops_per_s`, `limit_share` and `bound` (memory, compute or launch) of `row`.

    What cannot be known is left out: rates without a formula or a latency; share and bound without ceilings of the
    row's device, dtype and, on the CPU, threads.
    """
    if row.status not in MEASURED or not row.latency_s:
        return {}
    fields: dict[str, Any] = {}
    if row.min_bytes:
        fields["achieved_bytes_per_s"] = row.min_bytes / row.latency_s
    if row.macs_formula:
        fields["achieved_flops_per_s"] = 2 * row.macs_formula / row.latency_s
    return {**fields, **_against(row, ceilings)}


def _against(row: Row, ceilings: Ceilings | None) -> dict[str, Any]:
    """Share and bound, empty where a ceiling that they need is missing."""
    if ceilings is None or row.device is None or row.latency_s is None:
        return {}
    if row.min_bytes is None or row.macs_formula is None:
        return {}
    bandwidth = ceilings.find(_copy(row), row.device, row.threads)
    rate = ceilings.find("matmul", row.device, row.threads, row.dtype, bool(row.tf32))
    floor = ceilings.find("launch", row.device, row.threads)
    if bandwidth is None or rate is None or floor is None:
        return {}
    memory_s, compute_s = row.min_bytes / bandwidth.value, 2 * row.macs_formula / rate.value
    by_work = "memory" if memory_s >= compute_s else "compute"
    return {
        "limit_share": max(memory_s, compute_s) / row.latency_s,
        "bound": "launch" if _launched(row, floor) else by_work,
    }


def _copy(row: Row) -> Quantity:
    """The copy that a row's bytes are set against: within the cache where the row says that its data stays there."""
    if row.cache != "hot" or row.working_set_bytes is None or row.cache_bytes is None:
        return "copy"
    held = max(row.working_set_bytes, row.min_bytes or 0)  # the former has no outputs, the latter one set of inputs
    return "cached_copy" if held <= row.cache_bytes else "copy"


def _launched(row: Row, floor: Ceiling) -> bool:
    over_half = row.launch_share is not None and row.launch_share > LAUNCH_SHARE
    return over_half or (row.latency_s or 0.0) < LAUNCH_FLOORS * floor.value


def limited(row: Row, ceilings: Ceilings | None) -> Row:
    """`row` with what `roofline` says of it."""
    return row.model_copy(update=roofline(row, ceilings))


def hint(rows: Iterable[Row], ceilings: Ceilings | None) -> str:
    """The command that would give `rows` their limits, in one line; empty where nothing would."""
    measured = [row for row in rows if row.status in MEASURED and row.latency_s and row.device]
    lacking = [row for row in measured if row.macs_formula is not None and row.min_bytes is not None]
    if lacking and ceilings is None:
        return "no ceilings measured here: run invobench ceilings"
    for row in lacking:
        if ceilings is not None and row.device is not None and not ceilings.of(row.device, row.threads):
            threads = f" --threads {row.threads}" if row.device == "cpu" and row.threads else ""
            where = f"--device {row.device}{threads}"
            return f"no ceilings measured here for some rows: run invobench ceilings {where}"
    return ""
