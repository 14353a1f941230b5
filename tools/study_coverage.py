"""How often the interval that `sample()` returns holds the true median: its stopping rule included, on fake clocks.

Usage: python tools/study_coverage.py [--repeats 5000] [--noise NAME...] [--jobs N] [--out FILE.csv]

Each repeat is one run of the real sampling loop (warm-up, stopping rule, interval) on a clock that reads a seeded
series whose true median is 1 call. `fixed` samples until the time is up, so that what differs between the two
columns is the stopping rule. The table is Markdown on stdout; the CSV has the same numbers.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import starmap
from multiprocessing import get_context
from pathlib import Path
from statistics import NormalDist, median

import numpy as np

from invobench.measure.clock import Clock, Run
from invobench.measure.noise import drifted, judge
from invobench.measure.sampling import Sampled, sample

Rng = np.random.Generator
#: durations in calls that the true median takes, of `count` calls one after another
Series = Callable[[Rng, int], np.ndarray]

CALL_S = 0.005
MAX_TIME_S = 2.0
TARGET_CI = 0.01
REPEATS = 5000
#: a 95 % interval should hold the truth in this share of repeats
AIM = (0.93, 0.97)


def _normal(sigma: float, rng: Rng, count: int) -> np.ndarray:
    return 1 + sigma * rng.standard_normal(count)


def _lognormal(sigma: float, rng: Rng, count: int) -> np.ndarray:
    return np.exp(sigma * rng.standard_normal(count))


def _ar1(phi: float, sigma: float, rng: Rng, count: int) -> np.ndarray:
    """exp of a stationary AR(1) of standard deviation sigma: each call remembers phi of the one before."""
    shocks = rng.standard_normal(count) * math.sqrt(1 - phi**2)
    shocks[0] = rng.standard_normal()
    values = np.empty(count)
    last = 0.0
    for index, shock in enumerate(shocks.tolist()):
        last = phi * last + shock
        values[index] = last
    return np.exp(sigma * values)


def _pareto(alpha: float, sigma: float, rng: Rng, count: int) -> np.ndarray:
    """A tail without a variance, shifted to the median 1."""
    return 1 + sigma * ((1 - rng.random(count)) ** (-1 / alpha) - 2 ** (1 / alpha))


def _contaminated(sigma: float, share: float, factor: float, rng: Rng, count: int) -> np.ndarray:
    """Normal, but `share` of the calls take `factor` times as long; divided by the mixture's median."""
    values = _normal(sigma, rng, count)
    values[rng.random(count) < share] *= factor
    return values / (1 + sigma * NormalDist().inv_cdf(0.5 / (1 - share)))


def _bimodal(sigma: float, share: float, apart: float, rng: Rng, count: int) -> np.ndarray:
    """`share` of the calls are slower by `apart`: far enough that the median lies in the fast mode."""
    values = _normal(sigma, rng, count)
    values[rng.random(count) < share] += apart
    return values / (1 + sigma * NormalDist().inv_cdf(0.5 / (1 - share)))


def _drift(sigma: float, whole: float, rng: Rng, count: int) -> np.ndarray:
    """Slower and slower: by `whole` after MAX_TIME_S. The truth is the level at the start."""
    return _normal(sigma, rng, count) * (1 + whole * np.arange(count) * CALL_S / MAX_TIME_S)


NOISES: Mapping[str, Series] = {
    "normal 1 %": partial(_normal, 0.01),
    "normal 3 %": partial(_normal, 0.03),
    "normal 10 %": partial(_normal, 0.1),
    "lognormal 3 %": partial(_lognormal, 0.03),
    "lognormal 30 %": partial(_lognormal, 0.3),
    "AR(1) 0.5, 3 %": partial(_ar1, 0.5, 0.03),
    "AR(1) 0.9, 3 %": partial(_ar1, 0.9, 0.03),
    "Pareto 1.5, 3 %": partial(_pareto, 1.5, 0.03),
    "5 % of calls ×10, 3 %": partial(_contaminated, 0.03, 0.05, 10.0),
    "bimodal 60:40 at +10 %, 1 %": partial(_bimodal, 0.01, 0.4, 0.1),
    "drift +1 % in 2 s, 3 %": partial(_drift, 0.03, 0.01),
    "drift +5 % in 2 s, 3 %": partial(_drift, 0.03, 0.05),
}


