"""Convolution as an `nn.Module`, and its eager reference."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from invobench.operators.base import conv_output_size
from invobench.operators.conv.spec import Fields
from invobench.operators.windows import pad, tap


class Convolve(Protocol):
    """What a backend of conv is: cross-correlation with zeros outside the image."""

    def __call__(
        self, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int, dilation: int, groups: int
    ) -> Tensor:
        """x `[N, C, H, W]`, weight `[C_out, C/groups, K, K]`, bias `[C_out]` -> `[N, C_out, H_out, W_out]`."""
        ...


def reference(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int, dilation: int, groups: int
) -> Tensor:
    """A matrix product over channels for each tap, summed: the oracle that every backend is compared with."""
    kernel_size = weight.shape[-1]
    height, width = (conv_output_size(size, kernel_size, stride, padding, dilation) for size in x.shape[-2:])
    padded = pad(x, padding).unflatten(1, (groups, -1))
    taps = weight.unflatten(0, (groups, -1))
    y: Tensor = x.new_zeros(x.shape[0], groups, taps.shape[1], height * width)
    for index in range(kernel_size**2):
        u, v = divmod(index, kernel_size)
        seen = tap(padded, u, v, height, width, stride, dilation).flatten(-2)
        y = y + torch.matmul(taps[..., u, v], seen)
    y = y.flatten(1, 2).unflatten(-1, (height, width))
    return y if bias is None else y + bias.view(-1, 1, 1)


class Convolution(nn.Conv2d):
    """A convolution whose parameters, names and initial values are those of `nn.Conv2d`."""

    def __init__(self, fields: Fields, in_channels: int, convolve: Convolve) -> None:
        super().__init__(
            in_channels,
            fields.filters(in_channels),
            fields.kernel_size,
            stride=fields.stride,
            padding=fields.border,
            dilation=fields.dilation,
            groups=fields.group_count(in_channels),
            bias=fields.bias,
        )
        self.fields, self.convolve = fields, convolve

    def forward(self, x: Tensor) -> Tensor:
        """x `[N, C, H, W]` -> `[N, C_out, H_out, W_out]`."""
        fields = self.fields
        return self.convolve(x, self.weight, self.bias, fields.stride, fields.border, fields.dilation, self.groups)


def build(fields: Fields, in_channels: int, implementation: Convolve, scope: str = "module") -> nn.Module:
    """The module that convolves with `implementation`."""
    return Convolution(fields, in_channels, implementation)
