"""Involution as operators of PyTorch: schemas, shapes, gradients and multiply-adds. Importing this registers them.

Their C++ kernels are loaded by `ready`, so that counting on `meta` needs no compiler.

* `involution(x, weight, kernel_size, stride, dilation) -> y`: the aggregation. x `[N, C, H, W]`, weight
  `[N, G, K*K, H_out, W_out]`, y `[N, C, H_out, W_out]` in the layout of x.
* `involution_grad_x(grad_y, weight, size, ...)`, `involution_grad_weight(grad_y, x, groups, ...)`: its gradients.
* `involution_fused(x, features, reduce, scale, shift, span, bias, groups, ...) -> y`: the kernels are made, by pixels,
  from `features` `[N, F, H_out, W_out]`: span·ReLU(scale·(reduce·features) + shift) + bias, or span·features + bias
  where `reduce` is None; and never stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import register_flop_formula

from invobench.native import Sources, load

_LIBRARY = torch.library.Library("invobench", "DEF")
_GEOMETRY = "int kernel_size, int stride, int dilation"
for _schema in (
    f"involution(Tensor x, Tensor weight, {_GEOMETRY}) -> Tensor",
    f"involution_grad_x(Tensor grad_y, Tensor weight, SymInt[] size, {_GEOMETRY}) -> Tensor",
    f"involution_grad_weight(Tensor grad_y, Tensor x, int groups, {_GEOMETRY}) -> Tensor",
    "involution_fused(Tensor x, Tensor features, Tensor? reduce, Tensor? scale, Tensor? shift, Tensor span, "
    f"Tensor bias, int groups, {_GEOMETRY}) -> Tensor",
):
    _LIBRARY.define(_schema, tags=(torch.Tag.pt2_compliant_tag,))

OPS: Any = torch.ops.invobench
SOURCES = Sources("involution", Path(__file__).parent, "involution.cpp", ("tiles.h", "rows.h", "product.h"))


@cache
def ready() -> float:
    """Load the CPU's kernels, built if need be; the seconds that it took. Raises BackendUnavailable."""
    return load(SOURCES)


def call(op: Any, tensors: Sequence[Tensor | None], *rest: int) -> Tensor:
    """`op` of `tensors`. Where nothing is differentiated, traced or compiled, what looks after that is left out."""
    if torch.compiler.is_compiling() or torch._C._get_tracing_state():
        return op(*tensors, *rest)  # type: ignore[no-any-return]
    if not any(tensor.is_meta for tensor in tensors if tensor is not None):
        ready()
    if torch.is_grad_enabled() and any(tensor is not None and tensor.requires_grad for tensor in tensors):
        return op(*tensors, *rest)  # type: ignore[no-any-return]
    with torch._C._AutoDispatchBelowAutograd():
        return op(*tensors, *rest)  # type: ignore[no-any-return]


def _is_channels_last(tensor: Tensor) -> bool:
    return tensor.is_contiguous(memory_format=torch.channels_last) and not tensor.is_contiguous()


def _like(tensor: Tensor, size: Sequence[Any]) -> Tensor:
    """An empty tensor of `size` in the layout of `tensor`, as the kernels make it."""
    layout = torch.channels_last if _is_channels_last(tensor) else torch.contiguous_format
    return torch.empty(tuple(size), dtype=tensor.dtype, device=tensor.device, memory_format=layout)


def _involution(x: Tensor, weight: Tensor, kernel_size: int, stride: int, dilation: int) -> Tensor:
    return _like(x, (x.shape[0], x.shape[1], *weight.shape[-2:]))


def _grad_x(
    grad_y: Tensor, weight: Tensor, size: Sequence[int], kernel_size: int, stride: int, dilation: int
) -> Tensor:
    return _like(grad_y, size)


def _grad_weight(grad_y: Tensor, x: Tensor, groups: int, kernel_size: int, stride: int, dilation: int) -> Tensor:
    taps, (height, width) = kernel_size**2, grad_y.shape[-2:]
    made: Tensor = _like(x, (x.shape[0], groups * taps, height, width)).unflatten(1, (groups, taps))
    return made


