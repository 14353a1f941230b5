"""The bootstrap over processes: medians of processes drawn with replacement, and the interval that they make.

The statistic is the median of all samples of a side, each process counting the same however many samples it took. A
draw takes as many processes as there are, some of them more than once, with all their samples. Differences are those
of logarithms, so that an interval does not depend on which side is called the base.

Few processes differ by less than all processes would, and quantiles of draws know nothing of it: of ten processes a
side, plain percentile intervals leave the truth out in 6 to 10 of 100 cases instead of 5
(`tools/study_gate_simulated.py`). So distances from the ratio are widened by √(n / (n − 1)), as a variance is by the
degree of freedom that its mean costs, and by Student's t over the normal distribution's z (Hesterberg, What Teachers
Should Know about the Bootstrap, The American Statistician 69, 2015, on why intervals of few samples are narrow).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from invobench.judging.student import Z, student

Array = NDArray[np.float64]

#: of a process with more samples, this many evenly spaced quantiles stand for them in draws
MOST_SAMPLES = 200
#: shares of processes are sums of fractions
_ROUNDING = 1e-9
_TAILS = (0.025, 0.975)


def arrays(side: Sequence[Sequence[float]]) -> list[Array]:
    """Each process's samples in ascending order. Raises ValueError where they are not finite times over 0."""
    found = [np.sort(np.asarray(process, dtype=np.float64)) for process in side]
    if not found or not all(len(process) and process[0] > 0 and math.isfinite(process[-1]) for process in found):
        raise ValueError("a side is processes, each with samples that are finite times over 0")
    return found


def median(processes: Sequence[Array]) -> float:
    """The median of all samples, each process counting the same."""
    return float(_medians(_table(processes), np.ones((1, len(processes))))[0])


def drawn_counts(counts: tuple[int, int], paired: bool, seed: int, draws: int) -> tuple[Array, Array]:
    """How often each draw takes each process of base and candidate, [draws, processes]; the same where `paired`."""
    rng = np.random.default_rng(seed)
    base = _counts(rng, counts[0], draws)
    return base, base if paired else _counts(rng, counts[1], draws)


def log_medians(processes: Sequence[Array], counts: Array) -> Array:
    """The logarithm of the median in each draw, less that of all processes: [draws]."""
    table = _table([_shortened(process) for process in processes])
    whole = _medians(table, np.ones((1, len(processes))))
    found: Array = np.log(_medians(table, counts) / whole)
    return found


def interval(base: Array, candidate: Array, counts: tuple[int, int], paired: bool) -> tuple[float, float]:
    """The 95 % interval as factors of the ratio, from the `log_medians` of both sides and their processes."""
    low, high = np.quantile(candidate - base, _TAILS)
    widening = _widening(float(base.var()), float(candidate.var()), counts, paired)
    return math.exp(widening * low), math.exp(widening * high)


def _widening(base: float, candidate: float, counts: tuple[int, int], paired: bool) -> float:
    """By how much few processes make an interval too narrow, given the variances of draws of both sides.

    Pairs have one process less than there are as degrees of freedom, sides by themselves Welch's.
    """
    if paired:
        return math.sqrt(counts[0] / (counts[0] - 1)) * student(counts[0] - 1) / Z
    if base + candidate == 0:
        return 1.0
    wider = [variance * n / (n - 1) for variance, n in zip((base, candidate), counts, strict=True)]
    freedom = sum(wider) ** 2 / sum(variance**2 / (n - 1) for variance, n in zip(wider, counts, strict=True))
    return math.sqrt(sum(wider) / (base + candidate)) * student(freedom) / Z


def _counts(rng: np.random.Generator, processes: int, draws: int) -> Array:
    drawn = rng.integers(0, processes, (draws, processes)) + processes * np.arange(draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * processes).reshape(draws, processes).astype(np.float64)


def _shortened(process: Array) -> Array:
    if len(process) <= MOST_SAMPLES:
        return process
    return np.quantile(process, (np.arange(MOST_SAMPLES) + 0.5) / MOST_SAMPLES)


@dataclass(frozen=True)
class _Table:
    """All samples in ascending order, which process each is of, and the share of each process's up to it.

    `shares`: [samples, processes].
    """

    values: Array
    owners: NDArray[np.int64]
    shares: Array


def _table(processes: Sequence[Array]) -> _Table:
    values = np.concatenate(processes)
    lengths = np.asarray([len(process) for process in processes])
    order = np.argsort(values, kind="stable")
    owners = np.repeat(np.arange(len(processes)), lengths)[order]
    shares = np.zeros((len(values), len(processes)))
    shares[np.arange(len(values)), owners] = 1 / lengths[owners]
    return _Table(values[order], owners, np.cumsum(shares, axis=0))


def _medians(table: _Table, counts: Array) -> Array:
    """The median of each draw; between two samples where exactly half lie below, as medians are."""
    half = counts.shape[1] / 2
    lower = _first(table.shares, counts, half - _ROUNDING)
    upper = lower.copy()
    open_ = np.flatnonzero(_below(table.shares, counts, lower) <= half + _ROUNDING)
    while len(open_):  # the next sample of a process that was drawn
        upper[open_] += 1
        open_ = open_[counts[open_, table.owners[upper[open_]]] == 0]
    return (table.values[lower] + table.values[upper]) / 2


def _first(shares: Array, counts: Array, wanted: float) -> NDArray[np.int64]:
    """The first sample up to which a draw has `wanted` processes' worth of samples: [draws].

    Among every `step`-th sample first, then by halving what is between two of them. (No product of matrices: BLAS takes
    all processors for it, from whoever is being measured.)
    """
    step = 1 << (len(shares).bit_length() // 2)
    coarse = np.einsum("dp,kp->dk", counts, shares[step - 1 :: step])
    high = step * np.count_nonzero(coarse < wanted, axis=1) + step - 1
    low: NDArray[np.int64] = high - step + 1
    high = np.minimum(high, len(shares) - 1)
    for _ in range(step.bit_length()):
        middle = (low + high) // 2
        is_below = _below(shares, counts, middle) < wanted
        low = np.where(is_below, np.minimum(middle + 1, high), low)
        high = np.where(is_below, high, middle)
    return low


def _below(shares: Array, counts: Array, samples: NDArray[np.int64]) -> Array:
    """How many processes' worth of samples each draw has up to its one of `samples`: [draws]."""
    found: Array = np.einsum("dp,dp->d", counts, shares[samples])
    return found
