"""The ratio of medians: against medians of samples written out, and as its interval should behave."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invobench.judging import resample
from invobench.judging.ratio import Ratio, median_of, ratio_of_medians
from invobench.judging.student import Z, student
from tests.judging.samples import noise


def two(processes: int = 10, samples: int = 20, factor: float = 1.1) -> tuple[list[list[float]], list[list[float]]]:
    return noise(1, processes, samples).tolist(), (factor * noise(2, processes, samples)).tolist()


def test_the_ratio_is_that_of_the_medians_of_all_samples() -> None:
    base, candidate = two()
    found = ratio_of_medians(base, candidate, paired=False)
    assert found.base == pytest.approx(float(np.median(base)))
    assert found.candidate == pytest.approx(float(np.median(candidate)))
    assert found.value == found.candidate / found.base
    assert found.low is not None
    assert found.high is not None
    assert 1.05 < found.low < found.value < found.high < 1.15
    assert (found.processes, found.draws) == ((10, 10), 2000)


@pytest.mark.parametrize("processes", [6, 7, 10, 23])
@pytest.mark.parametrize("samples", [1, 2, 7, 50])
def test_draws_are_medians_of_the_drawn_samples(processes: int, samples: int) -> None:
    """Rounded samples: many are equal, and exactly half lie below a draw's median now and then."""
    side = resample.arrays(np.round(noise(3, processes, samples, 0.05), 2).tolist())
    counts, _ = resample.drawn_counts((processes, processes), True, 5, 300)
    assert (counts.sum(axis=1) == processes).all()
    drawn = [np.concatenate([np.repeat(one, int(n)) for one, n in zip(side, row, strict=True)]) for row in counts]
    expected = np.log(np.median(drawn, axis=1) / np.median(np.concatenate(side)))
    assert resample.log_medians(side, counts) == pytest.approx(expected, abs=1e-12)


def test_every_process_counts_the_same() -> None:
    """Three samples of the one are worth as much as nine of the other."""
    assert median_of([[1.0, 2.0, 3.0], [7.0]]) == median_of([[1.0, 2.0, 3.0], [7.0] * 3]) == 5.0
    assert median_of([[1.0], [2.0, 2.5], [3.0] * 9]) == 2.25


@given(st.lists(st.lists(st.floats(0.01, 100), min_size=3, max_size=3), min_size=1, max_size=9))
def test_the_median_of_equally_many_samples_is_the_median_of_them_all(side: list[list[float]]) -> None:
    assert median_of(side) == pytest.approx(float(np.median(side)), rel=1e-12)


def test_more_samples_than_are_drawn_stand_for_themselves_by_quantiles() -> None:
    many, few = noise(4, 8, 5000, 0.05), noise(4, 8, 5000, 0.05)[:, :150]
    ratios = [ratio_of_medians(side.tolist(), side.tolist(), paired=False) for side in (many, few)]
    assert ratios[0].base == float(np.median(many)), "the median is that of all samples"
    widths = [one.high - one.low for one in ratios if one.high is not None and one.low is not None]
    assert widths[0] < widths[1] / 3, "5,000 samples say more than 150"
    shortened = resample._shortened(np.sort(many[0]))
    assert len(shortened) == resample.MOST_SAMPLES
    assert float(np.median(shortened)) == pytest.approx(float(np.median(many[0])), rel=1e-4)


