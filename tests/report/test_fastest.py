"""The mark of the fastest backend is given only where the intervals tell the backends apart."""

from __future__ import annotations

import pytest

from invobench.report.view import view
from tests.rows import row, run


@pytest.mark.parametrize(
    ("shift", "unfold", "marked"),
    [
        ((1.0, 0.9, 1.1), (2.0, 1.8, 2.2), [True, False]),
        ((1.0, 0.9, 1.9), (2.0, 1.8, 2.2), [False, False]),
        ((2.0, 1.9, 2.1), (1.0, 0.9, 1.1), [False, True]),
        ((1.0, None, None), (2.0, 1.8, 2.2), [False, False]),
        ((1.0, 0.9, 1.1), (2.0, None, None), [False, False]),
    ],
)
def test_fastest(shift: tuple[float, ...], unfold: tuple[float, ...], marked: list[bool]) -> None:
    rows = [
        row("a", backend=name, latency_s=median, latency_low_s=low, latency_high_s=high)
        for name, (median, low, high) in (("shift", shift), ("unfold", unfold))
    ]
    assert [line.style == "strong" for line in view(run(), rows).lines] == marked
