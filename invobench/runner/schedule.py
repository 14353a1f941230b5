"""Which process measures which cell, in what order, and until when (pure, no torch).

Machines drift: they warm up, clocks step, neighbours come and go. Cells with several processes are therefore measured
in rounds, each of them once a round, so that a drift lies on all of them and not on the last one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from invobench.results import Row
from invobench.spec.cells import Cell

#: what later processes of a cell measure: the rest is known after the first
REPEATED = ("latency",)


@dataclass(frozen=True)
class Job:
    """One process: it measures cell number `cell` for the `replicate`-th time, both from 0."""

    cell: int
    replicate: int


def schedule(processes: Sequence[int]) -> list[Job]:
    """The jobs of cells that are measured in so many `processes` each, round by round.

    The first round is in the order of the cells, and every second one is the reverse of the one before: the two
    together have each cell at the same mean place, which takes out a drift that is even over them. Each further pair
    has an order of its own, so that a cell's neighbours vary. The same argument gives the same order.
    """
    rounds = range(max(processes, default=0))
    return [
        Job(cell, number) for number in rounds for cell in _order(len(processes), number) if number < processes[cell]
    ]


def _order(cells: int, number: int) -> list[int]:
    """The order of the cells in round `number`."""
    pair, second = divmod(number, 2)
    order = list(range(cells))
    if pair:
        random.Random(pair).shuffle(order)  # noqa: S311 - an order, not a secret
    return order[::-1] if second else order


def processes_of(cell: Cell, metrics: Sequence[str]) -> int:
    """In how many processes `cell` is measured: in one where no `metrics` are worth repeating."""
    return cell.measure.processes if set(REPEATED) & set(metrics) else 1


def metrics_of(job: Job, metrics: Sequence[str]) -> tuple[str, ...]:
    """What a job measures of the `metrics` asked for: the first process all, later ones what varies between them.

    The first one checks the backends too, before it times them; `complete` ends a cell where it has not.
    """
    return tuple(name for name in metrics if name in REPEATED) if job.replicate else tuple(metrics)


def complete(replicates: Sequence[Row], processes: int) -> bool:
    """Whether a cell's processes are done: they are all in, or the first took no time.

    What that one failed at, the others would fail at too; and it is the one that checks the backend.
    """
    return bool(replicates) and (len(replicates) >= processes or replicates[0].latency_s is None)


def spent(cell: Cell, elapsed_s: float) -> bool:
    """Whether no job of `cell` may start any more, so long after the run's start (`measure.run_time_s`)."""
    limit = cell.measure.run_time_s
    return limit is not None and elapsed_s >= limit