def _fused(
    x: Tensor,
    features: Tensor,
    reduce: Tensor | None,
    scale: Tensor | None,
    shift: Tensor | None,
    span: Tensor,
    bias: Tensor,
    groups: int,
    kernel_size: int,
    stride: int,
    dilation: int,
) -> Tensor:
    return _like(x, (x.shape[0], x.shape[1], *features.shape[-2:]))


_SHAPES: dict[str, Callable[..., Any]] = {
    "invobench::involution": _involution,
    "invobench::involution_grad_x": _grad_x,
    "invobench::involution_grad_weight": _grad_weight,
    "invobench::involution_fused": _fused,
}
for _name, _shape in _SHAPES.items():
    torch.library.register_fake(_name, _shape, lib=_LIBRARY)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, weight, *geometry = inputs
    ctx.save_for_backward(x, weight)
    ctx.geometry = geometry


def _gradients(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
    x, weight = ctx.saved_tensors
    need_x, need_weight = ctx.needs_input_grad[:2]
    grad_x = OPS.involution_grad_x(grad_y, weight, x.shape, *ctx.geometry) if need_x else None
    grad_weight = OPS.involution_grad_weight(grad_y, x, weight.shape[1], *ctx.geometry) if need_weight else None
    return grad_x, grad_weight, None, None, None


torch.library.register_autograd("invobench::involution", _gradients, setup_context=_keep, lib=_LIBRARY)


def _keep_fused(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, features, reduce, _, _, span, bias, groups, *geometry = inputs
    if reduce is not None:
        raise NotImplementedError("involution_fused: has no gradient through reduce: give it reduced features")
    ctx.save_for_backward(x, features, span, bias)
    ctx.groups, ctx.geometry = groups, geometry


def _fused_gradients(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
    """The kernels are made again; they and their gradient live only in here."""
    x, features, span, bias = ctx.saved_tensors
    weight = functional.conv2d(features, span, bias).unflatten(1, (ctx.groups, -1))
    grad_x = OPS.involution_grad_x(grad_y, weight, x.shape, *ctx.geometry) if ctx.needs_input_grad[0] else None
    grad_weight = OPS.involution_grad_weight(grad_y, x, ctx.groups, *ctx.geometry).flatten(1, 2)
    wanted = [ctx.needs_input_grad[index] for index in (1, 5, 6)]
    grads = torch.ops.aten.convolution_backward(
        grad_weight, features, span, [span.shape[0]], [1, 1], [0, 0], [1, 1], False, [0, 0], 1, wanted
    )
    return grad_x, grads[0], None, None, None, grads[1], grads[2], *[None] * 4


torch.library.register_autograd(
    "invobench::involution_fused", _fused_gradients, setup_context=_keep_fused, lib=_LIBRARY
)


def _numbers(shape: Sequence[int]) -> int:
    return int(torch.Size(shape).numel())


def aggregation_macs(y: Sequence[int], taps: int) -> int:
    """K² multiply-adds for each element of y."""
    return _numbers(y) * taps


def fused_macs(y: Sequence[int], reduce: Sequence[int] | None, span: Sequence[int], groups: int) -> int:
    """Both matrices at each pixel, and the aggregation."""
    pixels = y[0] * y[2] * y[3]
    return pixels * ((_numbers(reduce) if reduce else 0) + _numbers(span)) + aggregation_macs(y, span[0] // groups)


@register_flop_formula(OPS.involution)
def _flops(x: Any, weight: Any, *rest: Any, out_shape: Any, **_: Any) -> int:
    return 2 * aggregation_macs(out_shape, weight[2])


@register_flop_formula(OPS.involution_grad_x)
def _grad_x_flops(grad_y: Any, weight: Any, *rest: Any, **_: Any) -> int:
    return 2 * aggregation_macs(grad_y, weight[2])


@register_flop_formula(OPS.involution_grad_weight)
def _grad_weight_flops(grad_y: Any, x: Any, groups: int, kernel_size: int, *rest: Any, **_: Any) -> int:
    return 2 * aggregation_macs(grad_y, kernel_size**2)


@register_flop_formula(OPS.involution_fused)
def _fused_flops(
    x: Any,
    features: Any,
    reduce: Any,
    scale: Any,
    shift: Any,
    span: Any,
    bias: Any,
    groups: int,
    *rest: Any,
    out_shape: Any,
    **_: Any,
) -> int:
    return 2 * fused_macs(out_shape, reduce, span, groups)
