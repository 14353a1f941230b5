"""Samples of a row, process by process."""

from __future__ import annotations

import math

import pytest

from invobench.errors import MeasurementError
from invobench.judging.samples import processes_of
from tests.rows import MISSING, row

NAMED = {"coordinates": {"kernel_size": 7}}


def test_samples_of_several_processes_are_split() -> None:
    found = processes_of(row(samples_s=[1.0, 2.0, 3.0, 4.0], samples_per_process=[1, 3]))
    assert found == ((1.0,), (2.0, 3.0, 4.0))


def test_a_process_without_samples_is_left_out() -> None:
    assert processes_of(row(samples_s=[1.0, 2.0], samples_per_process=[1, 0, 1])) == ((1.0,), (2.0,))


def test_one_process() -> None:
    assert processes_of(row(samples_s=[1.0, 2.0])) == ((1.0, 2.0),)


def test_a_row_that_kept_no_samples_counts_with_its_median() -> None:
    assert processes_of(row(samples_s=[], latency_s=0.5)) == ((0.5,),)
    assert processes_of(row(samples_s=[], samples_per_process=[3], latency_s=0.5)) == ((0.5,),)


def test_a_row_that_was_not_timed_has_none() -> None:
    assert processes_of(row(**MISSING, samples_s=[], status="oom")) == ()


@pytest.mark.parametrize(("bad", "shown"), [(0.0, "0"), (-1e-6, "-1e-06"), (math.nan, "nan"), (math.inf, "inf")])
def test_a_clock_that_went_backwards(bad: float, shown: str) -> None:
    with pytest.raises(MeasurementError) as caught:
        processes_of(row(**NAMED, samples_s=[1.0, 2.0, bad], samples_per_process=[1, 2]))
    assert str(caught.value) == (
        f"involution kernel_size=7: process 2, sample 2 of 2 is {shown} s, which is no time: "
        "the clock went backwards or stood still; measure again"
    )


def test_in_one_process() -> None:
    with pytest.raises(MeasurementError, match=r"^involution: sample 2 of 2 is -1 s, which is no time: the clock"):
        processes_of(row(samples_s=[1.0, -1.0]))


@pytest.mark.parametrize("counts", [[1, 1], [2, 2], [4, -1]])
def test_counts_that_do_not_add_up(counts: list[int]) -> None:
    with pytest.raises(
        MeasurementError, match=r"^involution: samples_per_process adds up to .*: the results are damaged"
    ):
        processes_of(row(samples_s=[1.0, 2.0, 3.0], samples_per_process=counts))
