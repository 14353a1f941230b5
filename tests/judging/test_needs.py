"""How many processes it would take."""

from __future__ import annotations

import math

import pytest

from invobench.judging.needs import MOST, processes_needed
from invobench.judging.ratio import ratio_of_medians
from tests.judging.samples import noise


def interval(value: float, half: float, limit: float, processes: int = 10) -> int | None:
    """Half the width of the logarithm's interval is `half`."""
    return processes_needed(value, value * math.exp(-half), value * math.exp(half), limit, processes)


def test_half_the_distance_takes_four_times_as_many() -> None:
    assert interval(1.05 * math.exp(0.0101), 0.02, 1.05) == 40
    assert interval(1.05 * math.exp(-0.0101), 0.02, 1.05) == 40


def test_the_side_towards_the_limit_counts() -> None:
    assert processes_needed(1.0, 0.9, 1.1, 1.05, 10) == math.ceil(10 * (math.log(1.1) / math.log(1.05)) ** 2)
    assert processes_needed(1.0, 0.5, 1.1, 1.05, 10) == processes_needed(1.0, 0.9, 1.1, 1.05, 10)


def test_at_least_one_more() -> None:
    assert interval(1.0, 0.01, 1.05) == 11


@pytest.mark.parametrize("value", [1.05, 1.0501])
def test_too_close(value: float) -> None:
    assert interval(value, 0.02, 1.05) is None


def test_never_more_than_a_gate_can_be_asked_for() -> None:
    assert interval(1.05 * math.exp(0.00201), 0.02, 1.05) == 991
    assert interval(1.05 * math.exp(0.0019), 0.02, 1.05) is None
    assert MOST == 1000


def test_as_many_do_tell() -> None:
    """With what it says for ten, the interval of so many of the same lies over the limit by a little."""
    draw = noise(7, 400, 20, 0.03) * noise(8, 400, 1, 0.03)
    few = ratio_of_medians(draw[:10].tolist(), (1.07 * draw[200:210]).tolist(), paired=False)
    assert few.low is not None
    assert few.high is not None
    assert few.low < 1.05 < few.value
    needed = processes_needed(few.value, few.low, few.high, 1.05, 10)
    assert needed is not None
    assert 10 < needed < 200
    scale = few.value / ratio_of_medians(draw[:needed].tolist(), draw[200 : 200 + needed].tolist(), paired=False).value
    many = ratio_of_medians(draw[:needed].tolist(), (scale * draw[200 : 200 + needed]).tolist(), paired=False)
    assert many.low == pytest.approx(1.05, rel=0.01)
