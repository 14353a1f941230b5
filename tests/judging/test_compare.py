"""Comparing results: ratios, order, what else differs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from invobench.errors import MeasurementError, UsageError
from invobench.judging.compare import Against, Difference, compare
from invobench.results import Row
from tests.judging.samples import BASE, CANDIDATE, broken, side, timed


def against(base: list[Row], other: list[Row]) -> Against:
    found = compare(side(BASE, *base), [side(CANDIDATE, *other)])
    assert found.base is BASE
    assert [one.other for one in found.others] == [CANDIDATE]
    return found.others[0]


def test_the_largest_effect_comes_first_and_no_ratio_last() -> None:
    base = [timed(name, seed=n) for n, name in enumerate(["same", "broken", "slower", "faster"])]
    other = [timed("same", seed=5), broken("broken"), timed("slower", 0.015, seed=6), timed("faster", 0.005, seed=7)]
    found = against(base, other)
    assert [cell.identity.name for cell in found.cells] == ["faster", "slower", "same", "broken"]
    ratios = [cell.ratio.value for cell in found.cells if cell.ratio is not None]
    assert ratios == pytest.approx([0.5, 1.5, 1.0], rel=0.02)
    assert found.cells[-1].message == "failed in working tree: it broke"
    assert found.mean is not None
    assert found.mean.value == pytest.approx((0.5 * 1.5) ** (1 / 3), rel=0.02)
    assert found.mean.cells == 3
    assert found.mean.low is not None


def test_cells_of_one_side() -> None:
    found = against([timed("a"), timed("b")], [timed("b"), timed("c")])
    assert [one.name for one in found.only_base] == ["a"]
    assert [one.name for one in found.only_other] == ["c"]
    assert found.notes == ()


def test_no_cell_in_common() -> None:
    found = against([timed("a")], [timed("b")])
    assert (found.cells, found.mean) == ((), None)
    assert found.notes == ("main and working tree have no cell in common",)


def test_what_else_differs() -> None:
    old, new = timed(params=1, launches=None), timed(params=2, launches=3, max_error=1e-6)
    assert against([old], [new]).cells[0].differences == (
        Difference("params", 1, 2),
        Difference("max_error", 3.2e-7, 1e-6),
    )


@pytest.mark.parametrize(
    ("base", "other", "message"),
    [
        (timed(), timed(), ""),
        (timed(processes=5), timed(), "timed in 5 and 10 processes: an interval takes 6 or more"),
        (timed(), timed(latency_s=1.0, samples_s=[], samples_per_process=[]), "timed in 10 and 1 processes: an "),
        (broken(), timed(), "failed in main: it broke; there is nothing to compare working tree with"),
    ],
)
def test_what_is_said_of_a_cell(base: Row, other: Row, message: str) -> None:
    said = against([base], [other]).cells[0].message
    assert said.startswith(message)
    assert bool(said) == bool(message)


def test_timed_on_one_side_alone() -> None:
    other = timed().model_copy(update={"latency_s": None, "samples_s": [], "samples_per_process": []})
    cell = against([timed()], [other]).cells[0]
    assert (cell.ratio, cell.message) == (None, "timed in 10 and 0 processes")
    assert against([other], [other]).cells[0].message == ""


def test_several_others_each_against_the_base() -> None:
    sides = [side(replace(CANDIDATE, label=label), timed(latency_s=s)) for label, s in (("b", 0.02), ("c", 0.03))]
    found = compare(side(BASE, timed()), sides)
    assert [one.other.label for one in found.others] == ["b", "c"]
    assert [one.cells[0].ratio.value for one in found.others if one.cells[0].ratio] == pytest.approx([2.0, 3.0])


def test_the_interval_depends_on_the_seed_alone() -> None:
    sides = side(BASE, timed(seed=1)), [side(CANDIDATE, timed(seed=2))]
    assert compare(*sides) == compare(*sides)
    assert compare(*sides) != compare(*sides, seed=1)


def test_what_cannot_be_compared() -> None:
    with pytest.raises(UsageError, match=r"^involution: cache is hot in the base and cold in the candidate"):
        against([timed()], [timed(cache="cold")])


def test_samples_that_are_no_times() -> None:
    bad = replace(
        side(CANDIDATE, timed()), samples={identity: [[0.1, -1.0]] for identity in side(BASE, timed()).samples}
    )
    with pytest.raises(MeasurementError, match=r"^involution in working tree: sample 2 of 2 is -1 s"):
        compare(side(BASE, timed()), [bad])


def test_a_gate_and_a_profile_measure_otherwise() -> None:
    """The same code has other times under either."""
    profiled = side(BASE, timed("a"))
    gated = side(replace(CANDIDATE, conditions="gate"), timed("a"))
    (found,) = compare(profiled, [gated]).others
    assert found.notes == (
        "main is of a profile and working tree of a gate, which use processes and memory otherwise: measure both by "
        "the same command",
    )
    assert compare(gated, [gated]).others[0].notes == ()
