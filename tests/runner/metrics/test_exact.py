"""What is the same on every machine: output shapes, dispatched operations, and a GPU's launches as profiled."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import Tensor, nn

from invobench.runner.cases import Case, build_case
from invobench.runner.metrics import launches, macs, output
from tests.builders import cell, involution, layer

CPU = torch.device("cpu")
ON = torch._C._autograd.DeviceType


def case_of(module: nn.Module, mode: str = "forward") -> Case:
    built = build_case(cell(layer("conv", kernel_size=3), (2, 16, 9, 7), mode=mode), CPU)
    return Case(built.cell, CPU, torch.float32, module, built.inputs, ())


class Three(nn.Module):
    """Transposes (a view), multiplies and adds; with a second output that is smaller."""

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        y = x.transpose(2, 3)
        return y * y + 1.0, {"mean": y.mean((2, 3))}


def test_the_shape_of_every_tensor_that_comes_out() -> None:
    assert output.measure(case_of(Three())) == {"output_shape": [[2, 16, 7, 9], [2, 16]]}
    strided = build_case(cell(involution(stride=2), (2, 16, 9, 7)), CPU)
    assert output.measure(strided) == {"output_shape": [[2, 16, 5, 4]]}


def test_dispatched_operations_are_counted_views_too() -> None:
    found = macs.measure(case_of(Three()))
    assert found == {"operations": 4, "macs_dispatched": 2 * 16 * 9 * 7}  # transpose, mul, add, mean


def test_one_operation_more_is_seen() -> None:
    class Four(Three):
        def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            return super().forward(x.relu())

    assert macs.measure(case_of(Four()))["operations"] == 5


def test_a_cpu_launches_no_kernels() -> None:
    assert launches.measure(case_of(Three())) == {}


def test_launches_are_kernels_not_copies() -> None:
    names = ["void at::native::vectorized_elementwise_kernel", "Memcpy HtoD", "Memset (Device)", "sm90_xmma_gemm"]
    events = [SimpleNamespace(name=name, device_type=ON.CUDA) for name in names]
    host = [SimpleNamespace(name="cudaLaunchKernel", device_type=ON.CPU)]
    assert launches.launches([*host, *events]) == 2
    assert launches.launches([]) == 0
