"""Gates drawn from the rounds of a self-test: what each would have said (pure, no torch)."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from invobench.judging.judge import judge
from invobench.judging.side import Rules, Side
from invobench.judging.verdicts import Check, Identity, Subject, Verdict
from invobench.results import Row
from invobench.runner.gate.job import Target
from invobench.runner.gate.request import Rate, SelftestCell
from invobench.spec.gate import Thresholds

#: the share of gates of A against A that pass under a threshold that a machine supports
SUPPORTED = 0.95
ALL = "all cells"
_Z = 1.959964
#: samples of a process that stand for all of them: a thousand gates are judged
_SAMPLES = 51
_NOBODY = Subject("A", "", "", "", "")

#: samples of a cell, round by round
Rounds = Mapping[Identity, Sequence[Sequence[float]]]


@dataclass(frozen=True)
class Drawn:
    """What a drawn gate said of the time of each cell."""

    checks: Mapping[Identity, Check]

    def is_regressed(self, cells: Sequence[Identity]) -> bool:
        """Whether any of `cells` is regressed."""
        return any(self.checks[cell].verdict is Verdict.REGRESSED for cell in cells)

    def is_passed(self, cells: Sequence[Identity]) -> bool:
        """Whether each of `cells` passes, as one that improved does."""
        return all(self.checks[cell].verdict in {Verdict.PASS, Verdict.IMPROVED} for cell in cells)


def thinned(samples: Sequence[float]) -> list[float]:
    """At most _SAMPLES of them, at even shares of their order: the distribution and its median stay."""
    if len(samples) <= _SAMPLES:
        return list(samples)
    ordered = sorted(samples)
    return [ordered[(2 * number + 1) * len(ordered) // (2 * _SAMPLES)] for number in range(_SAMPLES)]


def subsets(rounds: int, processes: int, gates: int) -> list[list[int]]:
    """So many draws of `processes` of the `rounds`, in order; one where there is no choice, none where too few."""
    if rounds < processes:
        return []
    drawing = random.Random(0)  # noqa: S311 - a draw that repeats
    wanted = min(gates, math.comb(rounds, processes))
    return [sorted(drawing.sample(range(rounds), processes)) for _ in range(wanted)]


def draw(
    rows: Mapping[Identity, Row],
    base: Rounds,
    other: Rounds,
    chosen: Sequence[Sequence[int]],
    targets: Mapping[Identity, Target],
) -> Iterator[Drawn]:
    """What gates of `other` against `base` say, each of the `chosen` rounds. `rows`: of each cell, with its time."""
    rules = Rules(thresholds=lambda identity: _limited(targets[identity].thresholds), paired=True)
    for rounds in chosen:
        judgement = judge(_side(rows, base, rounds), _side(rows, other, rounds), rules)
        checks = {judged.identity: judged.check("latency") for judged in judgement.cells}
        yield Drawn({identity: check for identity, check in checks.items() if check is not None})


def _limited(thresholds: Thresholds) -> Thresholds:
    """With a limit where there is none, so that there is an interval."""
    return thresholds if thresholds.latency is not None else thresholds.model_copy(update={"latency": 0.05})


def _side(rows: Mapping[Identity, Row], samples: Rounds, rounds: Sequence[int]) -> Side:
    chosen = {identity: [samples[identity][number] for number in rounds] for identity in rows}
    timed = [
        row.model_copy(update={"latency_s": statistics.median(map(statistics.median, chosen[identity]))})
        for identity, row in rows.items()
    ]
    return Side(_NOBODY, timed, chosen)


def needed(check: Check, floor_s: float) -> float:
    """The smallest threshold under which a gate that found this would pass; infinite where it has no interval."""
    if check.high is None or check.base is None:
        return math.inf
    return 0.0 if check.base * (check.high - 1) <= floor_s else check.high - 1


def supported(found: Sequence[float]) -> float | None:
    """The threshold under which SUPPORTED of the gates pass that need those `found`; None where there is none."""
    if not found:
        return None
    smallest = sorted(found)[math.ceil(SUPPORTED * len(found)) - 1]
    return smallest if math.isfinite(smallest) else None


def rate(hits: Sequence[bool]) -> Rate:
    """How many of these, with Wilson's 95 % interval."""
    count, of = sum(hits), len(hits)
    if not of:
        return Rate(0, 0, 0.0, 1.0)
    share, spread = count / of, _Z**2 / of
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return Rate(count, of, max(0.0, middle - half), min(1.0, middle + half))


def summed_up(
    label: str,
    cells: Sequence[Identity],
    same: Sequence[Drawn],
    slowed: Mapping[float, Sequence[Drawn]],
    targets: Mapping[Identity, Target],
    latency_s: float | None = None,
) -> SelftestCell:
    """What the gates said of `cells` together. A cell without a threshold is not judged, and has no rates."""
    thresholds = {targets[cell].thresholds.latency for cell in cells}
    judged = None not in thresholds

    def count(gates: Sequence[Drawn], hit: Callable[[Drawn, Sequence[Identity]], bool]) -> Rate:
        return rate([hit(gate, cells) for gate in gates] if judged else [])

    floors = {cell: targets[cell].thresholds.floor_s for cell in cells}
    return SelftestCell(
        label=label,
        threshold=thresholds.pop() if len(thresholds) == 1 else None,
        latency_s=latency_s,
        false_alarms=count(same, Drawn.is_regressed),
        passes=count(same, Drawn.is_passed),
        detected=tuple((factor, count(gates, Drawn.is_regressed)) for factor, gates in slowed.items()),
        smallest=supported([max(needed(gate.checks[cell], floors[cell]) for cell in cells) for gate in same]),
    )
