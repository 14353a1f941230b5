"""Cost terms against numbers worked out by hand, parameters and shapes against the built modules."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from invobench.cost import Cost
from invobench.operators import BACKENDS, OPERATORS
from tests.operators.cases import QUICK, Case, case, grid


def cost_of(item: Case) -> Cost:
    cost = OPERATORS[item.operator].cost(item.fields, item.shape, item.scope)
    assert cost is not None
    return cost


def operations(cost: Cost) -> dict[str, int]:
    return {term.name: term.operations for term in cost.terms}


def test_involution_of_a_first_stage():
    """64 channels, K 7, r 4, 4 groups, 56×56 = 3,136 positions."""
    item = case("involution", (1, 64, 56, 56), kernel_size=7, group_channels=16, reduction_ratio=4)
    cost = cost_of(item)
    assert operations(cost) == {
        "reduce": 3_211_264,  # 3,136 · 64 · 16
        "norm": 50_176,  # 3,136 · 16
        "relu": 50_176,
        "span": 9_834_496,  # 3,136 · 16 · 49 · 4
        "span.bias": 614_656,  # 3,136 · 196
        "aggregate": 9_834_496,  # 3,136 · 49 · 64
    }
    assert cost.macs("formula") == 22_880_256
    assert cost.macs("conv-linear") == 13_045_760  # without the aggregation
    assert cost.macs("hook") == 23_645_440  # 22,880,256 + 614,656 + 2 · 50,176 + 50,176
    assert cost.macs("formula", "backward") == 45_760_512  # two products for each
    assert cost.macs("formula", "train_step") == 68_640_768
    assert cost.params == 4_388  # 64·16 + 2·16 + 16·196 + 196
    assert (cost.input_elements, cost.output_elements) == (200_704, 200_704)  # 64 · 3,136
    assert cost.min_elements() == 405_796  # 2 · 200,704 + 4,388


def test_involution_linear_strided_batch():
    """3 images, 32 channels, one group, K 3, 9×9 -> 5×5: 75 positions."""
    cost = cost_of(case("involution", (3, 32, 9, 9), kernel_size=3, stride=2, group_channels="C", form="linear"))
    assert operations(cost) == {
        "pool": 2_400,  # 75 · 32
        "span": 21_600,  # 75 · 32 · 9
        "span.bias": 675,  # 75 · 9
        "aggregate": 21_600,  # 75 · 9 · 32
    }
    assert cost.params == 297  # 32·9 + 9
    assert (cost.input_elements, cost.output_elements) == (7_776, 2_400)  # 3·32·81, 75·32


def test_involution_with_the_kernel_given():
    """2 images, 8 channels, 2 groups, K 5, stride 2, 7×6 -> 4×3: 24 positions."""
    cost = cost_of(case("involution", (2, 8, 7, 6), "aggregation", kernel_size=5, stride=2, groups=2))
    assert operations(cost) == {"aggregate": 4_800}  # 24 · 25 · 8
    assert cost.params == 0
    assert (cost.input_elements, cost.output_elements) == (1_872, 192)  # 2·8·42 + 24·2·25, 24·8


def test_grouped_strided_convolution():
    """2 images, 64 -> 128 channels in 4 groups, 3×3, stride 2, 15×11 -> 8×6: 96 positions."""
    cost = cost_of(case("conv", (2, 64, 15, 11), out_channels=128, kernel_size=3, stride=2, groups=4, bias=True))
    assert operations(cost) == {"conv": 1_769_472, "conv.bias": 12_288}  # 96 · 9 · 16 · 128, 96 · 128
    assert cost.macs("formula") == 1_769_472
    assert cost.macs("hook") == 1_781_760
    assert cost.params == 18_560  # 9·16·128 + 128
    assert (cost.input_elements, cost.output_elements) == (21_120, 12_288)  # 2·64·165, 2·128·48


@pytest.mark.parametrize("groups", ["C", 32])
def test_depthwise_convolution(groups):
    """32 channels, 5×5, 10×10: 100 · 25 · 32."""
    cost = cost_of(case("conv", (1, 32, 10, 10), kernel_size=5, groups=groups))
    assert (cost.macs(), cost.params) == (80_000, 800)


def test_dilated_and_unpadded_convolution():
    """A 3×3 window dilated by 2 is 5 wide: without padding 9×8 -> 5×4, 20 · 9 · 4 · 6."""
    cost = cost_of(case("conv", (1, 4, 9, 8), out_channels=6, kernel_size=3, dilation=2, padding=0))
    assert (cost.macs(), cost.params, cost.output_elements) == (4_320, 216, 120)


def test_attention_of_a_third_stage():
    """64 channels, 8 heads, K 7, 14×14 = 196 positions."""
    cost = cost_of(case("stand_alone_attention", (1, 64, 14, 14), kernel_size=7, num_heads=8))
    assert operations(cost) == {
        "query": 802_816,  # 196 · 64 · 64
        "key": 802_816,
        "value": 802_816,
        "scores": 614_656,  # 196 · 49 · 64
        "relative": 87_808,  # 196 · 7 · 64
        "softmax": 76_832,  # 196 · 8 · 49
        "weighted_sum": 614_656,
    }
    assert cost.macs("formula") == 3_725_568
    assert cost.macs("conv-linear") == 2_408_448
    assert cost.params == 12_736  # 3·64·64 + 7·64
    assert (cost.input_elements, cost.output_elements) == (12_544, 12_544)


def test_strided_attention_runs_at_the_inputs_size():
    """2 images, 16 -> 32 channels, 4 heads, K 3, 15×11: 330 positions, pooled to 8×6."""
    cost = cost_of(
        case("stand_alone_attention", (2, 16, 15, 11), kernel_size=3, num_heads=4, out_channels=32, stride=2)
    )
    assert operations(cost) == {
        "query": 168_960,  # 330 · 16 · 32
        "key": 168_960,
        "value": 168_960,
        "scores": 95_040,  # 330 · 9 · 32
        "relative": 31_680,  # 330 · 3 · 32
        "softmax": 11_880,  # 330 · 4 · 9
        "weighted_sum": 95_040,
        "pool": 3_072,  # 2 · 48 · 32
    }
    assert cost.params == 1_632  # 3·16·32 + 3·32
    assert (cost.input_elements, cost.output_elements) == (5_280, 3_072)


def predicted_and_real(item: Case) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(parameters, output shape, output elements) by formula and of the module on `meta`."""
    reference = BACKENDS[item.operator]["reference"].load()
    with torch.device("meta"):
        module = OPERATORS[item.operator].build(item.fields, item.shape.in_channels, reference, item.scope)
        inputs = [torch.empty(dims) for dims in item.fields.input_shapes(item.shape, item.scope)]
        y = module.eval()(*inputs)
    cost = cost_of(item)
    out = item.fields.output_shape(item.shape).dims
    params = sum(parameter.numel() for parameter in module.parameters())
    return (cost.params, *out, cost.output_elements), (params, *y.shape, y.numel())


