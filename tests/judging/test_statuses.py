"""Cells that were not measured on a side."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from invobench.errors import MeasurementError
from invobench.judging.statuses import WRONG, by_status
from invobench.judging.verdicts import Verdict
from invobench.runner import parity, worker
from invobench.runner.cases import build_case
from invobench.runner.merge import merge
from tests.builders import cell, involution
from tests.judging.samples import BASE, CANDIDATE, broken
from tests.rows import row

BOTH = (BASE, CANDIDATE)
NOT_MEASURED = ("oom", "unsupported", "failed", "timeout")


@pytest.mark.parametrize("base", ["ok", "noisy"])
@pytest.mark.parametrize("candidate", ["ok", "noisy"])
def test_measured_on_both_sides(base: str, candidate: str) -> None:
    assert by_status(row(status=base), row(status=candidate), BOTH) is None


@pytest.mark.parametrize(
    ("status", "verdict", "message"),
    [
        ("failed", Verdict.FAILED, "failed in working tree: it broke"),
        ("timeout", Verdict.FAILED, "timeout in working tree: it broke"),
        ("unsupported", Verdict.FAILED, "unsupported in working tree: it broke"),
        ("oom", Verdict.REGRESSED, "too heavy in working tree and not in main: it broke"),
    ],
)
def test_on_the_base_alone(status: str, verdict: Verdict, message: str) -> None:
    assert by_status(row(), broken(status=status), BOTH) == (verdict, message)


@pytest.mark.parametrize("status", NOT_MEASURED)
def test_on_the_candidate_alone(status: str) -> None:
    told = f"{status} in main: it broke; there is nothing to compare working tree with"
    assert by_status(broken(status=status), row(), BOTH) == (Verdict.INCONCLUSIVE, told)


@pytest.mark.parametrize("base", NOT_MEASURED)
@pytest.mark.parametrize("candidate", NOT_MEASURED)
def test_on_neither(base: str, candidate: str) -> None:
    told = f"{base} in main: it broke; {candidate} in working tree: it broke"
    assert by_status(broken(status=base), broken(status=candidate), BOTH) == (Verdict.FAILED, told)


def test_without_a_message() -> None:
    assert by_status(row(), broken(message=""), BOTH) == (Verdict.FAILED, "failed in working tree")


def what_parity_says(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Status and message of a backend whose output is off, as a cell's process tells them."""
    real = parity.results

    def spoilt(module: nn.Module, inputs: list[Tensor]) -> list[Tensor]:
        found = real(module, inputs)
        return [2 * found[0], *found[1:]] if inputs[0].dtype == torch.float32 else found

    monkeypatch.setattr(parity, "_candidate_results", lambda module, inputs, case: spoilt(module, inputs))
    case = build_case(cell(involution(), backend="shift"), torch.device("cpu"))
    with pytest.raises(MeasurementError) as caught:
        parity.check_case(case)
    return worker.failure(caught.value)


def test_a_wrong_candidate_is_told_by_what_the_check_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the real check of a backend that is wrong, and by a row of several processes."""
    told = what_parity_says(monkeypatch)
    assert WRONG in str(told["message"])
    one = broken(**told)
    for candidate in (one, merge([one, row(samples_s=[0.01])], 2, 0.01)):
        found = by_status(row(), candidate, BOTH)
        assert found is not None
        assert found[0] is Verdict.REGRESSED
        assert found[1].startswith("wrong in working tree and not in main: ")
        assert "backend shift of involution is wrong, and was not timed: output off by" in found[1]


def test_wrong_on_both_sides_is_no_regression() -> None:
    wrong = broken(message=f"backend shift of involution {WRONG}: output off by 1")
    found = by_status(wrong, wrong, BOTH)
    assert found is not None
    assert found[0] is Verdict.FAILED