def test_the_same_seed_gives_the_same_interval() -> None:
    base, candidate = two()
    first, again, other = (ratio_of_medians(base, candidate, paired=False, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.low != other.low
    assert first.value == other.value


@pytest.mark.parametrize("paired", [False, True])
def test_a_factor_of_a_side_is_one_of_the_interval(paired: bool) -> None:
    """So that coverage at one true ratio is that at every other."""
    base, candidate = two()
    one = ratio_of_medians(base, candidate, paired=paired)
    scaled = ratio_of_medians(base, [[1.7 * sample for sample in process] for process in candidate], paired=paired)
    assert (scaled.value, scaled.low, scaled.high) == pytest.approx(
        tuple(1.7 * limit for limit in (one.value, one.low, one.high))  # type: ignore[operator]
    )


@pytest.mark.parametrize(("base", "candidate"), [(5, 10), (10, 5), (1, 1)])
def test_few_processes_have_no_interval(base: int, candidate: int) -> None:
    found = ratio_of_medians(two(base)[0], two(candidate)[1], paired=False)
    assert found.value == pytest.approx(1.1, rel=0.02)
    assert (found.low, found.high, found.draws, found.processes) == (None, None, 0, (base, candidate))


def test_six_do() -> None:
    assert ratio_of_medians(*two(6), paired=True).low is not None


def test_what_both_processes_of_a_pair_share_does_not_widen_the_interval() -> None:
    shared = np.exp(0.1 * np.random.default_rng(5).standard_normal((10, 1)))
    base, candidate = ((shared * noise(seed, 10, 50)).tolist() for seed in (1, 2))
    pairs, sides = (ratio_of_medians(base, candidate, paired=paired) for paired in (True, False))
    assert width(pairs) < width(sides) / 5


def width(ratio: Ratio) -> float:
    assert ratio.low is not None
    assert ratio.high is not None
    return ratio.high - ratio.low


def test_equal_samples_have_an_interval_without_a_width() -> None:
    side = [[0.5, 0.5]] * 6
    for paired in (False, True):
        found = ratio_of_medians(side, [[0.6, 0.6]] * 6, paired=paired)
        assert found.low == found.high == pytest.approx(1.2)


def test_medians_are_compared_with_medians() -> None:
    """A skewed process: the median of all its samples is not that of the processes' medians."""
    candidate = [[1.0, 1.0, 2.0 + 0.1 * n] if n < 4 else [2.0, 3.0, 4.0 + n] for n in range(9)]
    medians = [[sorted(process)[1]] for process in candidate]
    stored = [[1.0 + 0.01 * n] for n in range(9)]
    assert ratio_of_medians(stored, candidate, paired=False) == ratio_of_medians(stored, medians, paired=False)
    assert ratio_of_medians(candidate, stored, paired=False) == ratio_of_medians(medians, stored, paired=False)


@pytest.mark.parametrize("bad", [0.0, -1e-6, math.nan, math.inf])
def test_what_is_no_time_is_refused(bad: float) -> None:
    good = [[1.0, 2.0]] * 6
    with pytest.raises(ValueError, match="finite times over 0"):
        ratio_of_medians(good, [*good[:5], [1.0, bad]], paired=False)


@pytest.mark.parametrize("empty", [[], [[]], [[1.0], []]])
def test_no_samples_are_refused(empty: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="a side is processes"):
        ratio_of_medians(empty, [[1.0]], paired=False)


def test_pairs_have_two_sides() -> None:
    with pytest.raises(ValueError, match="6 and 7 processes are no pairs"):
        ratio_of_medians(two(6)[0], two(7)[1], paired=True)


def test_widening() -> None:
    """Pairs: one less degree of freedom than there are. Sides by Welch: from the fewer's to both's together."""
    assert resample._widening(1.0, 1.0, (10, 10), True) == pytest.approx(math.sqrt(10 / 9) * student(9) / Z)
    assert resample._widening(1.0, 1.0, (10, 10), False) == pytest.approx(math.sqrt(10 / 9) * student(18) / Z)
    assert resample._widening(1.0, 0.0, (6, 40), False) == pytest.approx(math.sqrt(6 / 5) * student(5) / Z)
    assert resample._widening(0.0, 0.0, (6, 6), False) == 1.0


@pytest.mark.parametrize(("freedom", "exact"), [(4, 2.7764), (5, 2.5706), (9, 2.2622), (18, 2.1009), (100, 1.9840)])
def test_student(freedom: float, exact: float) -> None:
    assert student(freedom) == pytest.approx(exact, rel=2e-3 if freedom < 5 else 3e-4)


def test_it_is_quick() -> None:
    """10 ms are meant, and 5 are usual; three times as much is allowed here, since who tests is seldom alone."""
    base, candidate = two(10, 200)
    times = []
    for _ in range(20):
        start = time.thread_time()
        ratio_of_medians(base, candidate, paired=False)
        times.append(time.thread_time() - start)
        if times[-1] < 0.01:
            break
    assert min(times) < 0.03
