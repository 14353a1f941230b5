"""Exit codes and the messages of problems."""

from __future__ import annotations

import pytest

from invobench import errors
from invobench.errors import InvobenchError, Problem, SpecError, worst_exit


@pytest.mark.parametrize(
    ("codes", "worst"),
    [
        ([], 0),
        ([0], 0),
        ([0, 3], 3),
        ([3, 4], 4),
        ([0, 4], 4),
        ([4, 70], 70),
        ([70, 130], 130),
        ([130, 2], 2),
        ([0, 4, 70, 130, 2], 2),
    ],
)
def test_where_several_apply(codes: list[int], worst: int) -> None:
    assert worst_exit(codes) == worst
    assert worst_exit(codes[::-1]) == worst


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("InvobenchError", 70),
        ("UsageError", 2),
        ("SpecError", 2),
        ("UnknownName", 2),
        ("StoreError", 2),
        ("PluginError", 2),
        ("BackendUnavailable", 4),
        ("MeasurementError", 4),
    ],
)
def test_exit_codes(name: str, code: int) -> None:
    error = getattr(errors, name)
    assert error.exit_code == code
    assert issubclass(error, InvobenchError)


def test_every_error_has_a_code_that_is_ranked() -> None:
    kinds = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, InvobenchError)]
    assert {kind.exit_code for kind in kinds} <= set(errors.EXIT_PRECEDENCE)


def test_a_spec_error_has_each_problem_once_in_the_order_of_the_file() -> None:
    late, early = Problem("a.yaml", 10, 5, "layers[2].x", "unknown key"), Problem("a.yaml", 9, 30, "batch", "too small")
    error = SpecError([late, early, late])
    assert error.problems == (early, late)
    assert str(error) == "a.yaml:9:30: batch: too small\na.yaml:10:5: layers[2].x: unknown key"
