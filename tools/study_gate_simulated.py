"""How often a gate's interval of a ratio is wrong, on simulated processes: false alarms, misses, coverage.

Usage, from the repository: python -m tools.study_gate_simulated [--trials 1000] [--jobs N] [--out FILE.csv]

Processes are those of `tools/gate_worlds.py`. Three tables, as Markdown on stdout and as one CSV:
figures that were found before by other code, held against the code of gates; the coverage of ways to find an
interval, of which gates use "pooled, widened"; and verdicts of a gate that looks again as it takes more processes.
Everything is seeded: the numbers are the same on every machine.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from invobench.judging import resample
from invobench.judging.looks import until_next
from invobench.judging.ratio import DRAWS, ratio_of_medians
from invobench.judging.timing import timing
from invobench.judging.verdicts import Verdict
from invobench.spec.gate import Thresholds
from tools.gate_worlds import DRIFT, NOISE, PLAIN, SAMPLES, WORLDS, Array, Rng, seeded, sides

TRIALS = 1000
OUT = Path("reports/gate/simulated.csv")
THRESHOLD = 0.05
PROCESSES = (6, 10, 20)
Z = 1.959964
_THRESHOLDS = Thresholds(latency=f"{THRESHOLD:.0%}", floor_s=0.0)  # as a spec has it


# Figures that were found before


@dataclass(frozen=True)
class Figure:
    """A share of `trials` of something. `before`: what was found in 400 trials of other code."""

    what: str
    before: float
    found: float
    trials: int

    @property
    def sigmas(self) -> float:
        """How far apart both are, in standard deviations of the difference of two binomial shares."""
        pooled = (self.before * BEFORE + self.found * self.trials) / (BEFORE + self.trials)
        return abs(self.found - self.before) / math.sqrt(pooled * (1 - pooled) * (1 / BEFORE + 1 / self.trials))


#: trials of each figure that was found before
BEFORE = 400


def mann_whitney(rng: Rng, trials: int) -> float:
    """How often the test on the samples of one process a side says at 5 % that equal sides differ."""
    base, candidate = _single(rng, trials)
    ranks = np.argsort(np.argsort(np.concatenate([base, candidate], axis=1), axis=1), axis=1) + 1
    wins = ranks[:, SAMPLES:].sum(axis=1) - SAMPLES * (SAMPLES + 1) / 2
    deviation = math.sqrt(SAMPLES * SAMPLES * (2 * SAMPLES + 1) / 12)
    return float(np.mean(np.abs(wins - SAMPLES * SAMPLES / 2) > Z * deviation))


def point_estimate(rng: Rng, trials: int) -> float:
    """How often the ratio of medians of one process a side is over the threshold with equal sides."""
    base, candidate = _single(rng, trials)
    return float(np.mean(np.median(candidate, axis=1) / np.median(base, axis=1) > 1 + THRESHOLD))


def _single(rng: Rng, trials: int) -> tuple[Array, Array]:
    """Samples of one process a side: [trials, SAMPLES]."""
    base, candidate = sides(rng, WORLDS[PLAIN], trials)
    return base, candidate


def regressed(ratio: float, paired: bool, rng: Rng, trials: int) -> float:
    """How often ten processes a side are judged `regressed`, as gates judge."""
    verdicts = [verdict(*sides(rng, WORLDS[PLAIN], 10, ratio), paired) for _ in range(trials)]
    return verdicts.count(Verdict.REGRESSED) / trials


def plainly_over(ratio: float, rng: Rng, trials: int) -> float:
    """How often the plain percentile interval of ten processes a side, of 25 samples each, lies over the threshold."""
    found = 0
    for trial in range(trials):
        pair = sides(rng, WORLDS[PLAIN], 10, ratio, SAMPLES // 2)
        taken = resample.drawn_counts((10, 10), False, trial, DRAWS)
        rows = [resample.arrays(side.tolist()) for side in pair]
        drawn = (resample.log_medians(rows[0], taken[0]), resample.log_medians(rows[1], taken[1]))
        value = math.log(np.median(pair[1]) / np.median(pair[0]))
        found += bool(_percentile(value, drawn, 10, False)[0] > math.log(1 + THRESHOLD))
    return found / trials


def verdict(base: Array, candidate: Array, paired: bool) -> Verdict:
    """What a gate says of these samples."""
    check = timing(ratio_of_medians(base.tolist(), candidate.tolist(), paired=paired), _THRESHOLDS)
    assert check is not None
    return check.verdict


#: figure -> the share found before, and what finds it here
FIGURES: Mapping[str, tuple[float, Callable[[Rng, int], float]]] = {
    "no change, Mann–Whitney on the samples of a process a side: says `different`": (0.52, mann_whitney),
    "no change, the ratio of their medians: over 5 %": (0.065, point_estimate),
    "ten processes a side, real +5 %: `regressed`": (0.038, partial(regressed, 1.05, False)),
    "ten processes a side, real +8 %: `regressed`": (0.775, partial(regressed, 1.08, False)),
    "the same by plain percentiles, 25 samples a process, real +5 %": (0.038, partial(plainly_over, 1.05)),
    "the same by plain percentiles, 25 samples a process, real +8 %": (0.775, partial(plainly_over, 1.08)),
}


def figure(what: str, trials: int) -> Figure:
    """One figure of FIGURES."""
    before, find = FIGURES[what]
    return Figure(what, before, find(seeded(what), trials), trials)


# Coverage of ways to find an interval


@dataclass(frozen=True)
class Coverage:
    """How often an interval lies above and below the true ratio; 2.5 % each is what 95 % promise.

    At the threshold, `above` is a false `regressed` and `below` a false `pass`. `half`: half its width, relative.
    `passes`: how often its upper end is within the threshold when nothing changed; `caught`: how often its lower end
    is over the threshold when the truth is 8 %.
    """

    world: str
    processes: int
    paired: bool
    method: str
    trials: int
    above: float
    below: float
    half: float
    passes: float
    caught: float


#: logarithms of low and high, from a ratio's logarithm, the draws of both sides, processes a side and whether paired
Method = Callable[[float, tuple[Array, Array], int, bool], tuple[float, float]]


def _percentile(value: float, drawn: tuple[Array, Array], processes: int, paired: bool) -> tuple[float, float]:
    low, high = np.quantile(drawn[1] - drawn[0], (0.025, 0.975))
    return value + low, value + high


def _widened(value: float, drawn: tuple[Array, Array], processes: int, paired: bool) -> tuple[float, float]:
    low, high = resample.interval(*drawn, (processes, processes), paired)
    return value + math.log(low), value + math.log(high)


#: method -> whether processes count with their medians only, and how the interval follows from the draws
METHODS: Mapping[str, tuple[bool, Method]] = {
    "pooled, percentile": (False, _percentile),
    "pooled, widened": (False, _widened),
    "process medians, percentile": (True, _percentile),
    "process medians, widened": (True, _widened),
}
USED = "pooled, widened"


def coverage(world: str, processes: int, paired: bool, trials: int) -> list[Coverage]:
    """Every method on the same `trials`. The truth is a ratio of 1: others only multiply (a test says so)."""
    rng = seeded(world, processes)
    found: dict[str, list[tuple[float, float]]] = {method: [] for method in METHODS}
    for trial in range(trials):
        pair = sides(rng, WORLDS[world], processes)
        counts = resample.drawn_counts((processes, processes), paired, trial, DRAWS)
        for by_medians in (False, True):
            inner = [np.median(side, axis=1)[:, None] if by_medians else side for side in pair]
            value = math.log(np.median(inner[1]) / np.median(inner[0]))
            rows = [resample.arrays(side.tolist()) for side in inner]
            drawn = (resample.log_medians(rows[0], counts[0]), resample.log_medians(rows[1], counts[1]))
            for method, (takes_medians, make) in METHODS.items():
                if takes_medians == by_medians:
                    found[method].append(make(value, drawn, processes, paired))
    return [_summed(world, processes, paired, method, np.array(limits)) for method, limits in found.items()]


def _summed(world: str, processes: int, paired: bool, method: str, limits: Array) -> Coverage:
    low, high, allowed = limits[:, 0], limits[:, 1], math.log(1 + THRESHOLD)
    return Coverage(
        world,
        processes,
        paired,
        method,
        len(limits),
        above=float(np.mean(low > 0)),
        below=float(np.mean(high < 0)),
        half=float(np.median((np.exp(high) - np.exp(low)) / 2)),
        passes=float(np.mean(high <= allowed)),
        caught=float(np.mean(low + math.log(1.08) > allowed)),
    )


# Looking again


@dataclass(frozen=True)
class Looks:
    """Verdicts of gates that look at ten processes a side and, while it is open, at more of them, up to `most`."""

    ratio: float
    most: int
    trials: int
    passed: float
    regressed: float
    undecided: float
    processes: float


RATIOS = (1.0, 1.02, 1.04, 1.05, 1.06, 1.08, 1.15)
MOST = (10, 40)


def looks(ratio: float, most: int, trials: int) -> Looks:
    """`trials` gates of pairs; `processes`: a side in the mean."""
    rng = seeded("looks", ratio)
    ended: list[tuple[Verdict, int]] = []
    for _ in range(trials):
        base, candidate = sides(rng, WORLDS[PLAIN], max(MOST), ratio)
        processes, before = 10, Verdict.INCONCLUSIVE
        while True:
            said = verdict(base[:processes], candidate[:processes], paired=True)
            is_open = said is Verdict.INCONCLUSIVE or (said is Verdict.REGRESSED and before is not said)
            if not is_open or processes >= most:
                break
            processes, before = min(most, processes + until_next(processes)), said
        ended.append((said, processes))
    verdicts = [said for said, _ in ended]
    shares = [
        sum(said in ones for said in verdicts) / trials
        for ones in ({Verdict.PASS, Verdict.IMPROVED}, {Verdict.REGRESSED}, {Verdict.INCONCLUSIVE})
    ]
    return Looks(ratio, most, trials, *shares, processes=sum(count for _, count in ended) / trials)


# Output


def markdown_figures(found: Sequence[Figure]) -> str:
    """Found before and found here, side by side."""
    lines = ["| of simulated gates, threshold +5 % | before (400) | here | apart |", "|:--|--:|--:|--:|"]
    for one in found:
        here = f"{one.found:.1%} of {one.trials:,}"
        lines.append(f"| {one.what} | {one.before:.1%} | {here} | {one.sigmas:.1f} σ |")
    return "\n".join(lines)


def markdown_coverage(found: Sequence[Coverage]) -> str:
    """A line a world, processes and drawing; for each method how often the truth lies below and above it, and ±."""
    lines = [
        f"| processes deviate by | a side | drawn | {' | '.join(METHODS)} | passes at 1.00 | +8 % caught |",
        f"|:--|--:|:--|{'--:|' * (len(METHODS) + 2)}",
    ]
    by_line: dict[tuple[str, int, bool], dict[str, Coverage]] = {}
    for one in found:
        by_line.setdefault((one.world, one.processes, one.paired), {})[one.method] = one
    for (world, processes, paired), methods in by_line.items():
        cells = " | ".join(f"{one.above:.1%} / {one.below:.1%}, ±{one.half:.1%}" for one in methods.values())
        used, drawn = methods[USED], "pairs" if paired else "sides"
        lines.append(f"| {world} | {processes} | {drawn} | {cells} | {used.passes:.1%} | {used.caught:.1%} |")
    return "\n".join(lines)


def markdown_looks(found: Sequence[Looks]) -> str:
    """A line a true ratio, and how many processes a side a gate may take."""
    lines = [
        "| true ratio | most processes a side | pass | regressed | inconclusive | processes taken |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for one in found:
        shares = " | ".join(f"{share:.1%}" for share in (one.passed, one.regressed, one.undecided))
        lines.append(f"| {one.ratio:.2f} | {one.most} | {shares} | {one.processes:.1f} |")
    return "\n".join(lines)


def markdown(figures: Sequence[Figure], covers: Sequence[Coverage], again: Sequence[Looks]) -> str:
    """The whole section."""
    trials = f"{covers[0].trials:,}"
    samples = f"{SAMPLES} samples, whose logarithms scatter by {NOISE:.0%} about its level"
    return f"""A process takes {samples}; levels scatter by {DRIFT:.0%}.
