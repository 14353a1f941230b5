"""Involution as an `nn.Module`, and its eager reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from invobench.operators.involution.spec import Fields
from invobench.operators.windows import pad, tap


class Aggregate(Protocol):
    """What a backend of involution is: the weighted sum over a K×K neighbourhood, zero outside the image."""

    def __call__(self, x: Tensor, weight: Tensor, kernel_size: int, stride: int, dilation: int) -> Tensor:
        """x `[N, C, H, W]`, weight `[N, G, K*K, H_out, W_out]` -> y `[N, C, H_out, W_out]`, in x's dtype."""
        ...


#: what a backend has as `involve` that computes a whole layer: layer, x `[N, C, H, W]` -> `[N, C, H_out, W_out]`
WholeLayer = Callable[["Involution", Tensor], Tensor]


def reference(x: Tensor, weight: Tensor, kernel_size: int, stride: int, dilation: int) -> Tensor:
    """Equation 4 of the paper, tap by tap: the oracle that every backend is compared with."""
    groups, (height, width) = weight.shape[1], weight.shape[-2:]
    padded = pad(x, dilation * (kernel_size // 2)).unflatten(1, (groups, -1))
    y = torch.zeros_like(padded[..., :height, :width])
    for index in range(kernel_size**2):
        u, v = divmod(index, kernel_size)
        y = y + weight[:, :, index].unsqueeze(2) * tap(padded, u, v, height, width, stride, dilation)
    return y.flatten(1, 2)


class Aggregation(nn.Module):
    """Scope `aggregation`: the kernel is an input."""

    def __init__(self, fields: Fields, aggregate: Aggregate) -> None:
        super().__init__()
        self.fields, self.aggregate = fields, aggregate

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        """x `[N, C, H, W]`, weight `[N, G, K*K, H_out, W_out]` -> `[N, C, H_out, W_out]`."""
        return self.aggregate(x, weight, self.fields.kernel_size, self.fields.stride, self.fields.dilation)


class Involution(nn.Module):
    """Involution with the kernel generated from one pixel (paper, section 3).

    `form: bottleneck` is W1·ReLU(BN(W0·x)), `linear` the single matrix W of the ablation. As in the published
    code, reduce has no bias and span has one (the slides' listing has a bias in reduce as well). With a
    stride, the kernel is made from `AvgPool2d(stride, ceil_mode=True)`, so that odd sizes agree with the output.
    """

    def __init__(self, fields: Fields, in_channels: int, aggregate: Aggregate) -> None:
        super().__init__()
        self.fields, self.aggregate = fields, aggregate
        self.groups = fields.group_count(in_channels)
        hidden = in_channels
        self.pool = nn.AvgPool2d(fields.stride, ceil_mode=True) if fields.stride > 1 else nn.Identity()
        self.reduce: nn.Module = nn.Identity()
        if fields.form == "bottleneck":
            hidden = in_channels // fields.reduction_ratio
            self.reduce = nn.Sequential(
                nn.Conv2d(in_channels, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU(inplace=True)
            )
        self.span = nn.Conv2d(hidden, fields.kernel_size**2 * self.groups, 1)

    def kernels(self, x: Tensor) -> Tensor:
        """The generated kernel, `[N, G, K*K, H_out, W_out]`, for x `[N, C, H, W]`."""
        generated: Tensor = self.span(self.reduce(self.pool(x)))
        kernels: Tensor = generated.unflatten(1, (self.groups, -1))
        return kernels

    def forward(self, x: Tensor) -> Tensor:
        """x `[N, C, H, W]` -> `[N, C, H_out, W_out]`."""
        whole: WholeLayer | None = getattr(self.aggregate, "involve", None)
        if whole is not None and not x.is_meta:  # what is counted is counted term by term
            return whole(self, x)
        return self.aggregate(x, self.kernels(x), self.fields.kernel_size, self.fields.stride, self.fields.dilation)


def build(fields: Fields, in_channels: int, implementation: Aggregate, scope: str = "module") -> nn.Module:
    """The module of `scope` that aggregates with `implementation`."""
    if scope == "aggregation":
        return Aggregation(fields, implementation)
    return Involution(fields, in_channels, implementation)
