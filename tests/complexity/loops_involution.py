"""Involution in loops: y[n, c, i, j] = Σ_u,v kernel[n, g(c), u·K + v, i, j]·x[n, c, i·s + (u - K/2)·r, ...].

The kernel is given (scope `aggregation`) or made from the pixel: span(ReLU(norm(reduce(pool(x))))), or span(pool(x)).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.complexity.loops import (
    Grid,
    Index,
    Shape,
    Tally,
    added,
    bias_backward,
    biased,
    indices,
    normalised,
    pointwise,
    pointwise_backward,
    pooled,
    pooled_backward,
    scaled_backward,
    zeros,
)


class Involution:
    """An involution of an input of `dims`, `[N, C, H, W]`, with the fields of a spec."""

    def __init__(self, dims: Shape, scope: str, fields: dict[str, Any]) -> None:
        self.dims, self.scope, self.form = dims, scope, fields["form"]
        self.inputs = ("x",) if scope == "module" else ("x", "kernel")
        channels = dims[1]
        self.size, self.stride, self.dilation = fields["kernel_size"], fields["stride"], fields["dilation"]
        together = channels if fields["group_channels"] == "C" else fields["group_channels"] or min(16, channels)
        self.groups = fields["groups"] or channels // together
        self.hidden = channels // fields["reduction_ratio"] if self.form == "bottleneck" else channels
        # the pixels that a window is centred on
        self.out = (*dims[:2], len(range(0, dims[2], self.stride)), len(range(0, dims[3], self.stride)))
        self.kernel_shape = (dims[0], self.groups, self.size**2, *self.out[2:])

    def shapes(self) -> dict[str, Shape]:
        """What the layer takes: its inputs, its parameters and the norm's statistics."""
        if self.scope == "aggregation":
            return {"x": self.dims, "kernel": self.kernel_shape}
        each = (self.hidden,)
        norm = {f"reduce.1.{name}": each for name in ("weight", "bias", "running_mean", "running_var")}
        spanned = self.size**2 * self.groups
        shapes = {"x": self.dims, "span.weight": (spanned, self.hidden, 1, 1), "span.bias": (spanned,)}
        if self.form == "bottleneck":
            shapes |= {"reduce.0.weight": (self.hidden, self.dims[1], 1, 1), **norm}
        return shapes

    def products(self) -> Iterator[tuple[Index, Index, Index]]:
        """Indices into y, kernel and x, the last maybe outside of the image, of each product of the sum."""
        for n, c, i, j in indices(*self.out):
            g = c // (self.dims[1] // self.groups)
            for u, v in indices(self.size, self.size):
                a = i * self.stride + (u - self.size // 2) * self.dilation
                b = j * self.stride + (v - self.size // 2) * self.dilation
                yield (n, c, i, j), (n, g, u * self.size + v, i, j), (n, c, a, b)

    def forward(self, given: dict[str, Grid], tally: Tally) -> Grid:
        """The output for the inputs and parameters `given`."""
        x, y = given["x"], zeros()
        self.kernel = given["kernel"] if self.scope == "aggregation" else self.generate(given, tally)
        for to, tap, pixel in self.products():
            y[to] += self.kernel[tap] * x.get(pixel, 0.0)
            tally.mark("aggregate", pixel in x)
        return y

    def generate(self, given: dict[str, Grid], tally: Tally) -> Grid:
        """The kernel, made from each pixel (with a stride, from the mean of a window)."""
        self.pixel = self.features = pooled(given["x"], self.stride)
        if self.form == "bottleneck":
            reduced = pointwise("reduce", self.pixel, given["reduce.0.weight"], self.hidden, tally)
            self.unit = normalised(reduced, given["reduce.1.running_mean"], given["reduce.1.running_var"])
            scale, shift = given["reduce.1.weight"], given["reduce.1.bias"]
            self.features = {
                index: max(0.0, scale[index[1:2]] * u + shift[index[1:2]]) for index, u in self.unit.items()
            }
        flat = pointwise("span", self.features, given["span.weight"], self.groups * self.size**2, tally)
        flat = biased(flat, given["span.bias"])
        return {(n, g, t, i, j): flat[n, g * self.size**2 + t, i, j] for n, g, t, i, j in indices(*self.kernel_shape)}

    def backward(self, given: dict[str, Grid], grad_y: Grid, tally: Tally) -> dict[str, Grid]:
        """Gradients of what was `given`, after a forward pass."""
        x, grad_x, grad_kernel = given["x"], zeros(), zeros()
        for to, tap, pixel in self.products():
            grad_x[pixel] += self.kernel[tap] * grad_y[to]
            tally.mark("aggregate", pixel in x)
            grad_kernel[tap] += x.get(pixel, 0.0) * grad_y[to]
            tally.mark("aggregate", pixel in x)
        if self.scope == "aggregation":
            return {"x": grad_x, "kernel": grad_kernel}
        grads = self.generate_backward(given, grad_kernel, tally)
        return grads | {"x": added(grad_x, grads["x"])}

    def generate_backward(self, given: dict[str, Grid], grad_kernel: Grid, tally: Tally) -> dict[str, Grid]:
        """Gradients by way of the kernel."""
        flat = {(n, g * self.size**2 + t, i, j): value for (n, g, t, i, j), value in grad_kernel.items()}
        weight, grads = given["span.weight"], {"span.bias": bias_backward(flat)}
        grad, grads["span.weight"] = pointwise_backward(
            "span", self.features, weight, self.groups * self.size**2, flat, tally
        )
        if self.form == "bottleneck":
            grad = {index: value if self.features[index] > 0 else 0.0 for index, value in grad.items()}
            scale, variance = given["reduce.1.weight"], given["reduce.1.running_var"]
            grads["reduce.1.bias"] = bias_backward(grad)
            grad, grads["reduce.1.weight"] = scaled_backward(grad, self.unit, scale, variance)
            weight = given["reduce.0.weight"]
            grad, grads["reduce.0.weight"] = pointwise_backward("reduce", self.pixel, weight, self.hidden, grad, tally)
        return grads | {"x": pooled_backward(given["x"], self.stride, grad)}
