"""What the self-test aims for, and whether the numbers are there: pure, from what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from invobench import units
from invobench.measure.interval import Interval
from invobench.measure.selftest.ladder import EXACT, REPLICATES, Rung, smallest_told
from invobench.measure.selftest.peers import Agreement
from invobench.measure.selftest.ratio import Share, limits, reaches

BIAS = 0.005
COVERAGE = 0.93
SMALLEST = 1.05
AGREEMENT = 0.02
OVERHEAD = 0.10
#: of fewer repeats no share is taken for met
LEAST_REPEATS = 10


class Word(StrEnum):
    """`open`: what was found lies outside of the aim, but its 95 % interval reaches into it."""

    MET = "met"
    OPEN = "open"
    MISSED = "missed"


@dataclass(frozen=True)
class Verdict:
    """An aim, what was found for it, and what to do where it is not met (empty where it is)."""

    aim: str
    found: str
    word: Word
    advice: str = ""


@dataclass(frozen=True)
class Overhead:
    """A cell of `what`: seconds it took in all, and seconds of them within warm-up calls and samples.

    `aimed`: the aim is for it; else it is shown and has none.
    """

    what: str
    total_s: float
    inside_s: float
    aimed: bool = True

    @property
    def share(self) -> float:
        """The part that was spent on anything else."""
        return 1 - self.inside_s / self.total_s


def verdicts(
    rungs: Sequence[Rung], agreements: Sequence[Agreement], overheads: Sequence[Overhead]
) -> tuple[Verdict, ...]:
    """Every aim with its verdict. A comparison that was skipped has none."""
    return (
        _bias(rungs),
        *_coverage(rungs),
        _smallest(rungs),
        *_agreements(agreements),
        *_overheads(overheads),
    )


_QUIETEN = "end what else runs here (invobench doctor names what hurts) and repeat without --quick"
_COMPARE_REPLICATES = (
    f"this machine changes between cells by more than their intervals say: compare rows with measure.processes: "
    f"{REPLICATES}, not single cells"
)


def _verdict(aim: str, found: str, met: bool, possible: bool, advice: str) -> Verdict:
    word = Word.MET if met else Word.OPEN if possible else Word.MISSED
    return Verdict(aim, found, word, "" if met else advice)


def _bias(rungs: Sequence[Rung]) -> Verdict:
    worst = max(rungs, key=lambda rung: abs(rung.bias))
    reached = _may_reach(worst.measured, worst.ratio * (1 - BIAS), worst.ratio * (1 + BIAS))
    return _verdict(
        f"bias of a ratio within ± {units.percent(BIAS)}",
        f"{signed(worst.bias)} at {worst.ratio:.2f}",
        abs(worst.bias) <= BIAS,
        reached,
        _QUIETEN,
    )


def _coverage(rungs: Sequence[Rung]) -> Iterator[Verdict]:
    """One cell a side by whether the ratio is held exactly: what it misses by is how cells differ on this machine.

    Ten by whether it is held to EXACT: the loops themselves differ by that, and always the same way within a run.
    """
    single, replicated = [rung.single for rung in rungs], [rung.replicated for rung in rungs]
    yield _held("95 % intervals", [look.covered for look in single], "one cell a side", _COMPARE_REPLICATES)
    yield _held(
        f"95 % intervals, to {EXACT:.1%},",
        [look.near for look in replicated],
        f"{REPLICATES} cells a side in turn",
        _QUIETEN,
    )


def _held(intervals: str, shares: Sequence[Share], what: str, advice: str) -> Verdict:
    share = sum(shares, Share(0, 0))
    value, (low, high) = share.value, share.limits
    return _verdict(
        f"{intervals} hold the true ratio in at least {COVERAGE:.0%} of repeats, {what}",
        "no repeats" if value is None else f"{value:.1%} of {share.trials} ({low:.1%} to {high:.1%})",
        value is not None and value >= COVERAGE and share.trials >= LEAST_REPEATS,
        high >= COVERAGE,
        advice,
    )


def _smallest(rungs: Sequence[Rung]) -> Verdict:
    smallest = smallest_told(rungs, lambda rung: rung.replicated)
    possible = any(
        rung.ratio <= SMALLEST and rung.replicated.above_one.limits[1] >= COVERAGE for rung in rungs if rung.ratio > 1
    )
    return _verdict(
        f"{_step(SMALLEST)} told apart from no change in 95 % of repeats, {REPLICATES} cells a side in turn",
        "nothing told apart" if smallest is None else f"{_step(smallest)} told apart",
        smallest is not None and smallest <= SMALLEST,
        possible,
        _QUIETEN,
    )


def _step(ratio: float) -> str:
    return f"+{ratio - 1:.0%}"


def _agreements(agreements: Sequence[Agreement]) -> Iterator[Verdict]:
    ratios = [(item, item.ratio) for item in agreements]
    for peer in dict.fromkeys(item.peer for item in agreements if not item.skipped):
        mine = [(item, ratio) for item, ratio in ratios if item.peer == peer and ratio is not None]
        worst, ratio = max(mine, key=lambda pair: abs(pair[1].median - 1))
        yield _verdict(
            f"median within ± {units.percent(AGREEMENT)} of {peer}",
            f"{signed(ratio.median - 1)} ({worst.callable})",
            abs(ratio.median - 1) <= AGREEMENT,
            _may_reach(ratio, 1 - AGREEMENT, 1 + AGREEMENT),
            _QUIETEN,
        )


def _overheads(overheads: Sequence[Overhead]) -> Iterator[Verdict]:
    for item in (overhead for overhead in overheads if overhead.aimed):
        yield _verdict(
            f"overhead under {units.percent(OVERHEAD)}: {item.what}",
            f"{item.share:.1%} of {units.duration(item.total_s)}",
            item.share < OVERHEAD,
            False,
            "a longer measure.max_time_s or a smaller target_ci spends more of a cell on samples",
        )


def _may_reach(interval: Interval, low: float, high: float) -> bool:
    """Whether `interval` has a point within `low` to `high`; one that is not known may."""
    return limits(interval) is None or reaches(interval, low, high)


def signed(share: float) -> str:
    """A share with its sign: 0.0012 -> `+0.12 %`."""
    return f"{100 * share:+.2f} %"
