"""Stand-alone attention in loops: each position looks at its K×K neighbourhood, in each head on its own.

logit[u, v] = Σ_d q[d]·k[d, u, v] + Σ_d<D/2 q[d]·row[d, u] + Σ_d<D/2 q[D/2 + d]·column[d, v], where k is of the tap
(u, v) and zero outside of the image; y[d] = Σ_u,v softmax(logit)[u, v]·v[d, u, v]. The relative terms are made once
for each row and each column. Stride 2 is the mean of 2×2 windows of the output.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tests.complexity.loops import (
    Grid,
    Index,
    Shape,
    Tally,
    added,
    indices,
    pointwise,
    pointwise_backward,
    pooled,
    pooled_backward,
    zeros,
)

_PROJECTIONS = ("query", "key", "value")


class Attention:
    """Attention over an input of `dims`, `[N, C, H, W]`, with the fields of a spec."""

    inputs = ("x",)

    def __init__(self, dims: Shape, scope: str, fields: dict[str, Any]) -> None:
        self.dims, self.size, self.stride = dims, fields["kernel_size"], fields["stride"]
        self.heads, self.filters = fields["num_heads"], fields["out_channels"] or dims[1]
        self.head_dim = self.filters // self.heads
        self.half = self.head_dim // 2

    def shapes(self) -> dict[str, Shape]:
        """What the layer takes: its input and its parameters."""
        projections = {f"{name}.weight": (self.filters, self.dims[1], 1, 1) for name in _PROJECTIONS}
        embeddings = dict.fromkeys(("row", "column"), (self.heads, self.half, self.size))
        return {"x": self.dims, **projections, **embeddings}

    def windows(self) -> Iterator[Index]:
        """(n, h, i, j) of each position in each head of each image."""
        return indices(self.dims[0], self.heads, *self.dims[2:])

    def taps(self, i: int, j: int) -> Iterator[tuple[Index, int, int]]:
        """(u, v), and the pixel that it falls on, for the window around (i, j)."""
        for u, v in indices(self.size, self.size):
            yield (u, v), i + u - self.size // 2, j + v - self.size // 2

    def forward(self, given: dict[str, Grid], tally: Tally) -> Grid:
        """The output for the input and parameters `given`."""
        self.q, self.k, self.v = (
            pointwise(name, given["x"], given[f"{name}.weight"], self.filters, tally) for name in _PROJECTIONS
        )
        self.attention: dict[Index, dict[Index, float]] = {}
        self.y = zeros()
        for n, h, i, j in self.windows():
            attention = self.attention[n, h, i, j] = self.attend(given, (n, h, i, j), tally)
            for d in range(h * self.head_dim, (h + 1) * self.head_dim):
                for tap, a, b in self.taps(i, j):
                    self.y[n, d, i, j] += attention[tap] * self.v.get((n, d, a, b), 0.0)
                    tally.mark("weighted_sum", (n, d, a, b) in self.v)
        return pooled(self.y, self.stride)

    def attend(self, given: dict[str, Grid], window: Index, tally: Tally) -> dict[Index, float]:
        """The softmax over the taps of one window."""
        (n, h, i, j), first = window, window[1] * self.head_dim
        row, column, rows, columns, logits = given["row"], given["column"], zeros(), zeros(), zeros()
        for u, d in indices(self.size, self.half):
            rows[(u,)] += self.q[n, first + d, i, j] * row[h, d, u]
            tally.mark("relative")
            columns[(u,)] += self.q[n, first + self.half + d, i, j] * column[h, d, u]
            tally.mark("relative")
        for (u, v), a, b in self.taps(i, j):
            for d in range(first, first + self.head_dim):
                logits[u, v] += self.q[n, d, i, j] * self.k.get((n, d, a, b), 0.0)
                tally.mark("scores", (n, d, a, b) in self.k)
            logits[u, v] += rows[(u,)] + columns[(v,)]
        highest = max(logits.values())
        powers = {tap: math.exp(logit - highest) for tap, logit in logits.items()}
        total = sum(powers.values())
        return {tap: power / total for tap, power in powers.items()}

    def backward(self, given: dict[str, Grid], grad_y: Grid, tally: Tally) -> dict[str, Grid]:
        """Gradients of what was `given`, after a forward pass."""
        grad_y = pooled_backward(self.y, self.stride, grad_y)
        into = {name: zeros() for name in ("query", "key", "value", "row", "column")}
        for n, h, i, j in self.windows():
            attention, grad_attention = self.attention[n, h, i, j], zeros()
            for d in range(h * self.head_dim, (h + 1) * self.head_dim):
                for tap, a, b in self.taps(i, j):
                    grad_attention[tap] += self.v.get((n, d, a, b), 0.0) * grad_y[n, d, i, j]
                    tally.mark("weighted_sum", (n, d, a, b) in self.v)
                    into["value"][n, d, a, b] += attention[tap] * grad_y[n, d, i, j]
                    tally.mark("weighted_sum", (n, d, a, b) in self.v)
            mean = sum(attention[tap] * grad_attention[tap] for tap in attention)
            grad_logits = {tap: share * (grad_attention[tap] - mean) for tap, share in attention.items()}
            self.attend_backward(given, (n, h, i, j), grad_logits, into, tally)
        return self.project_backward(given, into, tally)

    def attend_backward(
        self, given: dict[str, Grid], window: Index, grad_logits: Grid, into: dict[str, Grid], tally: Tally
    ) -> None:
        """Gradients by way of the logits of one window, added to those `into`."""
        (n, h, i, j), first = window, window[1] * self.head_dim
        grad_rows, grad_columns = zeros(), zeros()
        for (u, v), a, b in self.taps(i, j):
            for d in range(first, first + self.head_dim):
                into["query"][n, d, i, j] += grad_logits[u, v] * self.k.get((n, d, a, b), 0.0)
                tally.mark("scores", (n, d, a, b) in self.k)
                into["key"][n, d, a, b] += grad_logits[u, v] * self.q[n, d, i, j]
                tally.mark("scores", (n, d, a, b) in self.k)
            grad_rows[(u,)] += grad_logits[u, v]
            grad_columns[(v,)] += grad_logits[u, v]
        sides = (("row", first, grad_rows), ("column", first + self.half, grad_columns))
        for (name, start, grad_terms), u, d in (
            (side, u, d) for side in sides for u, d in indices(self.size, self.half)
        ):
            into["query"][n, start + d, i, j] += grad_terms[(u,)] * given[name][h, d, u]
            tally.mark("relative")
            into[name][h, d, u] += grad_terms[(u,)] * self.q[n, start + d, i, j]
            tally.mark("relative")

    def project_backward(self, given: dict[str, Grid], into: dict[str, Grid], tally: Tally) -> dict[str, Grid]:
        """Gradients by way of q, k and v."""
        grads, into_x = {"row": into["row"], "column": into["column"]}, []
        for name in _PROJECTIONS:
            weight = given[f"{name}.weight"]
            grad_x, grads[f"{name}.weight"] = pointwise_backward(
                name, given["x"], weight, self.filters, into[name], tally
            )
            into_x.append(grad_x)
        return grads | {"x": added(*into_x)}
