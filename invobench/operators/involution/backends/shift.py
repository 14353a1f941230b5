"""`shift`: K² multiply-adds in place over slices of the padded input, with a hand-written backward.

No K²·C·H·W buffer: beyond the output it holds the padded input, and in the backward pass its gradient.
Half-precision inputs are accumulated in float32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from invobench.operators.windows import pad, tap

_ACCUMULATE = {torch.bfloat16: torch.float32, torch.float16: torch.float32}


def aggregate(x: Tensor, weight: Tensor, kernel_size: int, stride: int, dilation: int) -> Tensor:
    """Aggregation by shifted slices; shapes as `Aggregate`."""
    if torch._C._get_tracing_state():  # a tracer sees what a Function does as one opaque call
        return _aggregated(x, weight, kernel_size, stride, dilation)
    y: Tensor = _Shift.apply(x, weight, kernel_size, stride, dilation)  # type: ignore[no-untyped-call]
    return y


def _aggregated(x: Tensor, weight: Tensor, kernel_size: int, stride: int, dilation: int) -> Tensor:
    groups, (height, width) = weight.shape[1], weight.shape[-2:]
    padded = pad(x, dilation * (kernel_size // 2)).unflatten(1, (groups, -1))
    shape = (*padded.shape[:3], height, width)
    y = torch.zeros(shape, dtype=_ACCUMULATE.get(x.dtype, x.dtype), device=x.device)
    for index in range(kernel_size**2):
        u, v = divmod(index, kernel_size)
        y.addcmul_(tap(padded, u, v, height, width, stride, dilation), weight[:, :, index].unsqueeze(2))
    return y.flatten(1, 2).to(x.dtype)


class _Shift(torch.autograd.Function):
    """y = Σ_t w_t · x_t, grad_x_t += w_t · grad_y, grad_w_t = Σ_channels x_t · grad_y (t: a kernel position)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, kernel_size: int, stride: int, dilation: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry = (kernel_size, stride, dilation)
        return _aggregated(x, weight, kernel_size, stride, dilation)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        x, weight = ctx.saved_tensors
        kernel_size, stride, dilation = ctx.geometry
        groups, (height, width) = weight.shape[1], weight.shape[-2:]
        padded = pad(x, dilation * (kernel_size // 2)).unflatten(1, (groups, -1))
        grad_y = grad_y.unflatten(1, (groups, -1))
        need_x, need_weight = ctx.needs_input_grad[:2]
        accumulate = _ACCUMULATE.get(x.dtype, x.dtype)
        grad_padded = torch.zeros(padded.shape, dtype=accumulate, device=x.device) if need_x else None
        grad_weight = torch.empty_like(weight, memory_format=torch.contiguous_format) if need_weight else None
        for index in range(kernel_size**2):
            u, v = divmod(index, kernel_size)
            if grad_padded is not None:
                into = tap(grad_padded, u, v, height, width, stride, dilation)
                into.addcmul_(grad_y, weight[:, :, index].unsqueeze(2))
            if grad_weight is not None:
                product = grad_y * tap(padded, u, v, height, width, stride, dilation)
                grad_weight[:, :, index] = product.sum(dim=2)
        return _unpadded(grad_padded, x), grad_weight, None, None, None


def _unpadded(grad_padded: Tensor | None, x: Tensor) -> Tensor | None:
    """The gradient of x from that of the padded x."""
    if grad_padded is None:
        return None
    height, width = x.shape[-2:]
    top, left = (grad_padded.shape[-2] - height) // 2, (grad_padded.shape[-1] - width) // 2
    return grad_padded[..., top : top + height, left : left + width].flatten(1, 2).to(x.dtype)