Figures that were found before by other code, in {BEFORE} trials, and here by the code of gates. Of the earlier trials
the scatter of samples was not written down, nor how many a process took, nor what kind of interval it was: {NOISE:.0%}
follows from the first two figures, and {SAMPLES} samples fit the fourth. The last two lines are another reading that
fits, plain percentiles over fewer samples; the interval of gates is wider than those on purpose, and so says
`regressed` less often at the threshold:

{markdown_figures(figures)}

**Coverage.** How often an interval lies above / below the true ratio, 2.5 % / 2.5 % being what 95 % promise, and half
its width; {trials} trials each. At the threshold, *above* is a false `regressed` and *below* a false `pass`. The
last two columns are those of *{USED}*, which gates use.

{markdown_coverage(covers)}

**Looking again.** A gate judges at ten processes a side and, while it cannot tell, at 14, 20, 28 and 40; what is
`regressed` must be so at the next look too. Processes are drawn as pairs. Each look is another chance to err, which
counts where the truth is next to the threshold:

{markdown_looks(again)}
"""


#: kind -> what studies one of them
STUDIES: Mapping[str, Callable[..., list[Figure] | list[Coverage] | list[Looks]]] = {
    "figure": lambda what, trials: [figure(what, trials)],
    "coverage": coverage,
    "looks": lambda ratio, most, trials: [looks(ratio, most, trials)],
}
Job = tuple[str, tuple[object, ...]]


def run(job: Job) -> tuple[str, list[Figure] | list[Coverage] | list[Looks]]:
    """A job's kind and what came of it."""
    kind, arguments = job
    return kind, STUDIES[kind](*arguments)


