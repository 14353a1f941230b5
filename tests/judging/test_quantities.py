"""The table of quantities: every line is of a row, of thresholds and of a rule."""

from __future__ import annotations

import pytest

from invobench.judging.checks import RULES
from invobench.judging.quantities import QUANTITIES
from invobench.results import Row
from invobench.spec.gate import Thresholds


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_line(name: str) -> None:
    quantity = QUANTITIES[name]
    assert quantity.field in Row.model_fields
    assert quantity.threshold in {"", *Thresholds.model_fields}
    assert quantity.rule in {"timing", *RULES}


def test_every_threshold_bounds_something() -> None:
    assert {one.threshold for one in QUANTITIES.values()} == {"", *Thresholds.model_fields} - {"floor_s"}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("latency", 0.0123, "12.3 ms"),
        ("peak_memory", 13 * 2**20, "13.0 MiB"),
        ("params", 4388, "4,388"),
        ("output_shape", [[1, 64, 56, 56], [2, 3]], "1×64×56×56 2×3"),
        ("max_error", 3.21e-7, "3.2e-07"),
    ],
)
def test_values_as_text(name: str, value: object, text: str) -> None:
    assert QUANTITIES[name].show(value) == text
