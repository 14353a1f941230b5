"""The ladder on cells that the test makes up: order, rounds, looks and what is told apart."""

from __future__ import annotations

import random

import pytest

from invobench.measure.clock import Run
from invobench.measure.interval import Interval, median_interval
from invobench.measure.selftest.ladder import RATIOS, Look, Pair, Rung, climb, rounds, smallest_told
from invobench.measure.selftest.ratio import Share


def names() -> dict[float, tuple[Run, Run]]:
    """Callables that only say who they are."""
    return {1.0: (lambda: "a1", lambda: "b1"), 1.1: (lambda: "a2", lambda: "b2")}


def test_sides_are_measured_in_turn_and_change_places() -> None:
    asked: list[str] = []

    def cell(run: Run) -> Interval:
        asked.append(run())
        return Interval(float(len(asked)), 1.0, 100.0)

    ticks = iter(range(1000))
    found = climb(names(), cell, 6.0, now=lambda: float(next(ticks)))
    assert asked[:8] == ["a1", "b1", "a2", "b2", "b1", "a1", "b2", "a2"]
    assert [len(rung.pairs) for rung in found] == [6, 6]
    assert [pair.base.median for pair in found[0].pairs][:2] == [1.0, 6.0]
    assert [pair.multiple.median for pair in found[0].pairs][:2] == [2.0, 5.0]


def test_rounds_go_on_until_the_time_is_spent() -> None:
    """A clock that reads 0, 1, 2 ...: round 20 would start at 20."""
    ticks = iter(range(1000))
    found = climb(names(), lambda run: Interval(1.0, 1.0, 1.0), 20.0, now=lambda: float(next(ticks)))
    assert len(found[0].pairs) == 20


@pytest.mark.parametrize(("round_s", "expected"), [(100.0, 1), (7.0, 3), (3.0, 6), (1.0, 10)])
def test_slow_rounds_get_twice_the_time_for_an_interval_and_no_more(round_s: float, expected: int) -> None:
    """Of 10 s: rounds of 7 s start at 0, 7 and 14, of 3 s six times, of 100 s once."""
    passed = [0.0]
    done = 0
    for _ in rounds(10.0, lambda: passed[0]):
        passed[0] += round_s
        done += 1
    assert done == expected


def pair(ratio: float, half: float = 0.004) -> Pair:
    """A base of exactly 1 and a multiple of `ratio` ± `half`."""
    return Pair(Interval(1.0, 1.0, 1.0), Interval(ratio, ratio - half, ratio + half))


def test_a_rung_counts_what_its_intervals_did() -> None:
    rung = Rung(1.01, (pair(1.01), pair(1.012), pair(1.003), pair(1.016)))
    look = rung.single
    assert (look.covered, look.above_one) == (Share(2, 4), Share(3, 4))  # 1.003 ± 0.004 and 1.016 ± 0.004 miss 1.01
    assert look.half_width == pytest.approx(0.00396, rel=0.01)
    assert rung.bias == pytest.approx(1.011 / 1.01 - 1)


def test_replicates_are_tens_of_pairs_in_order() -> None:
    """Of ten, the second from each end: intervals 1.01 to 1.09 and 2.01 to 2.09; five pairs are left over."""
    tens = [1 + step / 100 for step in range(1, 11)]
    pairs = [pair(value) for value in [*tens, *(value + 1 for value in tens), *tens[:5]]]
    rung = Rung(1.02, tuple(pairs))
    assert (rung.replicated.covered, rung.replicated.above_one) == (Share(1, 2), Share(2, 2))
    assert Rung(1.02, tuple(pairs[:9])).replicated == Look(Share(0, 0), Share(0, 0), Share(0, 0), None)


def test_a_ratio_is_held_to_what_it_is_exact_to() -> None:
    """Intervals of 0.01 %: off by 0.09 % they hold the ratio, off by 0.13 % they do not."""
    near, far = (Rung(1.0, (pair(1 + off, 0.0001),)) for off in (0.0009, 0.0013))
    assert (near.single.near, far.single.near) == (Share(1, 1), Share(0, 1))
    assert (near.single.covered, far.single.covered) == (Share(0, 1), Share(0, 1))


def look(hits: int) -> Rung:
    """A rung that is above 1 in `hits` of 100 pairs."""
    return Rung(0.0, tuple(pair(1.01 if index < hits else 1.0) for index in range(100)))


@pytest.mark.parametrize(
    ("above", "smallest"),
    [
        ((0, 95, 96, 100), 1.01),
        ((0, 94, 95, 100), 1.02),
        ((0, 96, 94, 100), 1.05),  # told at 1.01 and not at 1.02 is luck
        ((0, 99, 99, 94), None),
        ((100, 0, 0, 0), None),
    ],
)
def test_the_smallest_change_that_is_told_apart(above: tuple[int, ...], smallest: float | None) -> None:
    rungs = [Rung(ratio, look(hits).pairs) for ratio, hits in zip((1.0, 1.01, 1.02, 1.05), above, strict=True)]
    assert smallest_told(rungs, lambda rung: rung.single) == smallest


def test_a_ladder_on_known_noise() -> None:
    """Independent noise of 2 %, 30 samples a cell: coverage as it should be, no bias, 5 % told apart."""
    seeded = random.Random(7)

    def cell(run: Run) -> Interval:
        return median_interval([run() * (1 + 0.02 * seeded.gauss(0, 1)) for _ in range(30)])

    rungs = {ratio: (lambda: 1.0, lambda ratio=ratio: ratio) for ratio in RATIOS}
    count = iter(range(10_000))
    found = climb(rungs, cell, 400.0, now=lambda: float(next(count)))
    single = sum((rung.single.covered for rung in found), Share(0, 0))
    assert single.value is not None
    assert 0.92 < single.value < 1
    assert max(abs(rung.bias) for rung in found) < 0.002
    assert smallest_told(found, lambda rung: rung.single) == 1.05
    assert smallest_told(found, lambda rung: rung.replicated) in {1.01, 1.02}


def test_a_ladder_on_a_drifting_machine_says_so() -> None:
    """Each cell has its own speed, 3 % apart: single intervals miss, those of replicates do not."""
    seeded = random.Random(8)

    def cell(run: Run) -> Interval:
        speed = 1 + 0.03 * seeded.gauss(0, 1)
        return median_interval([speed * run() * (1 + 0.002 * seeded.gauss(0, 1)) for _ in range(30)])

    count = iter(range(10_000))
    found = climb({1.05: (lambda: 1.0, lambda: 1.05)}, cell, 400.0, now=lambda: float(next(count)))
    single, replicated = found[0].single.covered.value, found[0].replicated.covered.value
    assert single is not None
    assert replicated is not None
    assert single < 0.3
    assert replicated > 0.9
