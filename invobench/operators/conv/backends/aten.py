"""`aten`: torch's own convolution (oneDNN on a CPU, cuDNN on a GPU)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int, dilation: int, groups: int
) -> Tensor:
    """Convolution; shapes as `Convolve`."""
    return functional.conv2d(x, weight, bias, stride, padding, dilation, groups)
