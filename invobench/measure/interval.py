"""The 95 % interval of the median by order statistics: no distribution is assumed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

#: fewer samples have no two-sided 95 % interval of the median by order statistics
MIN_SAMPLES = 6
_TAIL = 0.025


@dataclass(frozen=True)
class Interval:
    """A median and its interval; `low` and `high` are None where there are too few samples."""

    median: float
    low: float | None
    high: float | None

    @property
    def relative(self) -> float:
        """Half the interval's width over the median; infinite where there is no interval."""
        if self.low is None or self.high is None:
            return math.inf
        return (self.high - self.low) / 2 / self.median if self.median else 0.0


@lru_cache(maxsize=4096)
def lower_rank(samples: int) -> int:
    """The largest k with P(Binomial(n, 1/2) < k) <= 2.5 %: the interval is the k-th sample from each end.

    0 where there is none. (David and Nagaraja, Order Statistics, section 7.1.)
    """
    log_half = samples * math.log(0.5)
    below = 0.0
    for k in range(samples // 2 + 1):
        log_choose = math.lgamma(samples + 1) - math.lgamma(k + 1) - math.lgamma(samples - k + 1)
        below += math.exp(log_choose + log_half)
        if below > _TAIL:
            return k
    return samples // 2


def median_interval(samples: Sequence[float]) -> Interval:
    """The median of `samples` (at least one) and its 95 % interval."""
    ordered = sorted(samples)
    rank = lower_rank(len(ordered))
    median = statistics.median(ordered)
    if rank == 0:
        return Interval(median, None, None)
    return Interval(median, ordered[rank - 1], ordered[-rank])
