"""Convolution in loops: y[n, d, i, j] = bias[d] + Σ_c,u,v weight[d, c, u, v]·x[n, c, i·s + u·r - p, j·s + v·r - p]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.complexity.loops import Grid, Index, Shape, Tally, bias_backward, biased, indices, zeros


class Conv:
    """A convolution of an input of `dims`, `[N, C, H, W]`, with the fields of a spec."""

    inputs = ("x",)

    def __init__(self, dims: Shape, scope: str, fields: dict[str, Any]) -> None:
        self.dims, self.bias = dims, fields["bias"]
        channels = dims[1]
        self.size, self.stride, self.dilation = fields["kernel_size"], fields["stride"], fields["dilation"]
        self.filters = fields["out_channels"] or channels
        self.groups = channels if fields["groups"] == "C" else fields["groups"]
        reach = self.dilation * (self.size - 1)
        self.padding = reach // 2 if fields["padding"] is None else fields["padding"]
        # where a window can begin without leaving the padded image
        height, width = (
            len(range(-self.padding, size + self.padding - reach, self.stride)) for size in (dims[2], dims[3])
        )
        self.out = (dims[0], self.filters, height, width)

    def shapes(self) -> dict[str, Shape]:
        """What the layer takes: its input and its parameters."""
        weight = (self.filters, self.dims[1] // self.groups, self.size, self.size)
        shapes = {"x": self.dims, "weight": weight}
        return shapes | {"bias": (self.filters,)} if self.bias else shapes

    def products(self) -> Iterator[tuple[Index, Index, Index]]:
        """Indices into y, weight and x, the last maybe outside of the image, of each product of the sum."""
        inner, outer = self.dims[1] // self.groups, self.filters // self.groups
        for n, d, i, j in indices(*self.out):
            first = d // outer * inner  # the first channel of the filter's group
            for c, u, v in indices(inner, self.size, self.size):
                a = i * self.stride + u * self.dilation - self.padding
                b = j * self.stride + v * self.dilation - self.padding
                yield (n, d, i, j), (d, c, u, v), (n, first + c, a, b)

    def forward(self, given: dict[str, Grid], tally: Tally) -> Grid:
        """The output for the input and parameters `given`."""
        x, weight, y = given["x"], given["weight"], zeros()
        for to, tap, pixel in self.products():
            y[to] += weight[tap] * x.get(pixel, 0.0)
            tally.mark("conv", pixel in x)
        return biased(y, given["bias"]) if self.bias else y

    def backward(self, given: dict[str, Grid], grad_y: Grid, tally: Tally) -> dict[str, Grid]:
        """Gradients of what was `given`."""
        x, weight, grad_x, grad_weight = given["x"], given["weight"], zeros(), zeros()
        for to, tap, pixel in self.products():
            grad_x[pixel] += weight[tap] * grad_y[to]
            tally.mark("conv", pixel in x)
            grad_weight[tap] += x.get(pixel, 0.0) * grad_y[to]
            tally.mark("conv", pixel in x)
        grads = {"x": grad_x, "weight": grad_weight}
        return grads | {"bias": bias_backward(grad_y)} if self.bias else grads
