"""The samples that were kept: whether they are enough, and how many to take next."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from invobench.measure.clock.base import Block
from invobench.measure.interval import MIN_SAMPLES, median_interval
from invobench.measure.nvml import Reading
from invobench.measure.resources import Usage
from invobench.measure.warmup import LEAST

#: samples enough for any interval that more of them would narrow; more are taken where `min_samples` asks for them
MAX_SAMPLES = 10_000
_BLOCK = 5
_GROWTH = 1 / 4


@dataclass
class Taking:
    """The samples so far, what they took, and how many the next block has."""

    max_time_s: float
    cost_s: float
    min_samples: int
    samples: list[float] = field(default_factory=list)
    spent_s: float = 0.0
    usage: Usage | None = None
    readings: list[Reading] = field(default_factory=list)

    def keep(self, block: Block, took_s: float) -> None:
        """Add the samples of a block that took `took_s` with all that is done around them."""
        self.samples += block.samples_s
        self.spent_s += took_s
        self.cost_s = self.spent_s / len(self.samples)
        if block.usage is not None:
            self.usage = (self.usage or Usage()) + block.usage
        if block.reading is not None:
            self.readings.append(block.reading)

    @property
    def most(self) -> int:
        """As many samples as are ever taken."""
        return max(MAX_SAMPLES, self.min_samples)

    @property
    def is_over(self) -> bool:
        """Whether time is up, or there are as many samples as are ever taken."""
        limit_s = self.max_time_s if len(self.samples) >= MIN_SAMPLES else 3 * self.max_time_s
        return self.spent_s >= limit_s or len(self.samples) >= self.most

    def is_narrow(self, target_ci: float) -> bool:
        """Whether the interval is narrow, of samples enough, over time enough."""
        interval = median_interval(self.samples)
        worth = len(self.samples) / interval.correlation
        return interval.relative <= target_ci and worth >= self.min_samples and self.spent_s >= LEAST * self.max_time_s

    def next_count(self) -> int:
        """A quarter more samples, at first `min_samples`, as far as they fit a quarter of the time and what is left."""
        count = max(_BLOCK, math.ceil(_GROWTH * len(self.samples))) if self.samples else self.min_samples
        if self.cost_s > 0:
            fit = min(self.max_time_s / 4, self.max_time_s - self.spent_s) / self.cost_s
            count = min(count, max(1, int(fit)))
        return min(count, self.most - len(self.samples))
