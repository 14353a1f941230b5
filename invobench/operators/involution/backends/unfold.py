"""`unfold`: the slides' code path, K² shifted copies of the input, multiplied and summed; the published baseline."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def aggregate(x: Tensor, weight: Tensor, kernel_size: int, stride: int, dilation: int) -> Tensor:
    """Aggregation with `nn.Unfold`'s function; shapes as `Aggregate`. Needs K²·C·H·W extra elements twice."""
    batch, groups, taps, height, width = weight.shape
    columns = functional.unfold(x, kernel_size, dilation=dilation, padding=dilation * (kernel_size // 2), stride=stride)
    columns = columns.view(batch, groups, -1, taps, height, width)
    return (weight.unsqueeze(2) * columns).sum(dim=3).flatten(1, 2)
