"""The dispatch counter on single expressions: what is a multiply-add, and what has no rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import flop_registry, register_flop_formula

from invobench.complexity.count import Count, Tally, UncountedOperation
from invobench.complexity.counters.ours import count as count_subject
from invobench.complexity.dispatch import base_name, count_dispatched
from invobench.complexity.kinds import ELEMENT_KINDS, FREE
from invobench.complexity.rules import PRODUCT_RULES
from invobench.complexity.subject import Subject

#: elements of the products below
N = 12


def pair() -> tuple[Tensor, Tensor]:
    return torch.randn(3, 4), torch.randn(3, 4)


def counted(run: Callable[[], Any]) -> Count:
    """What `run` counts; every operation of it has a rule."""
    count = count_dispatched(run)
    assert not count.uncounted
    return count


def counted_product(use: Callable[[Tensor], Any]) -> int:
    """Multiply-adds of `use(a * b)`."""
    a, b = pair()
    return counted(lambda: use(a * b)).macs


USES: dict[str, Callable[[Tensor], Any]] = {
    "as it is": lambda t: t,
    "sum": lambda t: t.sum(),
    "sum over an axis": lambda t: t.sum(dim=1),
    "mean": lambda t: t.mean(),
    "cumsum": lambda t: t.cumsum(0),
    "add": lambda t: t + 1,
    "add in place, to it": lambda t: t.add_(torch.ones(3, 4)),
    "add in place, of it": lambda t: torch.zeros(3, 4).add_(t),
    "view": lambda t: t.view(2, 6).sum(),
    "a part": lambda t: t[:2].sum(),
    "contiguous copy": lambda t: t.t().contiguous().sum(),
    "cast": lambda t: t.to(torch.float64).sum(),
    "pad": lambda t: functional.pad(t, (1, 2)).sum(),
    "cat": lambda t: torch.cat([torch.ones(2, 4), t]).sum(),
    "gather": lambda t: t.gather(1, torch.zeros(3, 4, dtype=torch.int64)).sum(),
    "advanced index": lambda t: t[torch.tensor([0, 1, 2])].sum(),
    "written to a slice": lambda t: torch.zeros(5, 4)[1:4].copy_(t).sum(),
    "accumulated at an index": lambda t: torch.zeros(3, 4).index_put((torch.tensor([0, 0, 1]),), t, accumulate=True),
    "scaled": lambda t: (2 * t).sum(),
    "scaled by a tensor without axes": lambda t: (t * torch.tensor(2.0)).sum(),
    "scaled in place": lambda t: t.mul_(2).sum(),
    "masked": lambda t: (t * (torch.ones(3, 4) > 0)).sum(),
    "windows": lambda t: functional.unfold(t.view(1, 1, 3, 4), 3, padding=1).sum(),
    "folded": lambda t: functional.fold(t.view(1, 4, 3), (2, 4), (2, 2), stride=(1, 1)),
    "gate": lambda t: t.sigmoid(),
    "summed twice": lambda t: (t.sum(), t.sum(), t + t),
}


@pytest.mark.parametrize("name", USES)
def test_a_product_counts_once_whatever_comes_of_it(name: str) -> None:
    """A sum over one element is not dispatched: whether one follows must not decide."""
    assert counted_product(USES[name]) == N


def test_every_product_counts() -> None:
    assert counted_product(lambda t: t * torch.ones(3, 4)) == 2 * N
    assert counted_product(lambda t: t.mul_(torch.ones(3, 4)).sum()) == 2 * N
    assert counted_product(lambda t: torch.addcmul(t, t, t)) == 2 * N


def test_products_of_whole_numbers_are_indices() -> None:
    assert counted(lambda: torch.arange(4) * torch.arange(4)).macs == 0


def test_products_side_by_side_count_each() -> None:
    a, b = pair()
    assert counted(lambda: torch.cat([a * b, b * a]).sum()).macs == 2 * N
    assert counted(lambda: a * b + b * a).macs == 2 * N
    assert counted(lambda: torch.addcmul(a * b, a, b)).macs == 2 * N


def test_products_written_to_one_buffer_count_each() -> None:
    a, b = pair()

    def run() -> None:
        buffer = torch.zeros(3, 3, 4)
        buffer[0] = a * b
        buffer[1] = b * a
        buffer.sum()

    assert counted(run).macs == 2 * N


def test_broadcast_products_count_by_their_result() -> None:
    assert counted(lambda: torch.ones(3, 1).mul(torch.ones(1, 4)).sum()).macs == N


def test_a_scale_is_no_product() -> None:
    a, _ = pair()
    assert counted(lambda: (a * 2).sum() + (torch.tensor(2.0) * a).sum()).macs == 0


CONTRACTIONS: dict[str, tuple[Callable[[], Any], int]] = {
    "mm": (lambda: torch.ones(2, 3) @ torch.ones(3, 5), 30),
    "bmm": (lambda: torch.ones(4, 2, 3) @ torch.ones(4, 3, 5), 120),
    "mv": (lambda: torch.ones(2, 3) @ torch.ones(3), 6),
    "dot": (lambda: torch.ones(3) @ torch.ones(3), 3),
    "addmm": (lambda: torch.addmm(torch.ones(5), torch.ones(2, 3), torch.ones(3, 5)), 30),
    "baddbmm": (lambda: torch.baddbmm(torch.ones(4, 2, 5), torch.ones(4, 2, 3), torch.ones(4, 3, 5)), 120),
    "addmv": (lambda: torch.addmv(torch.ones(2), torch.ones(2, 3), torch.ones(3)), 6),
    "addcmul": (lambda: torch.addcmul(torch.ones(5), torch.ones(5), torch.ones(5)), 5),
    "outer": (lambda: torch.outer(torch.ones(3), torch.ones(5)), 15),
    "by keyword": (lambda: torch.mm(input=torch.ones(2, 3), mat2=torch.ones(3, 5)), 30),
    "linear": (lambda: functional.linear(torch.ones(2, 7, 3), torch.ones(5, 3), torch.ones(5)), 210),
    "einsum": (lambda: torch.einsum("ij,ij->i", torch.ones(3, 4), torch.ones(3, 4)), 12),
    "conv1d": (lambda: functional.conv1d(torch.ones(1, 4, 9), torch.ones(2, 4, 3)), 7 * 3 * 4 * 2),
    "conv2d, strided": (lambda: functional.conv2d(torch.ones(1, 4, 9, 9), torch.ones(2, 4, 3, 3), stride=2), 16 * 72),
    "conv2d, grouped": (lambda: functional.conv2d(torch.ones(1, 4, 9, 9), torch.ones(6, 2, 3, 3), groups=2), 49 * 108),
    "conv3d": (lambda: functional.conv3d(torch.ones(1, 2, 5, 5, 5), torch.ones(3, 2, 3, 3, 3)), 27 * 162),
    "transposed": (lambda: functional.conv_transpose2d(torch.ones(1, 4, 5, 5), torch.ones(4, 6, 3, 3)), 25 * 4 * 54),
    "attention": (
        lambda: functional.scaled_dot_product_attention(*[torch.ones(2, 3, 7, 4)] * 3),
        2 * 2 * 3 * 7 * 7 * 4,
    ),
    "attention, wide values": (
        lambda: functional.scaled_dot_product_attention(
            torch.ones(1, 2, 5, 4), torch.ones(1, 2, 7, 4), torch.ones(1, 2, 7, 8)
        ),
        2 * 5 * 7 * (4 + 8),
    ),
    "attention, masked": (
        lambda: functional.scaled_dot_product_attention(*[torch.ones(2, 3, 7, 4)] * 3, attn_mask=torch.ones(7, 7) > 0),
        2 * 2 * 3 * 7 * 7 * 4,
    ),
}


@pytest.mark.parametrize("name", CONTRACTIONS)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_contractions(name: str, mode: Callable[[], Any]) -> None:
    run, macs = CONTRACTIONS[name]

    def quietly() -> None:
        with mode():
            run()

    assert counted(quietly).macs == macs


def test_attention_counts_the_same_on_meta() -> None:
    q = torch.empty(2, 3, 7, 4, device="meta")
    assert counted(lambda: functional.scaled_dot_product_attention(q, q, q)).macs == 2 * 2 * 3 * 7 * 7 * 4


def test_backward_of_a_transposed_convolution() -> None:
    x, weight = torch.ones(1, 4, 5, 5, requires_grad=True), torch.ones(4, 6, 3, 3, requires_grad=True)
    y = functional.conv_transpose2d(x, weight)
    grad = torch.ones_like(y)
    assert counted(lambda: torch.autograd.grad(y, (x, weight), grad)).macs == 2 * 25 * 4 * 54


def tensors(*shapes: tuple[int, ...]) -> list[Tensor]:
    return [torch.rand(shape) for shape in shapes]


A, B, W = tensors((8, 4), (8, 4), (8, 4))
#: operation -> multiply-adds, and elements by kind
OPERATIONS: dict[str, tuple[Callable[[], Any], int, dict[str, int]]] = {
    "square": (A.square, 32, {}),
    "power of two": (lambda: A**2, 32, {}),
    "cube": (lambda: A**3, 64, {}),
    "another power": (lambda: A**1.5, 0, {"elementwise": 32}),
    "lerp by a tensor": (lambda: torch.lerp(A, B, W), 32, {}),
    "lerp by a number": (lambda: torch.lerp(A, B, 0.5), 0, {"elementwise": 32}),
    "division": (lambda: A / B, 0, {"elementwise": 32}),
    "addcdiv": (lambda: torch.addcdiv(A, B, W), 0, {"elementwise": 32}),
    "xlogy": (lambda: torch.xlogy(A, B), 32, {}),
    "product of all": (A.prod, 31, {}),
    "products along an axis": (lambda: A.prod(0), 28, {}),
    "running product": (lambda: A.cumprod(0), 28, {}),
    "variance": (A.var, 0, {"elementwise": 1}),
    "exponential": (A.exp, 0, {"elementwise": 32}),
    "comparison": (lambda: A > B, 0, {"elementwise": 32}),
    "scatter": (lambda: A.scatter(0, torch.zeros(8, 4, dtype=torch.int64), B), 0, {"elementwise": 32}),
    "scatter that multiplies": (
        lambda: A.scatter(0, torch.zeros(8, 4, dtype=torch.int64), B, reduce="multiply"),
        32,
        {},
    ),
    "gated linear unit": (lambda: functional.glu(A), 16, {}),
    "addbmm": (lambda: torch.addbmm(*tensors((2, 4), (3, 2, 5), (3, 5, 4))), 120, {}),
    "addmm of a matrix": (lambda: torch.addmm(*tensors((2, 4), (2, 5), (5, 4))), 40, {}),
    "bilinear": (lambda: functional.bilinear(*tensors((2, 3), (2, 5), (4, 3, 5))), 240, {}),
    "of lists": (lambda: torch._foreach_mul([A, B], [B, W]), 64, {}),
    "of a list by a number": (lambda: torch._foreach_mul([A, B], 2.0), 0, {"elementwise": 64}),
    "of a list by a number, in place": (lambda: torch._foreach_mul_([A.clone()], 2.0), 0, {"elementwise": 32}),
    "addcmul of lists": (lambda: torch._foreach_addcmul([A, B], [B, W], [W, A]), 64, {}),
    "root of lists": (lambda: torch._foreach_sqrt([A, B]), 0, {"elementwise": 64}),
    "views in place": (lambda: A.clone().transpose_(0, 1).unsqueeze_(0).squeeze_(0), 0, {}),
    "split": (lambda: torch.unsafe_split(A, 2), 0, {}),
    "silu": (lambda: functional.silu(A), 0, {"activation": 32}),
    "prelu": (lambda: functional.prelu(A, torch.rand(4)), 0, {"activation": 32}),
    "dropout": (lambda: functional.dropout(A, 0.5, training=True), 0, {"activation": 32, "elementwise": 32}),
    "upsampling": (
        lambda: functional.interpolate(A.view(1, 1, 8, 4), scale_factor=2, mode="bilinear"),
        0,
        {"elementwise": 128},
    ),
    "loss": (
        lambda: functional.cross_entropy(A, torch.zeros(8, dtype=torch.int64)),
        0,
        {"softmax": 32, "elementwise": 1},
    ),
}


@pytest.mark.filterwarnings("ignore:The reduce argument of torch.scatter")
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name: str) -> None:
    run, macs, elements = OPERATIONS[name]
    count = counted(run)
    assert (count.macs, dict(count.elements)) == (macs, elements)


def gradient(use: Callable[[Tensor], Tensor]) -> Count:
    x = torch.rand(8, 4).requires_grad_()
    y = use(x).sum()
    return counted(y.backward)


@pytest.mark.parametrize("use", [functional.silu, functional.mish, functional.gelu, functional.relu, torch.tanh])
def test_the_gradient_of_an_activation_is_one(use: Callable[[Tensor], Tensor]) -> None:
    """Some have a backward operation of their own that PyTorch could also run as others."""
    count = gradient(use)
    assert (count.macs, count.elements["activation"]) == (0, 32)


@pytest.mark.parametrize("on", [True, False], ids=["flash", "by hand"])
def test_the_gradient_of_attention_has_two_products_for_each(on: bool) -> None:
    q = torch.rand(2, 3, 7, 4).requires_grad_()
    with torch.nn.attention.sdpa_kernel(
        torch.nn.attention.SDPBackend.FLASH_ATTENTION if on else torch.nn.attention.SDPBackend.MATH
    ):
        y = functional.scaled_dot_product_attention(q, q, q).sum()
        assert counted(y.backward).macs == 2 * 2 * 2 * 3 * 7 * 7 * 4


def test_a_dropout_of_before_is_a_mask() -> None:
    """Its mask is made in the forward pass and multiplied with in the backward pass."""
    module, x = nn.Dropout(0.5), torch.rand(8, 4).requires_grad_()
    held: list[Tensor] = []

    def backward() -> None:
        held[0].backward()

    made = Subject(module, "backward", lambda: held.append(module(x).sum()), backward, lambda: (module, (x,)))
    assert count_subject(made).macs == 0


def test_every_operation_on_single_elements_is_decided() -> None:
    """What PyTorch marks as pointwise either multiplies tensors, or is counted in elements, or moves memory."""
    undecided = set()
    for full in torch._C._dispatch_get_all_op_names():
        namespace, _, name = full.partition("::")
        base, _, overload = name.partition(".")
        packet = getattr(torch.ops.aten, base, None) if namespace == "aten" else None
        operation = getattr(packet, overload or "default", None) if packet else None
        if operation is not None and torch.Tag.pointwise in operation.tags:
            undecided.add(base_name(operation))
    undecided -= {*PRODUCT_RULES, *ELEMENT_KINDS, *FREE}
    assert {name for name in undecided if not name.startswith(("special_", "_conj_physical", "conj_physical"))} == set()


def test_an_operation_is_in_one_table() -> None:
    assert not set(PRODUCT_RULES) & set(ELEMENT_KINDS)
    assert not set(PRODUCT_RULES) & set(FREE)
    assert not set(ELEMENT_KINDS) & set(FREE)


def test_products_of_complex_numbers_have_no_rule() -> None:
    z = torch.ones(3, dtype=torch.complex64)
    assert count_dispatched(lambda: z * z).uncounted == {"mul of complex numbers": 1}


UNKNOWN: dict[str, tuple[Callable[[], Any], set[str]]] = {
    "fft": (lambda: torch.fft.fft(torch.ones(4)), {"_fft_r2c"}),
    "inverse": (lambda: torch.linalg.inv(torch.eye(3)), {"linalg_inv_ex", "_linalg_check_errors"}),
    "distances": (lambda: torch.cdist(torch.ones(2, 3), torch.ones(2, 3)), {"_cdist_forward"}),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_operation_without_a_rule_is_named(name: str) -> None:
    run, names = UNKNOWN[name]
    assert set(count_dispatched(run).uncounted) == names


def test_unknown_operations_are_counted_by_call() -> None:
    assert count_dispatched(lambda: [torch.fft.fft(torch.ones(4)) for _ in range(3)]).uncounted == {"_fft_r2c": 3}


def test_an_operation_of_another_library_is_named_with_its_namespace() -> None:
    @torch.library.custom_op("invobench_test::twice", mutates_args=())
    def twice(x: Tensor) -> Tensor:
        return x + x

    assert count_dispatched(lambda: twice(torch.ones(3))).uncounted == {"invobench_test::twice": 1}


def test_other_arithmetic_is_counted_under_its_kind() -> None:
    norm = nn.BatchNorm2d(4).eval()
    x = torch.ones(2, 4, 6, 6)

    def run() -> None:
        y = functional.avg_pool2d(norm(x).relu(), 2)
        (y.flatten(1).softmax(dim=1) * 2).exp()

    assert dict(counted(run).elements) == {
        "normalisation": 288,
        "activation": 288,
        "pooling": 72,
        "softmax": 72,
        "elementwise": 144,
    }


def test_views_and_allocations_are_free() -> None:
    count = counted(lambda: torch.zeros(3, 4).view(2, 6).t().unsqueeze(0).expand(3, 6, 2).detach())
    assert (count.macs, dict(count.elements)) == (0, {})


def test_an_operation_counts_by_the_formula_registered_for_it_and_is_marked() -> None:
    @torch.library.custom_op("invobench_test::scores", mutates_args=())
    def scores(x: Tensor) -> Tensor:
        return x @ x.T

    packet = torch.ops.invobench_test.scores
    register_flop_formula(packet)(lambda shape, *args, out_shape=None, **kwargs: 2 * shape[0] ** 2 * shape[1])
    try:
        count = counted(lambda: scores(torch.ones(3, 4)))
    finally:
        del flop_registry[packet]
    assert count.operations == {("", "invobench_test::scores"): Tally(1, 36, declared=True)}


def test_uncounted_operations_are_an_error_that_names_them() -> None:
    count = count_dispatched(lambda: [torch.fft.fft(torch.ones(4)) for _ in range(3)])
    with pytest.raises(UncountedOperation) as raised:
        count.require_complete()
    assert str(raised.value) == (
        "cannot count: no rule for _fft_r2c ×3 in its own code: please report it (a rule is a line in "
        "invobench/complexity/rules.py or kinds.py)"
    )


def test_a_bias_is_counted_where_it_is_part_of_a_product() -> None:
    x, weight = torch.ones(2, 4, 5, 5), torch.ones(6, 4, 3, 3)
    assert counted(lambda: functional.conv2d(x, weight, torch.ones(6))).elements == {"bias": 2 * 6 * 9}
    assert counted(lambda: functional.conv2d(x, weight)).elements == {}
    assert counted(lambda: torch.addmm(torch.ones(5), torch.ones(2, 3), torch.ones(3, 5))).elements == {"bias": 10}


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        (torch.ops.aten.addcmul_.default, "addcmul"),
        (torch.ops.aten.add.Tensor, "add"),
        (torch.ops.aten._to_copy.default, "_to_copy"),
        (torch.ops.aten.__lshift__.Tensor, "__lshift__"),
        (torch.ops.profiler._record_function_enter_new.default, "profiler::_record_function_enter_new"),
    ],
)
def test_base_names(operation: Any, name: str) -> None:
    assert base_name(operation) == name