@pytest.mark.parametrize(
    "item",
    [item for items in QUICK.values() for item in items]
    + [item for operator in QUICK for item in list(grid(operator, 3))[::5]],
    ids=str,
)
def test_parameters_and_shapes_are_the_modules(item: Case):
    predicted, real = predicted_and_real(item)
    assert predicted == real


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    kernel_size=st.integers(1, 6),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 3),
    padding=st.none() | st.integers(0, 4),
)
def test_convolutions_shape_is_torchs(size, kernel_size, stride, dilation, padding):
    """The predicted shape is torch's, and there is none where torch refuses."""
    item = case("conv", (1, 2, *size), kernel_size=kernel_size, stride=stride, dilation=dilation, padding=padding)
    with torch.device("meta"):
        conv = nn.Conv2d(2, 2, kernel_size, stride, item.fields.border, dilation, bias=False)
        try:
            expected = tuple(conv(torch.empty(item.shape.dims)).shape)
        except RuntimeError:
            with pytest.raises(ValueError, match="does not fit"):
                item.fields.output_shape(item.shape)
            return
    assert item.fields.output_shape(item.shape).dims == expected
    assert predicted_and_real(item)[1][1:5] == expected


def test_elements_that_terms_move():
    """What each term alone reads and writes, weights apart: 2 images, 8 channels, 5×5 -> 3×3 (18 positions)."""
    attention = cost_of(case("stand_alone_attention", (2, 8, 5, 5), kernel_size=3, num_heads=2, stride=2))
    assert {term.name: (term.read_elements, term.written_elements) for term in attention.terms} == {
        "query": (400, 400),  # 50 positions · 8
        "key": (400, 400),
        "value": (400, 400),
        "scores": (800, 900),  # q and k; 50 · 2 · 9
        "relative": (400, 600),  # q; 50 · 2 · 2 · 3
        "softmax": (900, 900),
        "weighted_sum": (1_300, 400),
        "pool": (400, 144),  # 18 · 8
    }
    involution = cost_of(case("involution", (2, 8, 5, 5), kernel_size=3, groups=2, stride=2))
    assert {term.name: (term.read_elements, term.written_elements) for term in involution.terms} == {
        "pool": (400, 144),
        "reduce": (144, 36),  # 18 · 2
        "norm": (36, 36),
        "relu": (36, 36),
        "span": (36, 324),  # 18 · 2 · 9
        "span.bias": (0, 0),  # added where the product is written
        "aggregate": (724, 144),  # x and the kernel
    }
