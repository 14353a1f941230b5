"""The order of processes: nothing twice, nothing forgotten, and an even drift lies on all cells alike."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invobench.runner.schedule import Job, complete, metrics_of, processes_of, schedule, spent
from invobench.spec.cells import Measure
from tests.builders import cell, involution
from tests.rows import MISSING, row


@given(st.lists(st.integers(0, 12), max_size=12))
def test_every_process_comes_once_and_in_its_round(processes: list[int]) -> None:
    jobs = schedule(processes)
    wanted = [Job(index, number) for index, count in enumerate(processes) for number in range(count)]
    assert sorted(jobs, key=lambda job: (job.cell, job.replicate)) == wanted
    assert [job.replicate for job in jobs] == sorted(job.replicate for job in jobs)
    assert jobs == schedule(processes)


@given(st.integers(1, 30), st.integers(1, 6))
def test_a_drift_that_is_even_lies_on_all_cells_alike(cells: int, pairs: int) -> None:
    """The sum of a cell's places in the run is the same for every cell."""
    places = [0] * cells
    for place, job in enumerate(schedule([2 * pairs] * cells)):
        places[job.cell] += place
    assert len(set(places)) == 1


def test_cells_by_one_process_are_in_their_order() -> None:
    assert schedule([1, 1, 1]) == [Job(0, 0), Job(1, 0), Job(2, 0)]
    assert schedule([]) == schedule([0]) == []


def test_orders_vary() -> None:
    orders = [tuple(job.cell for job in schedule([10] * 6) if job.replicate == number) for number in range(10)]
    assert orders[0] == (0, 1, 2, 3, 4, 5)
    assert all(second == first[::-1] for first, second in zip(orders[::2], orders[1::2], strict=True))
    assert len(set(orders)) == 10
    followers = {pair for order in orders for pair in pairwise(order)}
    assert len(followers) > 20  # of the 30 that there are


def test_several_processes_are_for_what_varies() -> None:
    several = cell(involution(), measure=Measure(processes=10))
    assert processes_of(several, ("params", "latency", "memory")) == 10
    assert processes_of(several, ("params", "memory")) == 1
    assert processes_of(cell(involution()), ("latency",)) == 1


def test_the_first_process_measures_all_and_the_others_time_alone() -> None:
    metrics = ("params", "error", "latency", "memory")
    assert metrics_of(Job(3, 0), metrics) == metrics
    assert metrics_of(Job(3, 1), metrics) == ("latency",)


def test_what_the_first_process_could_not_time_is_not_tried_again() -> None:
    timed, failed = row(), row(**MISSING, status="failed")
    assert not complete([], 1)
    assert complete([timed], 1)
    assert not complete([timed], 2)
    assert complete([timed, failed], 2)
    assert complete([failed], 10)
    assert not complete([timed, failed, failed], 10)


@pytest.mark.parametrize(("elapsed", "expected"), [(0.0, False), (59.9, False), (60.0, True), (61.0, True)])
def test_a_budget_is_spent(elapsed: float, expected: bool) -> None:
    assert spent(cell(involution(), measure=Measure(run_time_s=60.0)), elapsed) is expected
    assert not spent(cell(involution()), elapsed)
