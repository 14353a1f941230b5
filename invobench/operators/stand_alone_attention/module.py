"""Stand-alone self-attention as an `nn.Module`, and its eager reference."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from invobench.operators.parts import part
from invobench.operators.stand_alone_attention.spec import Fields
from invobench.operators.windows import pad, tap


class Attend(Protocol):
    """What a backend of stand-alone attention is: attention of each position over its K×K neighbourhood.

    The logit of tap (u, v) is q·k + q_row·row[u] + q_column·column[v], without a scale, q_row being the first
    half of the head's channels and q_column the second. Outside the image k and v are zero: those taps take
    part in the softmax with their relative terms.
    """

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, row: Tensor, column: Tensor, kernel_size: int) -> Tensor:
        """q, k, v `[N, C, H, W]`, row and column `[heads, head_dim/2, K]` -> y `[N, C, H, W]`."""
        ...


def relative_logits(q: Tensor, row: Tensor, column: Tensor) -> tuple[Tensor, Tensor]:
    """The terms of the K rows and of the K columns, each `[N, heads, K, H, W]`, for q `[N, heads, head_dim, H, W]`."""
    with part("relative"):
        q_row, q_column = q.chunk(2, dim=2)
        rows = torch.einsum("nhdyx,hdk->nhkyx", q_row, row)
        columns = torch.einsum("nhdyx,hdk->nhkyx", q_column, column)
    return rows, columns


def reference(q: Tensor, k: Tensor, v: Tensor, row: Tensor, column: Tensor, kernel_size: int) -> Tensor:
    """Equation 3 of the paper, tap by tap: the oracle that every backend is compared with."""
    heads, (height, width) = row.shape[0], q.shape[-2:]
    q = q.unflatten(1, (heads, -1))
    keys, values = (pad(x, kernel_size // 2).unflatten(1, (heads, -1)) for x in (k, v))
    rows, columns = relative_logits(q, row, column)
    positions = [divmod(index, kernel_size) for index in range(kernel_size**2)]
    with part("scores"):
        scores = [(q * tap(keys, i, j, height, width, 1, 1)).sum(dim=2) for i, j in positions]
    with part("softmax"):
        logits = [score + rows[:, :, i] + columns[:, :, j] for score, (i, j) in zip(scores, positions, strict=True)]
        attention = torch.stack(logits, dim=2).softmax(dim=2)
    with part("weighted_sum"):
        y = torch.zeros_like(q)
        for index, (i, j) in enumerate(positions):
            y = y + attention[:, :, index].unsqueeze(2) * tap(values, i, j, height, width, 1, 1)
    return y.flatten(1, 2)


class StandAloneAttention(nn.Module):
    """Local multi-head self-attention with relative row and column embeddings (paper, section 3).

    Query, key and value are 1×1 convolutions without bias. Stride 2 is `AvgPool2d(2, ceil_mode=True)` of the
    output. The paper gives no initial values of the embeddings: normal with variance 1/head_dim here.
    """

    def __init__(self, fields: Fields, in_channels: int, attend: Attend) -> None:
        super().__init__()
        self.fields, self.attend = fields, attend
        filters = fields.filters(in_channels)
        self.query = nn.Conv2d(in_channels, filters, 1, bias=False)
        self.key = nn.Conv2d(in_channels, filters, 1, bias=False)
        self.value = nn.Conv2d(in_channels, filters, 1, bias=False)
        head_dim = fields.head_dim(in_channels)
        embeddings = (fields.num_heads, head_dim // 2, fields.kernel_size)
        self.row = nn.Parameter(torch.empty(embeddings))
        self.column = nn.Parameter(torch.empty(embeddings))
        for parameter in (self.row, self.column):
            nn.init.normal_(parameter, std=head_dim**-0.5)
        self.pool = nn.AvgPool2d(fields.stride, ceil_mode=True) if fields.stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """x `[N, C, H, W]` -> `[N, C_out, H_out, W_out]`."""
        q, k, v = self.query(x), self.key(x), self.value(x)
        y: Tensor = self.pool(self.attend(q, k, v, self.row, self.column, self.fields.kernel_size))
        return y


def build(fields: Fields, in_channels: int, implementation: Attend, scope: str = "module") -> nn.Module:
    """The module that attends with `implementation`."""
    return StandAloneAttention(fields, in_channels, implementation)
