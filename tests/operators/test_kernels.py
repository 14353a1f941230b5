"""Involution's own operators of PyTorch: what PyTorch asks of an operator, layouts, gradients, counts."""

from __future__ import annotations

import itertools
import subprocess

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from invobench.errors import BackendUnavailable
from invobench.native import library, missing
from invobench.operators import BACKENDS
from invobench.operators.involution.backends import cpp, fused
from invobench.operators.involution.kernels.ops import OPS, ready
from invobench.operators.involution.module import Involution, reference
from invobench.operators.select import unavailable
from tests.builders import involution

pytestmark = pytest.mark.skipif(missing() is not None, reason="no C++ compiler here")
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def layer(backend: object, **fields: object) -> Involution:
    """A layer of 32 channels with statistics that are not the default."""
    torch.manual_seed(0)
    made = Involution(involution(**{"kernel_size": 7, "group_channels": 16, **fields}).fields, 32, backend)
    for name, buffer in made.named_buffers():
        if "running" in name:
            buffer.uniform_(0.5, 1.5)
    return made


def problem(layout: str, dtype: torch.dtype = torch.float32, groups: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """x, kernels of 3×3 taps as a convolution in that layout makes them, and a gradient of y."""
    torch.manual_seed(0)
    maps = (
        torch.randn(2, 16, 6, 7, dtype=dtype),
        torch.randn(2, groups * 9, 6, 7, dtype=dtype),
        torch.randn(2, 16, 6, 7),
    )
    x, kernels, grad = (tensor.to(dtype).contiguous(memory_format=LAYOUTS[layout]) for tensor in maps)
    return x, kernels.unflatten(1, (groups, 9)), grad


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_pytorch_asks_of_an_operator(layout: str) -> None:
    ready()
    x, weight, grad = problem(layout)
    features, span, bias = torch.randn(2, 4, 6, 7), torch.randn(18, 4, 1, 1), torch.randn(18)
    leaves = [tensor.detach().requires_grad_() for tensor in (x, weight)]
    made = [tensor.contiguous(memory_format=LAYOUTS[layout]).requires_grad_() for tensor in (features, span)]
    calls = {
        OPS.involution: (*leaves, 3, 1, 1),
        OPS.involution_grad_x: (grad, weight, list(x.shape), 3, 1, 1),
        OPS.involution_grad_weight: (grad, x, 2, 3, 1, 1),
        OPS.involution_fused: (leaves[0], made[0], None, None, None, made[1], bias.requires_grad_(), 2, 3, 1, 1),
    }
    for op, arguments in calls.items():
        assert set(torch.library.opcheck(op.default, arguments).values()) == {"SUCCESS"}, op


@pytest.mark.parametrize(("x_layout", "weight_layout"), list(itertools.product(LAYOUTS, LAYOUTS)))
def test_the_output_lies_as_the_input_does(x_layout: str, weight_layout: str) -> None:
    x, grad = problem(x_layout)[0], problem(x_layout)[2]
    weight = problem(weight_layout)[1]
    y = cpp.aggregate(x, weight, 3, 1, 1)
    assert y.is_contiguous(memory_format=LAYOUTS[x_layout])
    torch.testing.assert_close(y, reference(x, weight, 3, 1, 1))
    assert OPS.involution_grad_x(grad, weight, x.shape, 3, 1, 1).is_contiguous(memory_format=LAYOUTS[x_layout])
    grad_weight = OPS.involution_grad_weight(grad, x, 2, 3, 1, 1).flatten(1, 2)
    assert grad_weight.is_contiguous(memory_format=LAYOUTS[x_layout])


@pytest.mark.parametrize("kernel_size", [1, 3, 5, 7, 9, 11, 13])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_every_geometry_and_grouping(kernel_size: int, stride: int, dilation: int) -> None:
    """Values and both gradients against the reference in float64; channels that fill vectors, and that do not."""
    ready()
    for channels, groups, size in ((16, 1, (9, 7)), (12, 2, (7, 12)), (40, 1, (4, 5)), (6, 6, (5, 3))):
        x = torch.randn(2, channels, *size)
        out = [-(-length // stride) for length in size]
        weight, grad = torch.randn(2, groups, kernel_size**2, *out), torch.randn(2, channels, *out)
        for layout in LAYOUTS.values():
            leaves = [
                x.contiguous(memory_format=layout).requires_grad_(),
                weight.flatten(1, 2).contiguous(memory_format=layout).unflatten(1, weight.shape[1:3]).requires_grad_(),
            ]
            exact = [leaf.detach().double().requires_grad_() for leaf in leaves]
            y = cpp.aggregate(*leaves, kernel_size, stride, dilation)
            wanted = reference(*exact, kernel_size, stride, dilation)
            found = [y, *torch.autograd.grad(y, leaves, grad)]
            for one, other in zip(found, [wanted, *torch.autograd.grad(wanted, exact, grad.double())], strict=True):
                torch.testing.assert_close(one.double(), other, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("form", ["bottleneck", "linear"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("training", [False, True])
def test_fused_is_the_layer(layout: str, form: str, stride: int, training: bool) -> None:
    ours, theirs = (layer(code, form=form, stride=stride).train(training) for code in (fused.aggregate, reference))
    x = torch.randn(2, 32, 9, 14).contiguous(memory_format=LAYOUTS[layout])
    grad = torch.randn(2, 32, -(-9 // stride), -(-14 // stride))
    results = []
    for module in (ours, theirs):
        leaf = x.clone().requires_grad_()
        y = module(leaf)
        results.append([y, *torch.autograd.grad(y, [leaf, *module.parameters()], grad)])
    for found, wanted in zip(*results, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    if not training:
        with torch.no_grad():
            torch.testing.assert_close(ours(x), results[1][0], rtol=1e-4, atol=1e-4)


def test_fused_does_not_store_the_kernels() -> None:
    """Between reduced features and y nothing is made: 49·G numbers a pixel would be 6 times its output."""
    module = layer(fused.aggregate).eval()
    x = torch.randn(1, 32, 40, 40)
    with torch.no_grad(), torch.profiler.profile(profile_memory=True) as profiler:
        module(x)
    made = sum(max(0, event.self_cpu_memory_usage) for event in profiler.key_averages())
    assert x.numel() * 4 <= made < 2 * x.numel() * 4


@pytest.mark.parametrize("layout", LAYOUTS)
def test_threads_change_no_bit(layout: str) -> None:
    x, weight, grad = problem(layout)
    before = torch.get_num_threads()

    def results(threads: int) -> list[Tensor]:
        torch.set_num_threads(threads)
        geometry = (3, 1, 1)
        return [
            cpp.aggregate(x, weight, *geometry),
            OPS.involution_grad_x(grad, weight, x.shape, *geometry),
            OPS.involution_grad_weight(grad, x, 2, *geometry),
        ]

    try:
        ready()
        for one, other in zip(results(1), results(2), strict=True):
            assert torch.equal(one, other)
    finally:
        torch.set_num_threads(before)


def test_what_lies_outside_of_the_image_is_not_multiplied() -> None:
    """An infinite weight of a tap on the border's zeros leaves y finite, as a border of no taps would."""
    x = torch.ones(1, 16, 2, 2)
    weight = torch.ones(1, 1, 9, 2, 2)
    weight[:, :, 0, 0, 0] = torch.inf  # of the first pixel, the tap above and left of it
    assert cpp.aggregate(x, weight, 3, 1, 1).isfinite().all()


@pytest.mark.parametrize("backend", ["cpp", "fused"])
def test_what_it_cannot_is_said(backend: str) -> None:
    entry = BACKENDS["involution"][backend]
    wanted = "computes in float32, bfloat16, float16 only, not in float64"
    assert unavailable(entry, "cpu", "float64") == wanted
    assert unavailable(entry, "cuda", "float32") == "runs on cpu only, not on cuda"


def test_shapes_that_do_not_fit_are_refused() -> None:
    ready()
    with pytest.raises(RuntimeError, match=r"weight \[1, 1, 9, 4, 4\] does not fit x \[1, 16, 5, 5\]"):
        OPS.involution(torch.ones(1, 16, 5, 5), torch.ones(1, 1, 9, 4, 4), 3, 1, 1)
    with pytest.raises(RuntimeError, match="kernel_size must be odd"):
        OPS.involution(torch.ones(1, 16, 5, 5), torch.ones(1, 1, 4, 5, 5), 2, 1, 1)


def test_multiply_adds_are_declared_forward_and_backward_apart() -> None:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        x, weight = torch.ones(2, 16, 6, 7, requires_grad=True), torch.ones(2, 2, 9, 6, 7, requires_grad=True)
        y = cpp.aggregate(x, weight, 3, 1, 1)
        forward = counter.get_total_flops()
        torch.autograd.grad(y, (x, weight), torch.ones_like(y))
    macs = 2 * 16 * 6 * 7 * 9
    assert forward == 2 * macs
    assert counter.get_total_flops() == 3 * 2 * macs


def test_fused_multiply_adds() -> None:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        tensors = (
            torch.ones(2, 16, 6, 7),
            torch.ones(2, 16, 6, 7),
            torch.ones(4, 16, 1, 1),
            torch.ones(4),
            torch.ones(4),
        )
        OPS.involution_fused(*tensors, torch.ones(18, 4, 1, 1), torch.ones(18), 2, 3, 1, 1)
    pixels = 2 * 6 * 7
    assert counter.get_total_flops() == 2 * pixels * (4 * 16 + 18 * 4 + 16 * 9)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what the compiler itself imports
@pytest.mark.parametrize("backend", [cpp.aggregate, fused.aggregate], ids=["cpp", "fused"])
def test_under_torch_compile(backend: object) -> None:
    ready()  # as whoever builds a cell does: what is compiled cannot
    module = layer(backend).eval()
    x = torch.randn(1, 32, 9, 8, requires_grad=True)
    compiled = torch.compile(module, fullgraph=True)
    torch.testing.assert_close(compiled(x), module(x), rtol=1e-5, atol=1e-5)
    grads = [torch.autograd.grad(run(x).sum(), [x, *module.parameters()]) for run in (compiled, module)]
    for found, wanted in zip(*grads, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_it_is_unavailable_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("invobench.native.missing", lambda: "needs a C++ compiler")
    assert unavailable(BACKENDS["involution"]["cpp"], "cpu") == "needs a C++ compiler"
    ready.cache_clear()
    monkeypatch.setattr("invobench.native.library._LOADED", {})
    monkeypatch.setattr("invobench.native.library.missing", lambda: "needs a C++ compiler")
    with pytest.raises(BackendUnavailable, match="involution needs a C\\+\\+ compiler"):
        ready()
    ready.cache_clear()


def test_openmp_is_that_of_pytorch() -> None:
    """A second runtime would have threads of its own, which wait spinning on the processors that PyTorch's need."""
    ready()
    path = max(library.folder().glob("involution-*.so"), key=lambda file: file.stat().st_mtime)
    needed = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
    assert "libtorch_cpu.so" in needed
    assert "gomp" not in needed
