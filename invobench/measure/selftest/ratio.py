"""Ratios of two medians with their 95 % intervals, and how often such intervals were right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from invobench.measure.interval import Interval

_Z = 1.959963984540054


def ratio_interval(numerator: Interval, denominator: Interval) -> Interval:
    """The ratio of two medians that were measured apart, with its 95 % interval; none where one has none.

    In logarithms the two distances to a side are combined as the root of their squares: limits of two independent
    estimates give those of the difference, skewed intervals included (MOVER: Zou and Donner, Statistics in Medicine
    27, 2008).
    """
    ratio = numerator.median / denominator.median
    of_numerator, of_denominator = limits(numerator), limits(denominator)
    if of_numerator is None or of_denominator is None or min(*of_numerator, *of_denominator) <= 0:
        return Interval(ratio, None, None)
    up, down = (
        (math.log(interval.median / low), math.log(high / interval.median))
        for interval, (low, high) in ((numerator, of_numerator), (denominator, of_denominator))
    )
    return Interval(ratio, ratio * math.exp(-math.hypot(up[0], down[1])), ratio * math.exp(math.hypot(up[1], down[0])))


def limits(interval: Interval) -> tuple[float, float] | None:
    """The lower and the upper limit; None where there are none."""
    return None if interval.low is None or interval.high is None else (interval.low, interval.high)


def reaches(interval: Interval, low: float, high: float) -> bool:
    """Whether there is an interval and it has a point within `low` to `high`."""
    return interval.low is not None and interval.high is not None and interval.low <= high and interval.high >= low


def above(interval: Interval, value: float) -> bool:
    """Whether there is an interval and all of it is above `value`."""
    return interval.low is not None and interval.low > value


@dataclass(frozen=True)
class Share:
    """`hits` of `trials`, and the 95 % interval of the share behind it (Wilson)."""

    hits: int
    trials: int

    @classmethod
    def of(cls, outcomes: Sequence[bool]) -> Share:
        """The share of `outcomes` that are true."""
        return cls(sum(outcomes), len(outcomes))

    @property
    def value(self) -> float | None:
        """The share; None of no trials."""
        return self.hits / self.trials if self.trials else None

    @property
    def limits(self) -> tuple[float, float]:
        """The 95 % interval; of no trials everything is possible."""
        if not self.trials:
            return 0.0, 1.0
        share, weight = self.hits / self.trials, _Z**2 / self.trials
        middle = (share + weight / 2) / (1 + weight)
        half = _Z * math.sqrt(share * (1 - share) / self.trials + weight / (4 * self.trials)) / (1 + weight)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __add__(self, other: Share) -> Share:
        return Share(self.hits + other.hits, self.trials + other.trials)
