"""The ResNet macro-architecture: names, shapes, places, problems, and the cost of its parts."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from invobench.conventions import Kind
from invobench.networks import NETWORKS
from invobench.operators.base import LayerShape
from tests.networks.build import ATTENTION, CONV, IMAGE, INVOLUTION, build, fields, layer, rednet

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def names(module: nn.Module, *prefixes: str) -> list[str]:
    keys = (key for key in module.state_dict() if key.rpartition(".")[2] not in STATISTICS)
    return [key for key in keys if key.startswith(prefixes)]


def norm(name: str) -> list[str]:
    return [f"{name}.weight", f"{name}.bias"]


def involution(name: str) -> list[str]:
    return [f"{name}.reduce.0.weight", *norm(f"{name}.reduce.1"), f"{name}.span.weight", f"{name}.span.bias"]


def test_names_of_rednet():
    """State dicts are saved under these names: changing one is a breaking change."""
    network = build(rednet(26))
    assert names(network, "stem", "classifier") == [
        "stem.first.weight",
        *norm("stem.first_norm"),
        *involution("stem.spatial"),
        *norm("stem.spatial_norm"),
        "stem.last.weight",
        *norm("stem.last_norm"),
        "classifier.weight",
        "classifier.bias",
    ]
    assert names(network, "stages.0.0.", "stages.1.1.") == [
        "stages.0.0.reduce.weight",
        *norm("stages.0.0.reduce_norm"),
        *involution("stages.0.0.spatial"),
        *norm("stages.0.0.spatial_norm"),
        "stages.0.0.expand.weight",
        *norm("stages.0.0.expand_norm"),
        "stages.0.0.shortcut.weight",
        *norm("stages.0.0.shortcut_norm"),
        "stages.1.1.reduce.weight",
        *norm("stages.1.1.reduce_norm"),
        *involution("stages.1.1.spatial"),
        *norm("stages.1.1.spatial_norm"),
        "stages.1.1.expand.weight",
        *norm("stages.1.1.expand_norm"),
    ]
    blocks = {".".join(key.split(".")[:3]) for key in names(network, "stages")}
    assert blocks == {f"stages.{stage}.{i}" for stage, count in enumerate((1, 2, 4, 1)) for i in range(count)}


def test_names_of_resnet_and_sasa():
    network = build(fields(26, CONV))
    assert names(network, "stem") == ["stem.first.weight", *norm("stem.first_norm")]
    assert names(network, "stages.0.0.spatial.") == ["stages.0.0.spatial.weight"]
    attention = ("row", "column", "query.weight", "key.weight", "value.weight")
    found = names(build(fields(26, ATTENTION)), "stages.3.0.spatial.")
    assert found == [f"stages.3.0.spatial.{key}" for key in attention]


def test_blocks_of_each_depth():
    for depth, counts in {26: 8, 38: 12, 50: 16, 101: 33, 152: 50}.items():
        network = fields(depth, CONV)
        assert len(list(network.placements(IMAGE))) == counts
        assert depth == 3 * counts + 2  # three convolutions a block, the stem and the classifier


def test_places_of_rednet26():
    """Half the size in the stem, a quarter in stage 1; a stage's first block sees the stage before."""
    found = [(p.key, p.place, p.shape.dims) for p in rednet(26).placements(LayerShape(2, 3, 224, 160))]
    assert found == [
        ("stem", "stem", (2, 32, 112, 80)),
        ("operator", "stage1.block1", (2, 64, 56, 40)),
        ("operator", "stage2.block1", (2, 128, 56, 40)),
        ("operator", "stage2.block2", (2, 128, 28, 20)),
        ("operator", "stage3.block1", (2, 256, 28, 20)),
        ("operator", "stage3.block2", (2, 256, 14, 10)),
        ("operator", "stage3.block3", (2, 256, 14, 10)),
        ("operator", "stage3.block4", (2, 256, 14, 10)),
        ("operator", "stage4.block1", (2, 512, 14, 10)),
    ]
    strides = [p.layer.fields.stride for p in rednet(26).placements(IMAGE)]
    assert strides == [1, 1, 2, 1, 2, 1, 1, 1, 2]


@pytest.mark.parametrize("size", [(65, 97), (33, 1), (224, 224)])
@pytest.mark.parametrize(
    "network",
    [rednet(26), fields(26, CONV), fields(26, ATTENTION, ATTENTION), fields(26, layer("conv", groups="C"), CONV)],
    ids=["rednet", "resnet", "sasa", "depthwise"],
)
def test_shapes_are_the_predicted_ones(network, size):
    """Every injected operator sees and makes what its placement says, and the formula's sums hold."""
    shape = LayerShape(2, 3, *size)
    module, seen = build(network, shape), []
    for name, part in module.named_modules():
        if name.endswith("spatial"):
            part.register_forward_hook(
                lambda _, x, y, name=name: seen.append((name, tuple(x[0].shape), tuple(y.shape)))
            )
    with torch.device("meta"):
        assert module(torch.empty(shape.dims)).shape == (2, 1000)
    expected = []
    for item in network.placements(shape):
        stage, _, block = item.place.removeprefix("stage").partition(".block")
        name = "stem.spatial" if item.place == "stem" else f"stages.{int(stage) - 1}.{int(block) - 1}.spatial"
        expected.append((name, item.shape.dims, item.layer.fields.output_shape(item.shape).dims))
    assert seen == expected
    assert list(network.problems(shape)) == []


