"""Sliding windows as shifted slices: what the references are made of."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def pad(x: Tensor, border: int) -> Tensor:
    """x `[..., H, W]` with `border` zeros on each side."""
    return functional.pad(x, (border,) * 4)


def tap(padded: Tensor, u: int, v: int, height: int, width: int, stride: int, dilation: int) -> Tensor:
    """The slice of a padded map that kernel position (u, v) sees: `[..., height, width]`."""
    top, left = u * dilation, v * dilation
    bottom, right = top + (height - 1) * stride + 1, left + (width - 1) * stride + 1
    return padded[..., top:bottom:stride, left:right:stride]
