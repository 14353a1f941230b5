"""Peak memory of a case and how many feature maps that is, against what its code must allocate."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from invobench.runner.cases import Case, build_case
from invobench.runner.metrics.memory import measure
from tests.builders import cell, involution, layer
from tests.measure.fakes import FakeGPU

CPU = torch.device("cpu")
SHAPE = (2, 16, 28, 28)
NUMBERS = 2 * 16 * 28 * 28


def case_of(module: nn.Module, dtype: str = "float32", mode: str = "forward") -> Case:
    """A case of `module` on a feature map of SHAPE."""
    number = getattr(torch, dtype)
    built = build_case(cell(layer("conv", kernel_size=3), SHAPE, dtype=dtype, mode=mode), CPU)
    return Case(built.cell, CPU, number, module.to(number), built.inputs, ())


class Once(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.exp()


class Twice(nn.Module):
    """Two maps more at once: the first is there until the second is done."""

    def forward(self, x: Tensor) -> Tensor:
        return x.exp().exp()


class InPlace(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.relu_()


@pytest.mark.parametrize(("module", "maps"), [(InPlace(), 0), (Once(), 1), (Twice(), 2)])
@pytest.mark.parametrize(("dtype", "width"), [("float32", 4), ("bfloat16", 2), ("float64", 8)])
def test_maps_that_are_made(module: nn.Module, maps: int, dtype: str, width: int) -> None:
    assert measure(case_of(module, dtype)) == {"peak_memory_bytes": maps * NUMBERS * width, "materialised": maps}


@pytest.mark.parametrize("kernel_size", [3, 7])
def test_unfold_holds_the_map_once_for_each_tap_twice(kernel_size: int) -> None:
    """2K² maps, the output, and the kernels of each group: groups · K² / channels maps."""
    taps, groups = kernel_size**2, 4
    case = build_case(cell(involution(kernel_size=kernel_size, group_channels=4), SHAPE, backend="unfold"), CPU)
    assert measure(case)["materialised"] == pytest.approx(2 * taps + 1 + groups * taps / 16, rel=1e-3)


def test_shift_does_not() -> None:
    case = build_case(cell(involution(kernel_size=7, group_channels=4), SHAPE, backend="shift"), CPU)
    assert measure(case)["materialised"] < 49


def test_an_operator_with_two_inputs_is_set_against_its_map() -> None:
    """The kernels enter too, in `aggregation`: 2K² maps and the output, in maps and not in all that enters."""
    of = cell(involution(kernel_size=7, group_channels=4), SHAPE, backend="unfold", scope="aggregation")
    assert measure(build_case(of, CPU))["materialised"] == pytest.approx(99, rel=1e-3)


def test_gradients_and_what_is_saved_for_them() -> None:
    """exp keeps its output for the backward pass; gradient of the output and of the input are two maps more."""
    assert measure(case_of(Once(), mode="backward"))["materialised"] == 3


def test_a_training_step_has_the_gradients_of_its_parameters() -> None:
    """They were dropped before, so that they are made again: at least the weight's gradient and the output."""
    case = build_case(cell(layer("conv", kernel_size=3), SHAPE, mode="train_step"), CPU)
    weight = sum(parameter.numel() for parameter in case.module.parameters())
    first = measure(case)
    assert first["peak_memory_bytes"] >= 4 * (weight + NUMBERS)
    assert measure(case) == first
    assert all(parameter.grad is None for parameter in case.module.parameters())


def test_what_the_first_call_keeps_is_not_the_cells() -> None:
    class Lazy(nn.Module):
        """Makes a table of a hundred maps at its first call."""

        table: Tensor | None = None

        def forward(self, x: Tensor) -> Tensor:
            if self.table is None:
                self.table = x.new_zeros(100, *x.shape)
            return x + self.table[0]

    assert measure(case_of(Lazy()))["materialised"] == 1


def test_a_gpu_is_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """A workspace that the first call leaves is there before; the output and a passing buffer are the peak."""
    gpu = FakeGPU(allocated=1000).install(monkeypatch)
    case = case_of(Once())

    class Allocates(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if gpu.log == []:
                gpu.allocate(8_000_000)
            gpu.log.append("call")
            gpu.allocate(2 * NUMBERS * 4)
            gpu.allocate(-2 * NUMBERS * 4)
            return x

    on_gpu = Case(case.cell, torch.device("cuda:0"), case.dtype, Allocates(), case.inputs, ())
    assert measure(on_gpu) == {"peak_memory_bytes": 2 * NUMBERS * 4, "materialised": 2}