class FakeClock(Clock):
    """Reads a series, starting anew with more of it where it ends; `now` is the time that has passed."""

    name = "fake"
    resolution_s = 0.0

    def __init__(self, series: Series, rng: Rng) -> None:
        self._calls = self._read(series, rng)
        self.passed = 0.0

    @staticmethod
    def _read(series: Series, rng: Rng) -> Iterator[float]:
        while True:
            yield from (series(rng, 1024) * CALL_S).tolist()

    def time(self, run: Run, loops: int) -> float:
        """The next `loops` calls of the series."""
        spent = sum(next(self._calls) for _ in range(loops))
        self.passed += spent
        return spent

    def now(self) -> float:
        """Seconds of calls that have been read."""
        return self.passed


@dataclass(frozen=True)
class Found:
    """What came of the repeats with one noise: shares of repeats, and a half-width relative to the median.

    `noisy`: a row would be marked so, `drifted`: and its message says that the samples drifted.
    """

    noise: str
    target_ci: float
    repeats: int
    coverage: float
    noisy: float
    drifted: float
    median_samples: float
    median_half_width: float

    @property
    def within_aim(self) -> bool:
        """Whether the coverage is what a 95 % interval should have."""
        return AIM[0] <= self.coverage <= AIM[1]


def one(series: Series, rng: Rng, target_ci: float) -> Sampled:
    """One run of the sampling loop."""
    clock = FakeClock(series, rng)
    return sample(clock, lambda: None, target_ci=target_ci, max_time_s=MAX_TIME_S, now=clock.now)


def study(noise: str, target_ci: float, repeats: int) -> Found:
    """`repeats` runs with one noise. Seeded by its name: other noises and repeats do not change it."""
    rng = np.random.default_rng(zlib.crc32(noise.encode()))
    runs = [one(NOISES[noise], rng, target_ci) for _ in range(repeats)]
    return Found(
        noise,
        target_ci,
        repeats,
        coverage=sum(_covers(run) for run in runs) / repeats,
        noisy=sum(judge(run, TARGET_CI)[0] == "noisy" for run in runs) / repeats,
        drifted=sum(drifted(run) for run in runs) / repeats,
        median_samples=median(len(run.samples_s) for run in runs),
        median_half_width=median(run.interval.relative for run in runs),
    )


def _covers(run: Sampled) -> bool:
    low, high = run.interval.low, run.interval.high
    return low is not None and high is not None and low <= CALL_S <= high


def markdown(found: list[Found]) -> str:
    """A line a noise: coverage to the end of the time and with the stopping rule, and what the rule did."""
    by_noise: dict[str, dict[float, Found]] = {}
    for item in found:
        by_noise.setdefault(item.noise, {})[item.target_ci] = item
    lines = [
        "| noise of a call | coverage, fixed time | coverage, stopping rule | aim 93–97 % | noisy | drifted | samples "
        "| ± |",
        "|:--|--:|--:|:--|--:|--:|--:|--:|",
    ]
    for noise, items in by_noise.items():
        rule = items[TARGET_CI]
        fixed = f"{items[0.0].coverage:.1%}" if 0.0 in items else ""
        lines.append(
            f"| {noise} | {fixed} | {rule.coverage:.1%} | {_aim(rule)} | {rule.noisy:.0%} | {rule.drifted:.0%} "
            f"| {rule.median_samples:g} | {rule.median_half_width:.2%} |"
        )
    return "\n".join(lines)


def _aim(found: Found) -> str:
    if found.within_aim:
        return "met"
    return "missed: too wide" if found.coverage > AIM[1] else "**missed**"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--noise", nargs="*", default=list(NOISES), choices=list(NOISES))
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    jobs = [(noise, target, asked.repeats) for noise in asked.noise for target in (0.0, TARGET_CI)]
    if asked.jobs == 1:
        found = list(starmap(study, jobs))
    else:
        with ProcessPoolExecutor(asked.jobs, get_context("spawn")) as pool:
            found = list(pool.map(study, *zip(*jobs, strict=True)))
    print(markdown(found))
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        with asked.out.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(asdict(found[0])), lineterminator="\n")
            writer.writeheader()
            writer.writerows(asdict(item) for item in found)


if __name__ == "__main__":
    main(sys.argv[1:])
