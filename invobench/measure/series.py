"""What a series of samples looks like in the order in which it was taken: outliers, drift, trend."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

#: Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993
_OUTLYING = 3.5
_NORMAL_MAD = 0.6745
_Z = 1.959964


def outliers(samples: Sequence[float]) -> int:
    """Samples whose modified z-score is over 3.5: their distance from the median in deviations by the MAD.

    0 where the MAD is 0, since then there is no scale to measure by. They are counted and stay where they are.
    """
    median = statistics.median(samples)
    distances = [abs(value - median) for value in samples]
    mad = statistics.median(distances)
    return sum(_NORMAL_MAD * distance > _OUTLYING * mad for distance in distances) if mad else 0


def drift(samples: Sequence[float]) -> float | None:
    """median(second half) / median(first half) - 1; a middle sample is in neither. None of fewer than two."""
    half = len(samples) // 2
    if not half:
        return None
    first = statistics.median(samples[:half])
    return statistics.median(samples[-half:]) / first - 1 if first else None


def has_trend(samples: Sequence[float]) -> bool:
    """Whether `samples` rise or fall, by Mann and Kendall's test at 5 %.

    The variance is that of samples without ties, which is too large where there are some: ties are no trend.
    """
    count = len(samples)
    pairs = ((a, b) for place, a in enumerate(samples) for b in samples[place + 1 :])
    rises = sum((b > a) - (b < a) for a, b in pairs)
    deviation = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    return abs(rises) - 1 > _Z * deviation