@pytest.mark.parametrize("size", [(65, 97), (64, 64)])
@pytest.mark.parametrize("network", [rednet(26), fields(38, CONV)], ids=["rednet", "resnet"])
def test_elements_are_those_of_convolutions_operators_and_classifier(network, size):
    """input_elements and output_elements against what the modules really take and make."""
    shape = LayerShape(2, 3, *size)
    module, found = build(network, shape), [0, 0]

    def record(_, x, y):
        found[0] += x[0].numel()
        found[1] += y.numel()

    for name, part in module.named_modules():
        if name.endswith("spatial") or (isinstance(part, nn.Conv2d | nn.Linear) and ".spatial" not in name):
            part.register_forward_hook(record)
    with torch.device("meta"):
        module(torch.empty(shape.dims))
    cost = NETWORKS["resnet"].cost(network, shape)
    assert (cost.input_elements, cost.output_elements) == tuple(found)


def test_norms_activations_and_pools_are_the_modules():
    """Each norm, ReLU, pool and addition that runs is a term of its size."""
    shape = LayerShape(2, 3, 65, 97)
    network, counted = rednet(26), dict.fromkeys((Kind.NORMALISATION, Kind.ACTIVATION, Kind.POOLING), 0)
    module = build(network, shape)
    kinds = {
        nn.BatchNorm2d: Kind.NORMALISATION,
        nn.ReLU: Kind.ACTIVATION,
        nn.MaxPool2d: Kind.POOLING,
        nn.AvgPool2d: Kind.POOLING,
        nn.AdaptiveAvgPool2d: Kind.POOLING,
    }

    def record(part, _, y):
        counted[kinds[type(part)]] += y.numel()

    for part in module.modules():
        if type(part) in kinds:
            part.register_forward_hook(record)
    with torch.device("meta"):
        module(torch.empty(shape.dims))
    terms = NETWORKS["resnet"].cost(network, shape).terms
    assert {kind: sum(t.operations for t in terms if t.kind == kind) for kind in counted} == counted


def test_rednet26_runs_on_odd_images():
    torch.manual_seed(0)
    shape = LayerShape(2, 3, 65, 97)
    module = build(fields(26, INVOLUTION, INVOLUTION, num_classes=7), shape, "cpu")
    logits = module(torch.randn(shape.dims))
    assert logits.shape == (2, 7)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in module.parameters())


def test_terms_are_named_by_module():
    cost = NETWORKS["resnet"].cost(rednet(26), IMAGE)
    assert len({term.name for term in cost.terms}) == len(cost.terms)
    by_name = {term.name: term.operations for term in cost.terms}
    assert by_name["stem.first"] == 10_838_016  # 112² · 9 · 3 · 32
    assert by_name["stem.spatial.aggregate"] == 19_668_992  # 112² · 49 · 32
    assert by_name["stages.0.0.reduce"] == 12_845_056  # 56² · 64 · 64
    assert by_name["stages.1.0.spatial.span"] == 9_834_496  # 28² · 32 · 49 · 8
    assert by_name["stages.1.0.shortcut"] == 102_760_448  # 28² · 256 · 512
    assert by_name["stages.3.0.expand"] == 51_380_224  # 7² · 512 · 2048
    assert by_name["stages.3.0.addition"] == 100_352  # 7² · 2048
    assert by_name["classifier"] == 2_048_000
    assert by_name["classifier.bias"] == 1_000
    weights = {name: p.numel() for name, p in build(rednet(26)).named_parameters()}
    for term in cost.terms:
        if f"{term.name}.weight" in weights:
            assert term.params in {weights[f"{term.name}.weight"], 2 * weights[f"{term.name}.weight"]}


@pytest.mark.parametrize("network", [rednet(26), fields(26, CONV)], ids=["operator stem", "conv stem"])
def test_the_image_needs_no_gradient(network):
    """In a train step every product counts three times but the first convolution's, which counts twice."""
    cost = NETWORKS["resnet"].cost(network, IMAGE)
    assert [term.name for term in cost.terms if term.leaf_input] == ["stem.first"]
    first = next(term.operations for term in cost.terms if term.name == "stem.first")
    assert cost.macs("formula", "train_step") == 3 * cost.macs("formula") - first


