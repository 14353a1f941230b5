"""The ratio of two medians with its 95 % interval, by a bootstrap over processes (`invobench.judging.resample`)."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from invobench.spec.gate import MIN_PROCESSES

if TYPE_CHECKING:
    from invobench.judging.resample import Array

DRAWS = 2000
#: of a side: the samples of each process, seconds a call
Processes = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Ratio:
    """Candidate over base. `low` and `high` are None where a side has too few processes for an interval.

    `base`, `candidate`: the medians. `processes`: of base and candidate. `draws`: of the bootstrap, 0 without one.
    `drawn`: logarithms of both medians in each draw, less those of all processes; None without a bootstrap.
    """

    value: float
    low: float | None
    high: float | None
    processes: tuple[int, int]
    draws: int
    base: float
    candidate: float
    paired: bool = False
    drawn: tuple[Array, Array] | None = field(default=None, repr=False, compare=False)


def ratio_of_medians(
    base: Processes, candidate: Processes, *, paired: bool, seed: int = 0, draws: int = DRAWS
) -> Ratio:
    """The ratio of the medians, each over all samples of a side's processes, every process counting the same.

    `paired`: process i of both sides ran next to one another, and they are drawn together; there must be as many of
    them then. Fewer than 6 processes a side have no interval. Where a side has one sample of each process, as a stored
    baseline has, the other side's processes count with their medians as well. The same seed draws the same processes,
    whatever the samples are. Raises ValueError for samples that are not finite times over 0.
    """
    from invobench.judging import resample

    sides = [resample.arrays(side) for side in _alike(base, candidate)]
    counts = (len(base), len(candidate))
    if paired and counts[0] != counts[1]:
        raise ValueError(f"{counts[0]} and {counts[1]} processes are no pairs")
    medians = [resample.median(side) for side in sides]
    value = medians[1] / medians[0]
    if min(counts) < MIN_PROCESSES:
        return Ratio(value, None, None, counts, 0, medians[0], medians[1], paired)
    taken = resample.drawn_counts(counts, paired, seed, draws)
    drawn = (resample.log_medians(sides[0], taken[0]), resample.log_medians(sides[1], taken[1]))
    low, high = resample.interval(*drawn, counts, paired)
    return Ratio(value, value * low, value * high, counts, draws, medians[0], medians[1], paired, drawn)


def median_of(side: Processes) -> float:
    """The median over all samples of a side's processes, every process counting the same."""
    from invobench.judging import resample

    return resample.median(resample.arrays(side))


def _alike(base: Processes, candidate: Processes) -> tuple[Processes, Processes]:
    """Both sides, as medians of processes where one has no more than those."""
    if all(any(len(process) > 1 for process in side) for side in (base, candidate)):
        return base, candidate
    return _medians(base), _medians(candidate)


def _medians(side: Processes) -> Processes:
    return [[statistics.median(process)] if process else [] for process in side]
