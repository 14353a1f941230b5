"""The ladder: two callables of known work ratio, measured in turn, again and again; what the intervals made of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from invobench.measure.clock import Run
from invobench.measure.interval import MIN_SAMPLES, Interval, median_interval
from invobench.measure.selftest.ratio import Share, above, ratio_interval, reaches

RATIOS = (1.00, 1.01, 1.02, 1.05, 1.10)
#: pairs whose ratios make one interval, as a run with `processes: 10` has
REPLICATES = 10
#: a change is told apart where this share of repeats has an interval above 1
TOLD = 0.95

#: what ratios are exact to: samples are to 0.1 % of the clock's resolution, and identical loops differ by half of that
EXACT = 0.001

#: one cell: the median of a callable with its interval, by the sampling loop
Cell = Callable[[Run], Interval]


@dataclass(frozen=True)
class Pair:
    """One cell of each side, one after the other: seconds of a call of the base and of its multiple."""

    base: Interval
    multiple: Interval

    @property
    def ratio(self) -> Interval:
        """The measured ratio of work with its interval, as two rows would give it."""
        return ratio_interval(self.multiple, self.base)


@dataclass(frozen=True)
class Look:
    """How often an interval of the ratio held the true one, or came to within EXACT of it, and was above 1.

    `half_width`: the median of the intervals', relative to the ratio; None where there are none.
    """

    covered: Share
    near: Share
    above_one: Share
    half_width: float | None

    @classmethod
    def at(cls, intervals: Sequence[Interval], ratio: float) -> Look:
        """The look of `intervals` at a true `ratio`."""
        return cls(
            Share.of([reaches(interval, ratio, ratio) for interval in intervals]),
            Share.of([reaches(interval, ratio * (1 - EXACT), ratio * (1 + EXACT)) for interval in intervals]),
            Share.of([above(interval, 1.0) for interval in intervals]),
            median([interval.relative for interval in intervals]) if intervals else None,
        )

    @property
    def told_apart(self) -> bool:
        """Whether it is above 1 often enough to be relied on."""
        share = self.above_one.value
        return share is not None and share >= TOLD


@dataclass(frozen=True)
class Rung:
    """All pairs at one true ratio."""

    ratio: float
    pairs: tuple[Pair, ...]

    @property
    def measured(self) -> Interval:
        """The median of the pairs' ratios, with its interval."""
        return median_interval([pair.ratio.median for pair in self.pairs])

    @property
    def bias(self) -> float:
        """Measured over true ratio, less 1."""
        return self.measured.median / self.ratio - 1

    @property
    def single(self) -> Look:
        """One cell a side."""
        return Look.at([pair.ratio for pair in self.pairs], self.ratio)

    @property
    def replicated(self) -> Look:
        """REPLICATES cells a side, taken in turn: intervals from the pairs' ratios. Pairs left over are not used."""
        ratios = [pair.ratio.median for pair in self.pairs]
        starts = range(0, len(ratios) - REPLICATES + 1, REPLICATES)
        return Look.at([median_interval(ratios[start : start + REPLICATES]) for start in starts], self.ratio)


def rounds(budget_s: float, now: Callable[[], float] = time.perf_counter) -> Iterator[int]:
    """Numbers of rounds until `budget_s` is spent; the first MIN_SAMPLES, which an interval needs, get twice that."""
    start, number = now(), 0
    while number == 0 or now() - start < (budget_s if number >= MIN_SAMPLES else 2 * budget_s):
        yield number
        number += 1


def climb(
    rungs: Mapping[float, tuple[Run, Run]],
    cell: Cell,
    budget_s: float,
    *,
    now: Callable[[], float] = time.perf_counter,
) -> tuple[Rung, ...]:
    """Measure pairs of every rung in turn, for `budget_s` (see `rounds`).

    Which side goes first changes from round to round, so that a drift favours none.
    """
    pairs: dict[float, list[Pair]] = {ratio: [] for ratio in rungs}
    for number in rounds(budget_s, now):
        for ratio, (base, multiple) in rungs.items():
            pairs[ratio].append(_pair(cell, base, multiple, base_first=number % 2 == 0))
    return tuple(Rung(ratio, tuple(found)) for ratio, found in pairs.items())


def _pair(cell: Cell, base: Run, multiple: Run, *, base_first: bool) -> Pair:
    if base_first:
        first = cell(base)
        return Pair(first, cell(multiple))
    first = cell(multiple)
    return Pair(cell(base), first)


def smallest_told(rungs: Sequence[Rung], look: Callable[[Rung], Look]) -> float | None:
    """The smallest ratio that is told apart from 1, as are all above it; None where the largest is not."""
    found = None
    for rung in sorted(rungs, key=lambda rung: -rung.ratio):
        if rung.ratio <= 1 or not look(rung).told_apart:
            break
        found = rung.ratio
    return found
