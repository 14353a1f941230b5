"""The geometric mean of ratios over cells, with its interval."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from invobench.judging.ratio import Ratio


@dataclass(frozen=True)
class Mean:
    """Geometric mean of the cells' ratios; no interval where one of them has none. `cells`: how many."""

    value: float
    low: float | None
    high: float | None
    cells: int


def geometric_mean(ratios: Sequence[Ratio]) -> Mean | None:
    """Of `ratios`, one a cell; None where there is none.

    Cells were measured by the same processes, and what makes one slow makes others slow. So each draw takes the same
    processes of every cell: ratios of one seed and as many processes have done so.
    """
    if not ratios:
        return None
    value = math.exp(statistics.fmean(math.log(one.value) for one in ratios))
    drawn = [one.drawn for one in ratios if one.drawn is not None]
    if len(drawn) < len(ratios) or len({one.draws for one in ratios}) > 1:
        return Mean(value, None, None, len(ratios))
    import numpy as np

    from invobench.judging import resample

    base, candidate = (np.mean([one[side] for one in drawn], axis=0) for side in (0, 1))
    fewest = (min(one.processes[0] for one in ratios), min(one.processes[1] for one in ratios))
    low, high = resample.interval(base, candidate, fewest, all(one.paired for one in ratios))
    return Mean(value, value * low, value * high, len(ratios))
