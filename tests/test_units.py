"""Numbers as text."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invobench import units


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0, 3, "0"),
        (0.0123, 3, "0.0123"),
        (1.2, 3, "1.20"),
        (12.34, 3, "12.3"),
        (123.4, 3, "123"),
        (1234, 3, "1230"),
        (999.6, 3, "1000"),
        (99.96, 3, "100"),
        (9.996, 3, "10.0"),
        (-1.2, 3, "-1.20"),
        (1, 1, "1"),
    ],
)
def test_significant(value: float, digits: int, text: str) -> None:
    assert units.significant(value, digits) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (5, "5"),
        (999, "999"),
        (1000, "1.000 k"),
        (999_999, "1.000 M"),
        (22_880_256, "22.88 M"),
        (1_733_900_000, "1.734 G"),
        (15_496_520, "15.50 M"),
        (2.5e12, "2.500 T"),
        (1.5e15, "1500 T"),
        (-3000, "-3.000 k"),
    ],
)
def test_count(value: float, text: str) -> None:
    assert units.count(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (1, "1.00 s"),
        (90.04, "90.0 s"),
        (0.01234, "12.3 ms"),
        (0.0009996, "1.00 ms"),
        (0.9999, "1.00 s"),
        (1e-3, "1.00 ms"),
        (45.6e-6, "45.6 µs"),
        (7.89e-9, "7.89 ns"),
        (1.5e-10, "0.150 ns"),
        (4000, "4000 s"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert units.duration(seconds) == text


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 B"),
        (12, "12 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (1024**2 - 1, "1.00 MiB"),
        (13 * 2**20, "13.0 MiB"),
        (635_830_272, "606 MiB"),
        (3 * 2**30, "3.00 GiB"),
        (1000 * 2**10, "1000 KiB"),
        (2**42, "4.00 TiB"),
    ],
)
def test_size(n_bytes: float, text: str) -> None:
    assert units.size(n_bytes) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.012, "1.2 %"), (0.00034, "0.034 %"), (0.5, "50 %"), (1, "100 %"), (1.5, "150 %")]
)
def test_percent(share: float, text: str) -> None:
    assert units.percent(share) == text


@pytest.mark.parametrize(
    ("value", "half_width", "text"),
    [
        (12.345, 0.0962, "12.3 ± 0.1"),
        (12.345, 0.0949, "12.35 ± 0.09"),
        (12.345, 0.0951, "12.3 ± 0.1"),
        (338, 47, "340 ± 50"),
        (338, 96, "300 ± 100"),
        (3.1, 4, "3 ± 4"),
        (1, 0.0002, "1.0000 ± 0.0002"),
        (1234, 0.5, "1234.0 ± 0.5"),
    ],
)
def test_within(value: float, half_width: float, text: str) -> None:
    assert units.within(value, half_width) == text


@pytest.mark.parametrize(
    ("seconds", "half_width", "text"),
    [
        (0.0123, 0.0001, "12.3 ± 0.1 ms"),
        (0.338, 0.047, "340 ± 50 ms"),
        (1.5, 0.01, "1.50 ± 0.01 s"),
        (45.6e-6, 2e-6, "46 ± 2 µs"),
        (5e-10, 1e-11, "0.50 ± 0.01 ns"),
        (90, 3, "90 ± 3 s"),
    ],
)
def test_duration_within(seconds: float, half_width: float, text: str) -> None:
    assert units.duration_within(seconds, half_width) == text


@given(st.floats(min_value=1e-6, max_value=1e6), st.floats(min_value=1e-6, max_value=1e3))
def test_digits_end_where_the_interval_begins(value: float, half_width: float) -> None:
    """One significant digit of the interval, and the value to the same place."""
    shown, around = units.within(value, half_width).split(" ± ")
    assert float(around) == pytest.approx(half_width, rel=0.5)
    assert len(around.strip("0.").replace(".", "")) == 1
    assert len(shown.partition(".")[2]) == len(around.partition(".")[2])
    assert abs(float(shown) - value) <= 0.5001 * 10.0 ** math.floor(math.log10(float(around)) + 1e-9)


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.65, "↓ 35 %"),
        (1.02, "↑ 2 %"),
        (1, "0 %"),
        (0.9966, "↓ 0.3 %"),
        (1.0099, "↑ 1 %"),
        (0.9, "↓ 10 %"),
        (2.355, "↑ 136 %"),
        (0.0, "↓ 100 %"),
        (0.0003, "↓ >99.9 %"),
        (0.004, "↓ 99.6 %"),
        (2.0, "↑ 100 %"),
        (1.0000001, "↑ <0.01 %"),
    ],
)
def test_change(ratio: float, text: str) -> None:
    assert units.change(ratio) == text


@pytest.mark.parametrize(
    ("share", "decimals", "text"),
    [
        (0.152, 1, "+15.2 %"),
        (-0.02, 1, "−2.0 %"),
        (0.0, 1, "0.0 %"),
        (-0.0004, 1, "0.0 %"),
        (-0.0004, 2, "−0.04 %"),
        (0.0, 0, "0 %"),
        (12.0, 1, "+1200.0 %"),
    ],
)
def test_signed_percent(share: float, decimals: int, text: str) -> None:
    assert units.signed_percent(share, decimals) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.05, "5 %"), (0.07, "7 %"), (0.125, "12.5 %"), (0.0, "0 %"), (1.0, "100 %")]
)
def test_plain_percent(share: float, text: str) -> None:
    assert units.plain_percent(share) == text


PREFIXES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
TIMES = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
SIZES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


@given(st.integers(min_value=0, max_value=10**15))
def test_counts_read_back(value: int) -> None:
    text, _, prefix = units.count(value).partition(" ")
    assert float(text) * PREFIXES[prefix] == pytest.approx(value, rel=5.1e-4)


@given(st.floats(min_value=1e-9, max_value=1e5))
def test_durations_read_back(value: float) -> None:
    text, _, unit = units.duration(value).partition(" ")
    assert re.fullmatch(r"[\d.]+", text), "no exponent"
    assert float(text) * TIMES[unit] == pytest.approx(value, rel=5.1e-3)


@given(st.integers(min_value=0, max_value=2**50))
def test_sizes_read_back(value: int) -> None:
    text, _, unit = units.size(value).partition(" ")
    assert re.fullmatch(r"[\d.]+", text), "no exponent"
    assert float(text) * SIZES[unit] == pytest.approx(value, rel=5.1e-3)
