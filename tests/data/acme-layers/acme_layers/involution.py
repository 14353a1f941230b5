"""Backend `einsum` for invobench's own involution."""

import torch
from torch import Tensor
from torch.nn import functional


def aggregate(x: Tensor, weight: Tensor, kernel_size: int, stride: int, dilation: int) -> Tensor:
    """x `[N, C, H, W]`, weight `[N, G, K*K, H_out, W_out]` -> `[N, C, H_out, W_out]`."""
    batch, groups, taps, height, width = weight.shape
    padding = dilation * (kernel_size // 2)
    columns = functional.unfold(x, kernel_size, dilation=dilation, padding=padding, stride=stride)
    columns = columns.view(batch, groups, -1, taps, height, width)
    return torch.einsum("ngkhw,ngckhw->ngchw", weight, columns).flatten(1, 2)