def jobs(trials: int) -> list[Job]:
    """Everything there is to study."""
    return [
        *(("figure", (what, trials)) for what in FIGURES),
        *(("coverage", (*what, trials)) for what in product(WORLDS, PROCESSES, (False, True))),
        *(("looks", (*what, trials)) for what in product(RATIOS, MOST)),
    ]


def write_csv(path: Path, found: Mapping[str, Sequence[Figure | Coverage | Looks]]) -> None:
    """All of it as one table: a column for every field, empty where a kind has no such."""
    columns = dict.fromkeys(["kind", *(field.name for one in (Figure, Coverage, Looks) for field in fields(one))])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows({"kind": kind, **asdict(one)} for kind, ones in found.items() for one in ones)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args(arguments)
    wanted, found = jobs(asked.trials), {kind: [] for kind in STUDIES}
    if asked.jobs == 1:
        done = list(map(run, wanted))
    else:
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the processes below
        with ProcessPoolExecutor(asked.jobs, get_context("spawn")) as pool:
            done = list(pool.map(run, wanted))
    for kind, ones in done:
        found[kind].extend(ones)
    print(markdown(found["figure"], found["coverage"], found["looks"]), end="")
    write_csv(asked.out, found)


if __name__ == "__main__":
    main(sys.argv[1:])
