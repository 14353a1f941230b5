"""The geometric mean over cells."""

from __future__ import annotations

import math

import numpy as np
import pytest

from invobench.judging.mean import geometric_mean
from invobench.judging.ratio import Ratio, ratio_of_medians
from tests.judging.samples import noise


def cell(seed: int, factor: float, processes: int = 10, levels: np.ndarray | None = None) -> Ratio:
    """A ratio; `levels`: of the base's and the candidate's processes, [2, processes, 1]."""
    own = levels if levels is not None else np.ones((2, 1, 1))
    base, candidate = own[0] * noise(seed, processes), factor * own[1] * noise(seed + 1, processes)
    return ratio_of_medians(base.tolist(), candidate.tolist(), paired=False)


def test_it_is_that_of_the_ratios() -> None:
    cells = [cell(1, 2.0), cell(3, 0.5), cell(5, 1.1)]
    found = geometric_mean(cells)
    assert found is not None
    assert found.value == pytest.approx(math.prod(one.value for one in cells) ** (1 / 3))
    assert found.value == pytest.approx(1.1 ** (1 / 3), rel=0.01)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    assert found.cells == 3


def test_one_cell_is_its_own_mean() -> None:
    one = cell(1, 1.2)
    found = geometric_mean([one])
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((one.value, one.low, one.high))


def widths(cells: list[Ratio]) -> tuple[float, float]:
    """Of the mean's interval, and of the first cell's."""
    found = geometric_mean(cells)
    assert found is not None
    limits = (found.low, found.high, cells[0].low, cells[0].high)
    assert None not in limits
    return found.high - found.low, cells[0].high - cells[0].low  # type: ignore[operator]


def test_cells_that_are_slow_in_the_same_processes_say_no_more_than_one() -> None:
    levels = np.exp(0.05 * np.random.default_rng(0).standard_normal((2, 10, 1)))
    mean, single = widths([cell(2 * n, 1.0, levels=levels) for n in range(9)])
    assert mean == pytest.approx(single, rel=0.2)


def test_cells_that_are_not_say_more() -> None:
    drawn = np.random.default_rng(0)
    mean, single = widths([cell(2 * n, 1.0, levels=np.exp(0.05 * drawn.standard_normal((2, 10, 1)))) for n in range(9)])
    assert mean < single / 2


def test_no_cells() -> None:
    assert geometric_mean([]) is None


def test_a_cell_without_an_interval_leaves_none() -> None:
    found = geometric_mean([cell(1, 2.0), cell(3, 2.0, processes=5)])
    assert found is not None
    assert found.value == pytest.approx(2.0, rel=0.01)
    assert (found.low, found.high) == (None, None)
