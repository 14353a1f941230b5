"""The 95 % interval of the median by order statistics: no distribution is assumed, and correlation is allowed for.

Order statistics take samples to be independent. Samples of one process seldom are: a processor that clocks down is
slow for many samples in a row. So the ranks are widened by what the samples' signs (above or below the median) say:
n correlated samples are worth n / `correlation` independent ones, where `correlation` = 1 + 2 Σ ρ(k) over the signs'
autocorrelations at lags 1, 2, ... up to the first that is not positive (Geyer, Statistical Science 7, 1992, section
3.3, truncated lag by lag). Signs, because their correlation is just what the variance of a median depends on, and
because no outlier can dominate them. That `correlation` is itself an estimate is allowed for with Student's t for
Normal's z. Where samples are worth too few independent ones for ranks (a series that only rises is worth three), the
interval is three times their range: what three normal samples need, t(2) / sqrt(3) over half their mean range. Under 20
samples correlation cannot be seen and is not looked for.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from invobench.judging.student import Z, student

#: fewer samples have no two-sided 95 % interval of the median by order statistics
MIN_SAMPLES = 6
#: the names of the methods, as rows have them
METHOD = "order statistics of samples"
RANGE_METHOD = "three times the range of samples"
_TAIL = 0.025
_CORRELATED_FROM = 20
_RANGES = 3


@dataclass(frozen=True)
class Interval:
    """A median and its interval; `low` and `high` are None where there are too few samples.

    `correlation`: how many of the samples are worth one independent sample; 1 where they are independent. `method`: how
    the interval was found.
    """

    median: float
    low: float | None
    high: float | None
    correlation: float = 1.0
    method: str = METHOD

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
    """The median of `samples` (at least one, none negative, in the order they were taken) and its 95 % interval."""
    ordered = sorted(samples)
    median = statistics.median(ordered)
    correlation = correlation_of(samples, median) if len(samples) >= _CORRELATED_FROM else 1.0
    rank = _widened(lower_rank(len(ordered)), len(ordered), correlation)
    if rank >= 1:
        return Interval(median, ordered[rank - 1], ordered[-rank], correlation)
    if len(ordered) < MIN_SAMPLES:
        return Interval(median, None, None, correlation)
    low, high = median - _RANGES * (median - ordered[0]), median + _RANGES * (ordered[-1] - median)
    return Interval(median, max(0.0, low), high, correlation, RANGE_METHOD)


def correlation_of(samples: Sequence[float], median: float) -> float:
    """1 + 2 Σ ρ(k) of the signs of `samples` about their median; at least 1.

    The signs' mean is taken off: it is not 0 where samples equal the median. Each ρ(k) has 1/n added: taking the
    median from the same samples makes it too small by about that.
    """
    count = len(samples)
    above = _bits(value > median for value in samples)
    below = _bits(value < median for value in samples)
    mean = (above.bit_count() - below.bit_count()) / count
    variance = (above.bit_count() + below.bit_count()) / count - mean**2
    total = 1.0
    for lag in range(1, count // 2 if variance > 0 else 0):
        same = (above & above >> lag).bit_count() + (below & below >> lag).bit_count()
        other = (above & below >> lag).bit_count() + (below & above >> lag).bit_count()
        rho = ((same - other) / count - (count - lag) / count * mean**2) / variance + 1 / count
        if rho <= 0:
            break
        total += 2 * rho
    return total


def _bits(flags: Iterable[bool]) -> int:
    """Flags as the digits of one number: what they have in common with themselves, shifted, is one operation then."""
    return int("0" + "".join("01"[flag] for flag in flags), 2)


def _widened(rank: int, samples: int, correlation: float) -> int:
    """`rank` moved outwards as the median's variance grows; 0 where too few samples are left of it."""
    if correlation <= 1 or rank < 1:
        return rank
    worth = samples / correlation
    if worth < MIN_SAMPLES:
        return 0
    factor = math.sqrt(correlation) * student(worth - 1) / Z
    return max(0, math.floor(samples / 2 - (samples / 2 - rank) * factor))
