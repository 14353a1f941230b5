"""What each operator's fields refuse, and what a network's place does to them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from invobench.operators import OPERATORS
from invobench.operators.base import LayerShape, LayerSpec


@pytest.mark.parametrize(
    ("operator", "fields", "in_channels", "problems"),
    [
        (
            "conv",
            {"groups": 4, "out_channels": 6},
            8,
            [("out_channels", "6 output channels do not divide into 4 groups")],
        ),
        ("conv", {"groups": 3}, 8, [("groups", "8 channels do not divide into 3 groups")]),
        (
            "conv",
            {"groups": 3, "out_channels": 4},
            8,
            [
                ("groups", "8 channels do not divide into 3 groups"),
                ("out_channels", "4 output channels do not divide into 3 groups"),
            ],
        ),
        (
            "conv",
            {"groups": "C", "out_channels": 12},
            8,
            [("out_channels", "12 output channels do not divide into 8 groups")],
        ),
        ("conv", {"groups": 0}, 8, [("groups", "must be at least 1, or C, not 0")]),
        ("conv", {"groups": "C", "out_channels": 16, "kernel_size": 4}, 8, []),
        (
            "stand_alone_attention",
            {"kernel_size": 4, "num_heads": 3},
            8,
            [
                ("kernel_size", "must be odd for stand_alone_attention, not 4"),
                ("num_heads", "8 channels do not divide into 3 heads"),
            ],
        ),
        (
            "stand_alone_attention",
            {"out_channels": 24},
            8,
            [("num_heads", "24 channels in 8 heads are 3 a head, which must be even")],
        ),
        ("stand_alone_attention", {"num_heads": 4}, 8, []),
        (
            "involution",
            {"kernel_size": 4, "group_channels": 3, "reduction_ratio": 3},
            8,
            [
                ("kernel_size", "must be odd for involution, not 4"),
                ("group_channels", "8 channels do not divide by group_channels 3"),
                ("reduction_ratio", "8 channels do not divide by reduction_ratio 3"),
            ],
        ),
        ("involution", {"groups": 3}, 8, [("groups", "8 channels do not divide into 3 groups")]),
        ("involution", {"groups": 2, "group_channels": 4}, 8, [("groups", "give groups or group_channels, not both")]),
        ("involution", {"group_channels": 0}, 8, [("group_channels", "must be at least 1, or C, not 0")]),
        ("involution", {"form": "linear", "reduction_ratio": 3, "group_channels": "C"}, 8, []),
        ("module", {"module": "a.b:C"}, 8, []),
    ],
)
def test_problems(operator, fields, in_channels, problems):
    assert list(OPERATORS[operator].fields()(**fields).problems(in_channels)) == problems


@pytest.mark.parametrize(
    ("operator", "fields", "key"),
    [
        ("conv", {"kernel_size": 0}, "kernel_size"),
        ("conv", {"padding": -1}, "padding"),
        ("conv", {"groups": "c"}, "groups"),
        ("conv", {"bias": 1}, "bias"),
        ("stand_alone_attention", {"stride": 3}, "stride"),
        ("stand_alone_attention", {"dilation": 2}, "dilation"),
        ("stand_alone_attention", {"num_heads": True}, "num_heads"),
        ("module", {}, "module"),
        ("module", {"module": "torch.nn.Linear"}, "module"),
        ("module", {"module": "1a:B"}, "module"),
        ("module", {"module": "a:B", "channels": 8}, "channels"),
    ],
)
def test_fields_refuse(operator, fields, key):
    with pytest.raises(ValidationError) as raised:
        OPERATORS[operator].fields()(**fields)
    assert {error["loc"][0] for error in raised.value.errors()} == {key}


def test_convolution_without_an_output():
    fields = OPERATORS["conv"].fields()(kernel_size=5, dilation=2, padding=1)
    with pytest.raises(ValueError, match=r"^a window of 9×9 does not fit into 5×8 with padding 1$"):
        fields.output_shape(LayerShape(1, 4, 5, 8))


@pytest.mark.parametrize("operator", ["involution", "conv", "stand_alone_attention", "module"])
def test_placed_layers_keep_their_channels_and_follow_the_ceil_rule(operator):
    given = {"module": "a.b:C", "kwargs": {"sizes": [1, 2]}} if operator == "module" else {"kernel_size": 5}
    fields = OPERATORS[operator].fields()(**given)
    for stride, (height, width) in {1: (7, 4), 2: (4, 2)}.items():
        placed = fields.placed(32, stride)
        assert type(placed) is type(fields)
        assert placed.output_shape(LayerShape(2, 32, 7, 4)) == LayerShape(2, 32, height, width)
    layers = {LayerSpec(operator, fields.placed(channels, 2)) for channels in (16, 32, 32)}
    assert len(layers) == (1 if operator == "involution" else 2)


def test_only_its_place_gives_a_module_a_stride():
    fields = OPERATORS["module"].fields()(module="a.b:C")
    assert fields.place is None
    assert fields.placed(16, 2).place == (16, 2)
    assert fields.place is None
    assert fields.output_shape(LayerShape(1, 8, 5, 5)) == LayerShape(1, 8, 5, 5)
    assert OPERATORS["module"].cost(fields, LayerShape(1, 8, 5, 5)) is None


def test_a_wrong_grouping_does_not_hide_a_wrong_ratio() -> None:
    from invobench.operators.involution.spec import Fields as Involution

    found = dict(Involution(group_channels=0, reduction_ratio=3).problems(64))
    assert sorted(found) == ["group_channels", "reduction_ratio"]
    both = dict(Involution(group_channels=4, groups=4, reduction_ratio=3).problems(64))
    assert sorted(both) == ["groups", "reduction_ratio"]
