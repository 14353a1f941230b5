"""`unfold`: keys and values gathered by `nn.Unfold`'s function; needs K²·C·H·W extra elements twice."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from invobench.operators.parts import part
from invobench.operators.stand_alone_attention.module import relative_logits


def attend(q: Tensor, k: Tensor, v: Tensor, row: Tensor, column: Tensor, kernel_size: int) -> Tensor:
    """Attention over unfolded windows; shapes as `Attend`."""
    heads = row.shape[0]
    q = q.unflatten(1, (heads, -1))
    rows, columns = relative_logits(q, row, column)
    with part("scores"):
        scores = (q.unsqueeze(3) * _windows(k, heads, kernel_size)).sum(dim=2).unflatten(2, (kernel_size, kernel_size))
    with part("softmax"):
        attention = (scores + rows.unsqueeze(3) + columns.unsqueeze(2)).flatten(2, 3).softmax(dim=2)
    with part("weighted_sum"):
        y: Tensor = (attention.unsqueeze(2) * _windows(v, heads, kernel_size)).sum(dim=3).flatten(1, 2)
    return y


def _windows(x: Tensor, heads: int, kernel_size: int) -> Tensor:
    """Each position's neighbourhood, `[N, heads, head_dim, K*K, H, W]`, for x `[N, C, H, W]`."""
    batch, _, height, width = x.shape
    columns = functional.unfold(x, kernel_size, padding=kernel_size // 2)
    return columns.view(batch, heads, -1, kernel_size**2, height, width)
