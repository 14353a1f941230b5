"""`fused`: the kernels are made by pixels inside the C++ kernel that uses them, and never stored.

With `cpp`, a layer writes and reads K²·G·H·W numbers between span and aggregation, more than all of its feature maps.
In eval mode without gradients reduce, norm and ReLU are in it too; otherwise span and aggregation, and the backward
pass makes the kernels again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from invobench.operators.involution.backends import cpp
from invobench.operators.involution.kernels.ops import OPS, call

if TYPE_CHECKING:
    from invobench.operators.involution.module import Involution


class Fused:
    """The aggregation of `cpp` where kernels are given, and the whole layer where they are not."""

    def __call__(self, x: Tensor, weight: Tensor, kernel_size: int, stride: int, dilation: int) -> Tensor:
        """Aggregation with given kernels: there is nothing to fuse. Shapes as `Aggregate`."""
        return cpp.aggregate(x, weight, kernel_size, stride, dilation)

    def involve(self, layer: Involution, x: Tensor) -> Tensor:
        """The whole of `layer`: x `[N, C, H, W]` -> `[N, C, H_out, W_out]`."""
        features = layer.pool(x)
        reduce: tuple[Tensor | None, ...] = (None, None, None)
        if isinstance(layer.reduce, nn.Sequential) and not layer.training and not torch.is_grad_enabled():
            reduce = _reduction(layer.reduce)
        else:
            features = layer.reduce(features)
        span, fields = layer.span, layer.fields
        tensors = (x, features, *reduce, span.weight, span.bias)
        return call(OPS.involution_fused, tensors, layer.groups, fields.kernel_size, fields.stride, fields.dilation)


aggregate = Fused()


def _reduction(reduce: nn.Sequential) -> tuple[Tensor, Tensor, Tensor]:
    """Weight, scale and shift of convolution and norm in eval mode."""
    convolution, norm = cast(nn.Conv2d, reduce[0]), cast(nn.BatchNorm2d, reduce[1])
    mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    return convolution.weight, scale, norm.bias - mean * scale
