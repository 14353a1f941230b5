"""Parity: whatever is wrong with a backend is found, in each of its gradients, and the reference is never in doubt."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from invobench.errors import MeasurementError
from invobench.operators import BACKENDS, BackendEntry
from invobench.operators.involution.module import Involution, reference
from invobench.runner import parity, settings
from invobench.runner.cases import build_case
from invobench.spec.contract import Contract
from tests.builders import cell, involution

CPU = torch.device("cpu")
RESULTS = parity.results
#: the output twice, and the gradients of input, kernel generation (weight; scale and shift; weight and bias)
COUNT = parity.OUTPUTS + 1 + 5


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("place", range(COUNT))
def test_one_number_that_is_none_is_found_wherever_it_is(
    monkeypatch: pytest.MonkeyPatch, place: int, value: float
) -> None:
    def spoilt(module: nn.Module, inputs: list[Tensor]) -> list[Tensor]:
        found = RESULTS(module, inputs)
        assert len(found) == COUNT
        found[place] = found[place].clone()
        found[place].view(-1)[0] = value
        return found

    case = build_case(cell(involution(), backend="shift"), CPU)
    candidate = parity._candidate_results

    def of_candidate(*args: Any) -> list[Tensor]:
        with monkeypatch.context() as patch:
            patch.setattr(parity, "results", spoilt)
            return candidate(*args)

    assert parity.check_case(case) is not None
    monkeypatch.setattr(parity, "_candidate_results", of_candidate)
    with pytest.raises(MeasurementError, match="output off by" if place < parity.OUTPUTS else "gradient off by"):
        parity.check_case(case)


def test_the_reference_has_no_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose own error would grow by it, and what is allowed by four times that."""
    seen: list[tuple[bool, bool]] = []

    def watched(module: nn.Module, inputs: list[Tensor]) -> list[Tensor]:
        seen.append((torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32))
        return RESULTS(module, inputs)

    monkeypatch.setattr(parity, "results", watched)
    case = build_case(cell(involution(), device="auto", contract=Contract(tf32=True)), CPU)
    before = settings._allowed_tf32()
    settings._allow_tf32(True, True)
    try:
        parity.check_case(case)
        after = settings._allowed_tf32()
    finally:
        settings._allow_tf32(*before)
    _, same_dtype, candidate = seen
    assert (same_dtype, candidate, after) == ((False, False), (True, True), (True, True))


@pytest.mark.parametrize("fault", ["another way without gradients", "no statistics"])
def test_a_fault_of_the_way_that_is_timed_is_found(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """A backend that is right with gradients and wrong without, or only where a norm has been used."""

    class Wrong:
        def __call__(self, *args: Any) -> Tensor:
            return reference(*args)

        def involve(self, layer: Involution, x: Tensor) -> Tensor:
            features = layer.reduce(x)
            if fault == "no statistics":
                convolution, norm, _ = layer.reduce
                features = (convolution(x) * norm.weight[:, None, None] + norm.bias[:, None, None]).relu()
            y = self(x, layer.span(features).unflatten(1, (layer.groups, -1)), 3, 1, 1)
            return y if torch.is_grad_enabled() or fault == "no statistics" else 1.001 * y

    case = build_case(cell(involution(), backend="shift"), CPU)
    load = type(BACKENDS["involution"]["shift"]).load
    monkeypatch.setattr(
        BackendEntry, "load", lambda self: Wrong() if self.path.endswith("shift:aggregate") else load(self)
    )
    with pytest.raises(MeasurementError, match="output off by"):
        parity.check_case(case)
