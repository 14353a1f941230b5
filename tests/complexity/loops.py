"""What the loops share: numbers by index, a tally of multiply-adds, and the small steps between products.

The operators are spelled out in `loops_conv.py`, `loops_involution.py` and `loops_attention.py`: plain Python written
from the mathematics, with a tally mark beside each multiply-add. They share no code with the formulas or the counters
that are compared with them, and they compute the values too, so that a loop that counts what is not needed is wrong.

A tensor is a dictionary from index to number. The image has zeros around it: those are the indices that a dictionary
lacks. A gradient may have entries there; they are the zeros' own, and nobody reads them.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import product

Index = tuple[int, ...]
Shape = tuple[int, ...]
Grid = dict[Index, float]

_EPS = 1e-5


class Tally:
    """Multiply-adds by term: `every` one, and those `inside`, whose tap lies inside the image."""

    def __init__(self) -> None:
        self.every: Counter[str] = Counter()
        self.inside: Counter[str] = Counter()

    def mark(self, term: str, inside: bool = True) -> None:
        """One multiply-add of `term`."""
        self.every[term] += 1
        self.inside[term] += inside


def zeros() -> Grid:
    """A tensor of zeros, of any shape."""
    return defaultdict(float)


def indices(*sizes: int) -> Iterator[Index]:
    """Every index of a tensor of shape `sizes`."""
    return product(*map(range, sizes))


def pointwise(term: str, x: Grid, weight: Grid, filters: int, tally: Tally) -> Grid:
    """A 1×1 convolution: y[n, d, i, j] = Σ_c weight[d, c]·x[n, c, i, j]."""
    y = zeros()
    for n, c, i, j in x:
        for d in range(filters):
            y[n, d, i, j] += weight[d, c, 0, 0] * x[n, c, i, j]
            tally.mark(term)
    return y


def pointwise_backward(term: str, x: Grid, weight: Grid, filters: int, grad_y: Grid, tally: Tally) -> tuple[Grid, Grid]:
    """Gradients of x and of weight."""
    grad_x, grad_weight = zeros(), zeros()
    for n, c, i, j in x:
        for d in range(filters):
            grad_x[n, c, i, j] += weight[d, c, 0, 0] * grad_y[n, d, i, j]
            tally.mark(term)
            grad_weight[d, c, 0, 0] += x[n, c, i, j] * grad_y[n, d, i, j]
            tally.mark(term)
    return grad_x, grad_weight


def biased(x: Grid, bias: Grid) -> Grid:
    """x[n, c, i, j] + bias[c]."""
    return {(n, c, i, j): value + bias[(c,)] for (n, c, i, j), value in x.items()}


def bias_backward(grad_y: Grid) -> Grid:
    """Gradient of the bias."""
    grad_bias = zeros()
    for (_, c, _, _), value in grad_y.items():
        grad_bias[(c,)] += value
    return grad_bias


def normalised(x: Grid, mean: Grid, variance: Grid) -> Grid:
    """Batch normalisation with the running statistics, before its scale and shift."""
    return {(n, c, i, j): (value - mean[(c,)]) / math.sqrt(variance[(c,)] + _EPS) for (n, c, i, j), value in x.items()}


def scaled_backward(grad_y: Grid, unit: Grid, scale: Grid, variance: Grid) -> tuple[Grid, Grid]:
    """Gradients of x and of scale for y = scale·unit + shift, `unit` being `normalised(x, ...)`."""
    grad_x, grad_scale = zeros(), zeros()
    for (n, c, i, j), value in grad_y.items():
        grad_x[n, c, i, j] = value * scale[(c,)] / math.sqrt(variance[(c,)] + _EPS)
        grad_scale[(c,)] += value * unit[n, c, i, j]
    return grad_x, grad_scale


def pooled(x: Grid, stride: int) -> Grid:
    """The mean of each stride×stride window, over the part of it that is inside the image."""
    windows: dict[Index, list[float]] = defaultdict(list)
    for (n, c, i, j), value in x.items():
        windows[n, c, i // stride, j // stride].append(value)
    return {index: sum(values) / len(values) for index, values in windows.items()}


def pooled_backward(x: Grid, stride: int, grad_y: Grid) -> Grid:
    """Gradient of x: each pixel has its share of its window's."""
    window = {(n, c, i, j): (n, c, i // stride, j // stride) for n, c, i, j in x}
    pixels = Counter(window.values())
    return {index: grad_y[seen] / pixels[seen] for index, seen in window.items()}


def added(*grads: Grid) -> Grid:
    """The sum of several gradients of one tensor."""
    total = zeros()
    for grad in grads:
        for index, value in grad.items():
            total[index] += value
    return total
