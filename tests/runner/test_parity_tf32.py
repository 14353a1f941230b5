"""What TF32 may cost a backend: as much as its 10 bits explain, and no more."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from invobench.errors import MeasurementError
from invobench.operators.base import LayerSpec
from invobench.runner import parity
from invobench.runner.cases import build_case
from invobench.spec.contract import Contract
from tests.builders import cell, involution, layer

LAYERS = {
    "involution": (involution(kernel_size=7), "module"),
    "aggregation": (involution(kernel_size=7), "aggregation"),
    "conv": (layer("conv", kernel_size=3), "module"),
    "attention": (layer("stand_alone_attention", kernel_size=3, num_heads=4), "module"),
}


def cut(tensor: Tensor, bits: int) -> Tensor:
    """`tensor` (float32) with the rest of its mantissa cut off after `bits` bits."""
    return (tensor.view(torch.int32) & ~((1 << (23 - bits)) - 1)).view(torch.float32)


class Products(torch.overrides.TorchFunctionMode):
    """Cuts the factors of products to `bits`, as tensor cores do: by hand, since a CPU has none."""

    NAMES = frozenset({"conv2d", "matmul", "einsum", "__matmul__", "mul", "__mul__"})

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.bits = bits

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in self.NAMES:
            args = [self._cut(arg) for arg in args]
        return func(*args, **(kwargs or {}))

    def _cut(self, value: Any) -> Any:
        if not isinstance(value, Tensor) or value.dtype != torch.float32:
            return value
        return value + (cut(value.detach(), self.bits) - value.detach())  # the gradient passes


def check(what: LayerSpec, scope: str, bits: int, tf32: bool, monkeypatch: pytest.MonkeyPatch) -> parity.Errors | None:
    """Parity of the layer, of which the candidate alone has products of `bits`."""
    backend = "unfold" if what.operator == "involution" else "auto"
    made = cell(what, (2, 16, 9, 7), scope=scope, device="auto", backend=backend, contract=Contract(tf32=tf32))
    case = build_case(made, torch.device("cpu"))
    exact = parity._candidate_results

    def rounded(*args: Any) -> list[Tensor]:
        with Products(bits):
            return exact(*args)

    monkeypatch.setattr(parity, "_candidate_results", rounded)
    return parity.check_case(case)


@pytest.mark.parametrize("name", LAYERS)
def test_ten_bits_are_within_the_tolerance_of_tf32_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    what, scope = LAYERS[name]
    errors = check(what, scope, 10, True, monkeypatch)
    assert errors is not None
    assert errors.worst > 1e-4
    monkeypatch.undo()
    with pytest.raises(MeasurementError, match="is wrong, and was not timed"):
        check(what, scope, 10, False, monkeypatch)


@pytest.mark.parametrize("name", LAYERS)
def test_fewer_bits_are_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    what, scope = LAYERS[name]
    with pytest.raises(MeasurementError, match="is wrong, and was not timed"):
        check(what, scope, 5, True, monkeypatch)


def test_the_margin_grows_with_the_products_that_follow_one_another() -> None:
    margins = {}
    for name, (what, scope) in LAYERS.items():
        made = cell(what, scope=scope)
        margins[name] = parity._tf32_margin(made.cost()) * 2**10
    assert margins == {"involution": 3 * 4, "aggregation": 4, "conv": 4, "attention": 6 * 4}
    assert parity._tf32_margin(None) == 4 * 2**-10