def test_a_layer_without_a_formula_leaves_none():
    module = layer("module", module="ours.layers:Layer")
    assert NETWORKS["resnet"].cost(fields(26, module), IMAGE) is None
    assert NETWORKS["resnet"].cost(fields(26, CONV, module), IMAGE) is None
    assert list(fields(26, module, module).problems(IMAGE)) == []


@pytest.mark.parametrize(
    ("operator", "stem", "expected"),
    [
        (layer("conv", stride=2), "conv", [("operator.stride", "is set by the network; leave it out")]),
        (CONV, layer("conv", out_channels=8), [("stem.out_channels", "is set by the network; leave it out")]),
        (
            layer("conv", kernel_size=2),
            "conv",
            [("operator", "makes 7×7 where the network needs 8×8 (in stage1.block1)")],
        ),
        (
            CONV,
            layer("conv", kernel_size=5, padding=3),
            [("stem", "makes 18×18 where the network needs 16×16 (in stem)")],
        ),
        (
            layer("conv", kernel_size=9, padding=0),
            "conv",
            [("operator", "a window of 9×9 does not fit into 8×8 with padding 0 (in stage1.block1)")],
        ),
        (
            CONV,
            layer("involution", kernel_size=4, group_channels=3),
            [
                ("stem.kernel_size", "must be odd for involution, not 4 (in stem)"),
                ("stem.group_channels", "32 channels do not divide by group_channels 3 (in stem)"),
            ],
        ),
    ],
)
def test_problems(operator, stem, expected):
    assert list(fields(26, operator, stem).problems(LayerShape(1, 3, 32, 32))) == expected


def by_hand(module: nn.Module, x: torch.Tensor, strides: list[int], depth: tuple[int, ...]) -> torch.Tensor:
    """The network written out with torch's functions and a state dict, the injected operators called as they are."""
    state = module.state_dict()

    def normed(name: str, x: torch.Tensor) -> torch.Tensor:
        mean, variance, gain, shift = (
            state[f"{name}_norm.{key}"].view(-1, 1, 1) for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (variance + 1e-5).sqrt() * gain + shift

    def conv(name: str, x: torch.Tensor, stride: int = 1) -> torch.Tensor:
        weight = state[f"{name}.weight"]
        return normed(name, functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2))

    def spatial(name: str, x: torch.Tensor) -> torch.Tensor:
        return normed(name, module.get_submodule(name)(x))

    x = conv("stem.first", x, 2).relu()
    if "stem.last.weight" in state:
        x = spatial("stem.spatial", x).relu()
        x = conv("stem.last", x).relu()
    x = functional.max_pool2d(x, 3, 2, 1)
    for stage, count in enumerate(depth):
        for block in range(count):
            path, stride = f"stages.{stage}.{block}", strides[stage] if block == 0 else 1
            y = conv(f"{path}.reduce", x).relu()
            y = conv(f"{path}.expand", spatial(f"{path}.spatial", y).relu())
            x = (y + (conv(f"{path}.shortcut", x, stride) if block == 0 else x)).relu()
    return x.mean(dim=(2, 3)) @ state["classifier.weight"].T + state["classifier.bias"]


@pytest.mark.parametrize(
    "network", [fields(26, INVOLUTION, CONV), fields(26, CONV)], ids=["operator stem", "conv stem"]
)
def test_the_forward_pass_is_the_one_written_out(network):
    torch.manual_seed(0)
    shape = LayerShape(1, 3, 65, 49)
    module = build(network, shape, "cpu").double().eval()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            for values in (part.running_var, part.weight):
                values.data.uniform_(0.5, 1.5)
            for values in (part.running_mean, part.bias):
                values.data.uniform_(-0.5, 0.5)
    x = torch.randn(shape.dims, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(module(x), by_hand(module, x, [1, 2, 2, 2], (1, 2, 4, 1)), rtol=1e-9, atol=1e-9)


def test_elements_that_terms_move():
    """One image of 64×64: 32×32 after the stem's convolution, 16×16 in stage 1."""
    terms = {term.name: term for term in NETWORKS["resnet"].cost(fields(26, CONV), LayerShape(1, 3, 64, 64)).terms}
    moved = {
        "stem.first": (12_288, 65_536),  # 3 · 64², 64 · 32²
        "stem.first_norm": (65_536, 65_536),
        "stem.pool": (65_536, 16_384),  # 64 · 16²
        "stages.0.0.spatial.conv": (16_384, 16_384),
        "stages.0.0.addition": (131_072, 65_536),  # two maps of 256 · 16²
        "pool": (8_192, 2_048),  # 2048 · 2²
        "classifier": (2_048, 1_000),
        "classifier.bias": (0, 0),  # added where the product is written
    }
    assert {name: (terms[name].read_elements, terms[name].written_elements) for name in moved} == moved
