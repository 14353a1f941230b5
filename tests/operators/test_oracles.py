"""The references against what shares no code with them: literal loops, torch's convolution, dense attention."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from invobench.operators import BACKENDS
from invobench.operators.conv.module import reference as convolve
from invobench.operators.involution.module import reference as aggregate
from invobench.operators.involution.spec import Fields as InvolutionFields
from invobench.operators.stand_alone_attention.module import reference as attend
from tests.operators.cases import case

EXACT = {"rtol": 1e-12, "atol": 1e-12}


def numbers(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def at(x: Tensor, image: int, channel: int, row: int, column: int) -> Tensor:
    """x there, zero outside the image."""
    inside = 0 <= row < x.shape[2] and 0 <= column < x.shape[3]
    return x[image, channel, row, column] if inside else x.new_zeros(())


@pytest.mark.parametrize(
    ("kernel_size", "stride", "dilation", "groups", "height", "width"),
    [(3, 1, 1, 2, 4, 3), (3, 2, 1, 1, 5, 4), (3, 1, 2, 4, 3, 6), (5, 2, 2, 2, 5, 5), (1, 2, 1, 2, 3, 3)],
)
def test_involution_is_the_papers_sum(kernel_size, stride, dilation, groups, height, width):
    """y[c, i, j] = Σ_{u, v} w[c·G/C, u·K + v, i, j] · x[c, i·s + (u - K/2)·d, j·s + (v - K/2)·d]."""
    channels, out_height, out_width = 4, -(-height // stride), -(-width // stride)
    x, w = numbers(2, channels, height, width), numbers(2, groups, kernel_size**2, out_height, out_width)
    y = torch.zeros(2, channels, out_height, out_width, dtype=torch.float64)
    for n, c, i, j, u, v in product(
        range(2), range(channels), range(out_height), range(out_width), range(kernel_size), range(kernel_size)
    ):
        row = i * stride + (u - kernel_size // 2) * dilation
        column = j * stride + (v - kernel_size // 2) * dilation
        y[n, c, i, j] += w[n, c * groups // channels, u * kernel_size + v, i, j] * at(x, n, c, row, column)
    torch.testing.assert_close(aggregate(x, w, kernel_size, stride, dilation), y, **EXACT)


@pytest.mark.parametrize("form", ["bottleneck", "linear"])
def test_involutions_kernel_comes_from_the_pooled_pixel(form):
    """Kernel at (i, j) = W1·ReLU(BN(W0·mean of the 2×2 window)) + b, windows cut off at an odd border."""
    module = case("involution", (1, 4, 3, 5), kernel_size=3, stride=2, groups=2, form=form, reduction_ratio=2)
    built = module.build("reference").double()
    x = numbers(1, 4, 3, 5)
    kernels = built.kernels(x)
    assert kernels.shape == (1, 2, 9, 2, 3)
    for i, j in product(range(2), range(3)):
        pixel = x[0, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean(dim=(1, 2))
        if form == "bottleneck":
            conv, norm, _ = built.reduce
            hidden = conv.weight[:, :, 0, 0] @ pixel
            hidden = (hidden - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias
            pixel = hidden.clamp(min=0)
        expected = built.span.weight[:, :, 0, 0] @ pixel + built.span.bias
        torch.testing.assert_close(kernels[0, :, :, i, j].flatten(), expected, **EXACT)


@pytest.mark.parametrize("backend", list(BACKENDS["involution"]))
def test_involution_is_local(backend):
    """A pixel that is not a number reaches exactly the outputs whose window holds it."""
    x, w = torch.ones(1, 2, 9, 9), torch.ones(1, 1, 9, 9, 9)
    x[0, 0, 4, 1] = torch.nan
    y = BACKENDS["involution"][backend].load()(x, w, 3, 1, 2)
    assert sorted(map(tuple, y.isnan().nonzero().tolist())) == [(0, 0, i, j) for i in (2, 4, 6) for j in (1, 3)]


@pytest.mark.parametrize(
    ("kernel_size", "stride", "padding", "dilation", "groups"),
    [(3, 1, 1, 1, 1), (3, 2, 1, 1, 2), (2, 1, 0, 1, 4), (3, 2, 4, 2, 2), (1, 3, 0, 1, 1), (5, 1, 2, 1, 4)],
)
def test_convolution_is_the_sum_over_channels_and_taps(kernel_size, stride, padding, dilation, groups):
    channels, filters, height, width = 4, 8, 6, 5
    x, b = numbers(2, channels, height, width), numbers(filters)
    w = numbers(filters, channels // groups, kernel_size, kernel_size)
    expected = functional.conv2d(x, w, b, stride, padding, dilation, groups)
    y = b.view(1, -1, 1, 1).expand(expected.shape).clone()
    for n, f, i, j in product(*map(range, y.shape)):
        for c, u, v in product(*map(range, w.shape[1:])):
            channel = f // (filters // groups) * (channels // groups) + c
            row, column = i * stride + u * dilation - padding, j * stride + v * dilation - padding
            y[n, f, i, j] += w[f, c, u, v] * at(x, n, channel, row, column)
    torch.testing.assert_close(y, expected, **EXACT)
    torch.testing.assert_close(convolve(x, w, b, stride, padding, dilation, groups), y, **EXACT)
    torch.testing.assert_close(convolve(x, w, None, stride, padding, dilation, groups), y - b.view(-1, 1, 1), **EXACT)


def attention_inputs(heads: int, channels: int, height: int, width: int, kernel_size: int) -> list[Tensor]:
    maps = [numbers(2, channels, height, width) * scale for scale in (1.0, 0.7, 1.3)]
    half = channels // heads // 2
    return [*maps, numbers(heads, half, kernel_size), numbers(heads, half, kernel_size).flip(2) * 0.9]


@pytest.mark.parametrize(
    ("heads", "channels", "height", "width", "kernel_size"), [(1, 4, 3, 4, 3), (2, 4, 2, 3, 5), (2, 8, 4, 1, 3)]
)
def test_attention_is_the_papers_sum(heads, channels, height, width, kernel_size):
    """Per head and position: softmax over all K² taps, zeros outside the image among them."""
    q, k, v, row, column = attention_inputs(heads, channels, height, width, kernel_size)
    y = torch.zeros_like(q)
    size = channels // heads
    for n, head, i, j in product(range(2), range(heads), range(height), range(width)):
        query = [q[n, head * size + c, i, j] for c in range(size)]
        weights, taps = [], list(product(range(kernel_size), repeat=2))
        for a, b in taps:
            place = (i + a - kernel_size // 2, j + b - kernel_size // 2)
            logit = sum(query[c] * at(k, n, head * size + c, *place) for c in range(size))
            logit += sum(query[c] * row[head, c, a] for c in range(size // 2))
            logit += sum(query[size // 2 + c] * column[head, c, b] for c in range(size // 2))
            weights.append(logit.exp())
        for c in range(size):
            values = [at(v, n, head * size + c, i + a - kernel_size // 2, j + b - kernel_size // 2) for a, b in taps]
            total = sum(weight * value for weight, value in zip(weights, values, strict=True))
            y[n, head * size + c, i, j] = total / sum(weights)
    torch.testing.assert_close(attend(q, k, v, row, column, kernel_size), y, **EXACT)


@pytest.mark.parametrize(("height", "width", "kernel_size"), [(5, 6, 3), (4, 3, 7), (3, 3, 5), (2, 4, 7)])
def test_attention_is_dense_attention_with_a_mask(height, width, kernel_size):
    """Over the zero-padded image: the bias is the relative term inside the window and -∞ outside.

    With K at least twice the image's longer side less one, every window holds the whole image.
    """
    heads, channels, border = 2, 8, kernel_size // 2
    q, k, v, row, column = attention_inputs(heads, channels, height, width, kernel_size)
    padded = [functional.pad(x, (border,) * 4) for x in (k, v)]
    query, key, value = (x.unflatten(1, (heads, -1)).flatten(3).transpose(2, 3) for x in (q, *padded))
    rows, columns = query[..., :2] @ row, query[..., 2:] @ column
    bias = query.new_full((2, heads, height * width, key.shape[2]), -torch.inf)
    for i, j, a, b in product(range(height), range(width), range(kernel_size), range(kernel_size)):
        at_query, at_key = i * width + j, (i + a) * (width + 2 * border) + j + b
        bias[:, :, at_query, at_key] = rows[:, :, at_query, a] + columns[:, :, at_query, b]
    dense = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=1.0)
    expected = dense.transpose(2, 3).reshape(2, channels, height, width)
    torch.testing.assert_close(attend(q, k, v, row, column, kernel_size), expected, **EXACT)


@pytest.mark.parametrize("stride", [1, 2])
def test_attention_module_is_projections_attention_and_a_pool(stride):
    item = case("stand_alone_attention", (2, 6, 5, 3), kernel_size=3, num_heads=2, out_channels=8, stride=stride)
    module, x = item.build("reference").double(), numbers(2, 6, 5, 3)
    q, k, v = (torch.einsum("nchw,fc->nfhw", x, m.weight[:, :, 0, 0]) for m in (module.query, module.key, module.value))
    full = attend(q, k, v, module.row, module.column, 3)
    y = module(x)
    if stride == 1:
        torch.testing.assert_close(y, full, **EXACT)
        return
    assert y.shape == (2, 8, 3, 2)
    for i, j in product(range(3), range(2)):
        mean = full[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean(dim=(2, 3))
        torch.testing.assert_close(y[:, :, i, j], mean, **EXACT)


@pytest.mark.parametrize(
    ("kernel_size", "stride", "dilation", "groups"), [(3, 1, 1, 2), (3, 2, 1, 1), (3, 2, 2, 4), (5, 2, 1, 2)]
)
def test_gradients_of_shift(kernel_size, stride, dilation, groups):
    """The hand-written backward against finite differences, for each input alone and for both."""
    shift = BACKENDS["involution"]["shift"].load()
    fields = InvolutionFields(kernel_size=kernel_size, stride=stride, dilation=dilation, groups=groups)
    shape = case("involution", (2, 4, 4, 3)).shape
    x, w = (numbers(*dims) for dims in fields.input_shapes(shape, "aggregation"))
    for needs in ((True, True), (True, False), (False, True)):
        x.requires_grad_(needs[0])
        w.requires_grad_(needs[1])
        assert torch.autograd.gradcheck(lambda x, w: shift(x, w, kernel_size, stride, dilation), (x, w))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_shift_rounds_half_precision_once(dtype):
    """Sums are kept in float32: the result is the exact one rounded, but for ties that float32 decides otherwise."""
    x, w = numbers(1, 2, 8, 8).to(dtype), numbers(1, 1, 49, 8, 8).to(dtype)
    y = BACKENDS["involution"]["shift"].load()(x, w, 7, 1, 1)
    exact = aggregate(x.double(), w.double(), 7, 1, 1)
    spacing = torch.finfo(dtype).eps * exact.abs()
    assert ((y.double() - exact).abs() <= 0.51 * spacing + 1e-5).all()
