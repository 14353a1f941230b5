"""Verdicts on made-up numbers: each aim met, open and missed, and the words for it."""

from __future__ import annotations

import pytest

from invobench.measure.interval import Interval
from invobench.measure.selftest.aims import Overhead, Verdict, Word, verdicts
from invobench.measure.selftest.ladder import RATIOS, Pair, Rung
from invobench.measure.selftest.peers import Agreement


def rung(ratio: float, measured: float, *, half: float = 0.004, spread: float = 0.0, pairs: int = 100) -> Rung:
    """Pairs that measure `measured` ± `half`, every other one off by ± `spread`."""
    found = []
    for index in range(pairs):
        value = measured + spread * (-1) ** index
        found.append(Pair(Interval(1.0, 1.0, 1.0), Interval(value, value - half, value + half)))
    return Rung(ratio, tuple(found))


def good() -> list[Rung]:
    return [rung(ratio, ratio) for ratio in RATIOS]


def agree(*ratios: float) -> list[Agreement]:
    return [Agreement("peer", "busy", ratios)]


COVERS_10 = "95 % intervals, to 0.1%, hold the true ratio in at least 93% of repeats, 10"
FAST = [Overhead("loop", 10.0, 9.5)]


def word(rungs: list[Rung], agreements: list[Agreement], overheads: list[Overhead], aim: str) -> Verdict:
    (found,) = [verdict for verdict in verdicts(rungs, agreements, overheads) if verdict.aim.startswith(aim)]
    return found


def test_all_aims_met_have_no_advice() -> None:
    found = verdicts(good(), agree(*[1.001] * 6), FAST)
    assert [verdict.word for verdict in found] == [Word.MET] * 6
    assert {verdict.advice for verdict in found} == {""}
    assert [verdict.found for verdict in found] == [
        "+0.00 % at 1.00",
        "100.0% of 500 (99.2% to 100.0%)",
        "100.0% of 50 (92.9% to 100.0%)",
        "+1% told apart",
        "+0.10 % (busy)",
        "5.0% of 10.0 s",
    ]


@pytest.mark.parametrize(
    ("measured", "spread", "expected"),
    [(1.004, 0.0, Word.MET), (1.006, 0.0, Word.MISSED), (1.0061, 0.01, Word.OPEN)],
)
def test_bias(measured: float, spread: float, expected: Word) -> None:
    """Off by 0.6 % is beyond the aim of 0.5 %; where pairs are 1 % apart the interval reaches into it."""
    rungs = [rung(1.0, measured, spread=spread), *good()[1:]]
    assert word(rungs, [], [], "bias").word is expected


def test_coverage_of_single_cells_on_a_drifting_machine() -> None:
    """Every pair is 2 % off: single intervals never hold the ratio, those of ten pairs do."""
    rungs = [rung(ratio, ratio, spread=0.02) for ratio in RATIOS]
    single = word(rungs, [], [], "95 % intervals hold the true ratio in at least 93% of repeats, one cell")
    assert (single.word, single.found) == (Word.MISSED, "0.0% of 500 (0.0% to 0.8%)")
    assert "measure.processes: 10" in single.advice
    assert word(rungs, [], [], COVERS_10).word is Word.MET


def test_too_few_repeats_leave_coverage_open() -> None:
    few = [rung(ratio, ratio, pairs=6) for ratio in RATIOS]
    found = word(few, [], [], COVERS_10)
    assert (found.word, found.found) == (Word.OPEN, "no repeats")
    assert found.advice
    five = word([rung(ratio, ratio, pairs=10) for ratio in RATIOS], [], [], COVERS_10)
    assert (five.word, five.found) == (Word.OPEN, "100.0% of 5 (56.6% to 100.0%)")
    ten = word([rung(ratio, ratio, pairs=20) for ratio in RATIOS], [], [], COVERS_10)
    assert ten.word is Word.MET


def test_nothing_told_apart() -> None:
    """Pairs 30 % apart: ten of them have an interval from below 1 to far above."""
    found = word([rung(ratio, ratio, spread=0.3) for ratio in RATIOS], [], [], "+5% told apart")
    assert (found.word, found.found) == (Word.MISSED, "nothing told apart")


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ((1.01, 1.02, 1.015, 1.018, 1.012, 1.019), Word.MET),
        ((1.03, 1.031, 1.032, 1.03, 1.031, 1.032), Word.MISSED),
        ((0.95, 0.96, 0.97, 0.97, 0.99, 1.0), Word.OPEN),
        ((0.9, 0.9), Word.OPEN),  # no interval of two
    ],
)
def test_agreement(ratios: tuple[float, ...], expected: Word) -> None:
    assert word(good(), agree(*ratios), [], "median within ± 2.0 % of peer").word is expected


def test_the_worst_callable_decides() -> None:
    found = word(good(), [*agree(*[1.0] * 6), Agreement("peer", "conv", (0.9,) * 6)], [], "median within")
    assert (found.word, found.found) == (Word.MISSED, "-10.00 % (conv)")


def test_a_comparison_that_was_skipped_has_no_verdict() -> None:
    found = verdicts(good(), [Agreement("triton", "busy", skipped="there is no GPU here")], FAST)
    assert not [verdict for verdict in found if "triton" in verdict.aim]


def test_overhead() -> None:
    found = word([*good()], [], [Overhead("cell", 2.0, 1.0)], "overhead under 10 %: cell")
    assert (found.word, found.found) == (Word.MISSED, "50.0% of 2.00 s")


def test_what_has_no_aim_has_no_verdict() -> None:
    found = verdicts(good(), [], [Overhead("cell", 2.0, 1.0, aimed=False)])
    assert not [verdict for verdict in found if verdict.aim.startswith("overhead")]
