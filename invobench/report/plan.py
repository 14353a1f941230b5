"""`profile --dry-run`: the cells, and the time that they are bounded by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from invobench import units
from invobench.runner.schedule import processes_of
from invobench.spec.cells import Cell
from invobench.spec.contract import STANDARD


def render_plan(cells: Sequence[Cell], metrics: Sequence[str]) -> str:
    """One line a cell, then the bounds: sampling (warm-up included) and the time after which processes are killed."""
    counts = [processes_of(cell, metrics) for cell in cells]
    total = sum(counts)
    lines = [_line(cell, processes) for cell, processes in zip(cells, counts, strict=True)]
    several = f", {total} processes" if total > len(cells) else ""
    lines.append(f"{len(cells)} cells{several}; {_sampling(cells, counts, metrics)}{_bound(cells, counts)}")
    return "\n".join(lines)


def _line(cell: Cell, processes: int) -> str:
    shape = "×".join(str(size) for size in cell.shape.dims)
    several = f", {processes} processes" if processes > 1 else ""
    contract = "".join(f", {word}" for word in _contract(cell))
    where = f"backend {cell.backend}, device {cell.device}"
    return f"{cell.label}: {shape}, {cell.dtype}, {cell.mode}, {where}{contract}{several}"


def _contract(cell: Cell) -> Iterator[str]:
    """What of the contract is not as it is where a spec says nothing, nor said by the label."""
    said, usual = dict(cell.coordinates), STANDARD.describe()
    for key, value in cell.contract.describe().items():
        if value != usual[key] and key not in said:
            yield key if value is True else f"{key} {value}"


def _sampling(cells: Sequence[Cell], counts: Sequence[int], metrics: Sequence[str]) -> str:
    """How long the samples take, with a warm-up of half as long at most; nothing where no time is taken."""
    if "latency" not in metrics:
        return ""
    sampling = sum(1.5 * cell.measure.max_time_s * count for cell, count in zip(cells, counts, strict=True))
    return (
        f"sampling takes about {units.duration(sampling)}, more where calls are slow; start-up and counting come on "
        "top; "
    )


def _bound(cells: Sequence[Cell], counts: Sequence[int]) -> str:
    """The longest that the run may take.

    The processes of cells with a budget all start within it, so that they take no longer than it and one of them.
    """
    timeouts = [cell.measure.timeout_s * count for cell, count in zip(cells, counts, strict=True)]
    free = sum(time for cell, time in zip(cells, timeouts, strict=True) if cell.measure.run_time_s is None)
    budgets = [
        (cell.measure.run_time_s, cell.measure.timeout_s) for cell in cells if cell.measure.run_time_s is not None
    ]
    if not budgets:
        return f"bound: {units.duration(free)}, measure.timeout_s a process"
    latest = max(budget for budget, _ in budgets) + max(timeout for _, timeout in budgets)
    bound = free + min(sum(timeouts) - free, latest)
    return f"bound: {units.duration(bound)}, measure.run_time_s and measure.timeout_s for the process that runs then"
