"""Layers drawn by hypothesis: every option of every operator, on small and odd images, valid by construction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from hypothesis import strategies as st

from tests.operators.cases import Case, case

Draw = Callable[[st.SearchStrategy[Any]], Any]

_LARGEST = 6
# sampled, because integers favour the ends of their range
_SIZES = st.sampled_from(range(1, _LARGEST + 1))
_CHANNELS = st.sampled_from(range(1, 9))
_BATCHES = st.sampled_from([1, 2])
_ODD_KERNELS = st.sampled_from([1, 3, 5])


def divisors(number: int) -> list[int]:
    """1, ..., number."""
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]


@st.composite
def involutions(draw: Draw) -> Case:
    """Involutions of both scopes and forms, with every grouping."""
    channels, scope = draw(_CHANNELS), draw(st.sampled_from(["module", "aggregation"]))
    fields = {
        "kernel_size": draw(_ODD_KERNELS),
        "stride": draw(st.sampled_from([1, 2, 3])),
        "dilation": draw(st.sampled_from([1, 2, 3])),
        "form": draw(st.sampled_from(["bottleneck", "linear"])),
        "reduction_ratio": draw(st.sampled_from(divisors(channels))),
        **draw(_groupings(channels)),
    }
    height, width = draw(_SIZES), draw(_SIZES)
    # a norm in train mode refuses one value a channel
    lone = scope == "module" and fields["form"] == "bottleneck" and max(height, width) <= fields["stride"]
    return case("involution", (2 if lone else draw(_BATCHES), channels, height, width), scope, **fields)


def _groupings(channels: int) -> st.SearchStrategy[dict[str, Any]]:
    """`groups` or `group_channels`, each divisor of the channels, or neither."""
    each = [{name: number} for name in ("groups", "group_channels") for number in divisors(channels)]
    return st.sampled_from([*each, {"group_channels": "C"}, {}])


@st.composite
def convolutions(draw: Draw) -> Case:
    """Convolutions with every window that fits, grouped and not."""
    channels = draw(_CHANNELS)
    fields: dict[str, Any] = {
        "kernel_size": draw(st.sampled_from([1, 2, 3, 4, 5])),
        "stride": draw(st.sampled_from([1, 2, 3])),
        "dilation": draw(st.sampled_from([1, 2, 3])),
        "padding": draw(st.sampled_from([None, 0, 1, 2, 3])),
        "bias": draw(st.booleans()),
        "groups": draw(st.sampled_from([*divisors(channels), "C"])),
    }
    groups = channels if fields["groups"] == "C" else fields["groups"]
    fields["out_channels"] = draw(st.sampled_from([None, *range(groups, 9, groups)]))
    reach = fields["dilation"] * (fields["kernel_size"] - 1)
    padding = reach // 2 if fields["padding"] is None else fields["padding"]
    smallest = max(1, reach + 1 - 2 * padding)
    sizes = st.sampled_from(range(smallest, max(smallest + 2, _LARGEST - padding) + 1))
    return case("conv", (draw(_BATCHES), channels, draw(sizes), draw(sizes)), **fields)


@st.composite
def attentions(draw: Draw) -> Case:
    """Attention with every number of heads, of 2 channels and more."""
    pairs = draw(st.sampled_from([1, 2, 3, 4]))
    fields = {
        "kernel_size": draw(_ODD_KERNELS),
        "stride": draw(st.sampled_from([1, 2])),
        "num_heads": draw(st.sampled_from(divisors(pairs))),
        "out_channels": draw(st.sampled_from([None, 2 * pairs])),
    }
    channels = 2 * pairs if fields["out_channels"] is None else draw(_CHANNELS)
    height, width = draw(_SIZES), draw(_SIZES)
    return case("stand_alone_attention", (draw(_BATCHES), channels, height, width), **fields)


#: operator -> its layers
LAYERS: Mapping[str, Callable[[], st.SearchStrategy[Case]]] = {
    "involution": involutions,
    "conv": convolutions,
    "stand_alone_attention": attentions,
}


@st.composite
def counted(draw: Draw, operator: str) -> tuple[Case, torch.dtype, str]:
    """A layer, and the dtype and device that it is counted on: `meta`, or in memory.

    An addition takes 30 times as long on `meta` as on tensors this small, and a reference does hundreds of them
    where its kernel is large.
    """
    layer = draw(LAYERS[operator]())
    devices = ["meta", "cpu"] if layer.fields.columns()["kernel_size"] <= 3 else ["cpu"]
    dtypes = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
    return layer, draw(st.sampled_from(dtypes)), draw(st.sampled_from(devices))
