"""The module, which computes with the backend it is given, and the reference that backends are compared with."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from acme_layers.shift_conv.spec import Fields

Mix = Callable[[Tensor, Tensor, int, int], Tensor]


def shifted(x: Tensor, distance: int) -> Tensor:
    """x `[N, C, H, W]` with a quarter of its channels moved down, up, right and left; zeros come in."""
    moves = ((0, 0, distance, -distance), (0, 0, -distance, distance), (distance, -distance), (-distance, distance))
    parts = zip(x.chunk(4, dim=1), moves, strict=True)
    return torch.cat([functional.pad(part, move) for part, move in parts], dim=1)


def reference(x: Tensor, weight: Tensor, distance: int, stride: int) -> Tensor:
    """x `[N, C, H, W]`, weight `[C, C]` -> `[N, C, ceil(H/stride), ceil(W/stride)]`."""
    seen = shifted(x, distance)[..., ::stride, ::stride]
    return torch.matmul(weight, seen.flatten(2)).unflatten(2, seen.shape[2:])


class ShiftConv(nn.Module):
    """Shift convolution."""

    def __init__(self, fields: Fields, channels: int, mix: Mix) -> None:
        super().__init__()
        self.fields, self.mix = fields, mix
        self.weight = nn.Parameter(torch.randn(channels, channels) / channels**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """x `[N, C, H, W]` -> `[N, C, ceil(H/stride), ceil(W/stride)]`."""
        return self.mix(x, self.weight, self.fields.distance, self.fields.stride)


def build(fields: Fields, in_channels: int, implementation: Mix, scope: str = "module") -> nn.Module:
    """The module for `in_channels` channels."""
    return ShiftConv(fields, in_channels, implementation)
