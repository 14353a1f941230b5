"""Whole messages for what is wrong with keys and values."""

from __future__ import annotations

import re

import pytest
from pydantic import BaseModel, ConfigDict, Field

from invobench.networks import NETWORKS
from invobench.operators import OPERATORS
from invobench.spec.keys import LayerKeys, Named, NetworkKeys
from invobench.spec.located import Place, located
from invobench.spec.messages import built

OPERATOR_NAMES = "conv, involution, module, stand_alone_attention"
NETWORK_NAMES = (
    "rednet101, rednet152, rednet26, rednet38, rednet50, resnet, resnet101, resnet152, resnet26, resnet38, resnet50, "
    "sasa_resnet26, sasa_resnet38, sasa_resnet50"
)
BACKEND_NAMES = "aten, auto, cpp, fused, own, reference, shift, unfold"
NAME = "like conv3x3 (letters, digits and _ . + × -, a letter or digit first)"

#: keys of a layer, `^` before what is wrong -> its problems, `^` for those with a mark, in order
LAYERS = {
    "operator: involution, ^group_chanels: 4": [
        "^ layers[0].group_chanels: unknown key (did you mean 'group_channels'?)"
    ],
    "operator: conv, ^num_heads: 4": [
        "^ layers[0].num_heads: conv has no such key; it is one of stand_alone_attention"
    ],
    "operator: conv, kernel_size: ^7x": ["^ layers[0].kernel_size: must be a whole number, not '7x'"],
    "operator: conv, kernel_size: ^'7'": [
        "^ layers[0].kernel_size: must be a whole number, not '7' (remove the quotes)"
    ],
    "operator: conv, kernel_size: ^7.0": ["^ layers[0].kernel_size: must be a whole number, not 7.0"],
    "operator: conv, kernel_size: ^1e-3": ["^ layers[0].kernel_size: must be a whole number, not 0.001"],
    "operator: conv, kernel_size: ^true": ["^ layers[0].kernel_size: must be a whole number, not true"],
    "operator: conv, kernel_size: ^null": ["^ layers[0].kernel_size: must be a whole number, not null"],
    "operator: conv, kernel_size: ^[3]": ["^ layers[0].kernel_size: must be a whole number, not a list"],
    "operator: conv, kernel_size: ^{a: 3}": ["^ layers[0].kernel_size: must be a whole number, not a mapping"],
    "operator: conv, kernel_size: ^0": ["^ layers[0].kernel_size: must be at least 1, not 0"],
    "operator: conv, kernel_size: ^.nan": ["^ layers[0].kernel_size: must be a finite number, not .nan"],
    "operator: conv, bias: ^yes": ["^ layers[0].bias: must be true or false, not 'yes'"],
    "operator: conv, groups: ^D": ["^ layers[0].groups: must be a whole number or C, not 'D'"],
    "operator: conv, groups: ^0": ["^ layers[0].groups: must be at least 1, or C, not 0"],
    "operator: conv, groups: ^7": ["^ layers[0].groups: 64 channels do not divide into 7 groups"],
    "operator: conv, out_channels: ^1000000": ["^ layers[0].out_channels: must be at most 65536, not 1000000"],
    "operator: conv, dtype: ^on": ["^ layers[0].dtype: must be one of float32, bfloat16, float16, float64, not 'on'"],
    "operator: conv, dtype: ^floaat32": [
        "^ layers[0].dtype: must be one of float32, bfloat16, float16, float64, not 'floaat32'"
        " (did you mean 'float32'?)"
    ],
    "operator: conv, dtype: ^32": ["^ layers[0].dtype: must be text, not 32 (quote it)"],
    "operator: conv, mode: ^train": [
        "^ layers[0].mode: must be one of forward, backward, train_step, not 'train' (did you mean 'train_step'?)"
    ],
    "operator: conv, scope: ^aggregation": ["^ layers[0].scope: must be module for conv, not 'aggregation'"],
    "operator: conv, scope: ^modul": [
        "^ layers[0].scope: must be one of module, aggregation, not 'modul' (did you mean 'module'?)"
    ],
    "operator: conv, backend: ^shft": [
        f"^ layers[0].backend: unknown backend 'shft' (did you mean 'shift'?); there are: {BACKEND_NAMES}"
    ],
    "operator: conv, device: ^gpu": ["^ layers[0].device: must be one of auto, cpu, cuda, cuda:N, not 'gpu'"],
    "operator: conv, batch: ^1000000000000000000000000000000": [
        "^ layers[0].batch: must be at most 65536, not 1000000000000000000000000000000"
    ],
    "operator: conv, height: ^16385": ["^ layers[0].height: must be at most 16384, not 16385"],
    "operator: conv, kernel_size: 9, padding: 0, height: 3": [
        "layers[0]: a window of 9×9 does not fit into 3×56 with padding 0"
    ],
    "operator: conv, kernel_size: 9, padding: 0, height: 3, batch: ^0": [
        "layers[0]: a window of 9×9 does not fit into 3×56 with padding 0",
        "^ layers[0].batch: must be at least 1, not 0",
    ],
    "operator: conv, kernel_size: 9, padding: 0, height: ^0": ["^ layers[0].height: must be at least 1, not 0"],
    "operator: ^involutoin": [
        f"^ layers[0].operator: unknown operator 'involutoin' (did you mean 'involution'?); there are: {OPERATOR_NAMES}"
    ],
    "operator: ^involutoin, ^bach: 4": [
        f"^ layers[0].operator: unknown operator 'involutoin' (did you mean 'involution'?);"
        f" there are: {OPERATOR_NAMES}",
        "^ layers[0].bach: unknown key (did you mean 'batch'?)",
    ],
    "operator: ^5": ["^ layers[0].operator: must be the name of an operator or a mapping, not 5"],
    "operator: {operator: ^{operator: conv}}": [
        "^ layers[0].operator.operator: must be the name of an operator, not a mapping"
    ],
    "batch: 4": [f"layers[0].operator: missing: add operator, one of {OPERATOR_NAMES}"],
    "operator: {operator: conv, ^batch: 4}": [
        "^ layers[0].operator.batch: is a key of the layer: give it beside operator"
    ],
    "operator: {operator: conv, ^kernel_size: 5}, kernel_size: 3": [
        "^ layers[0].operator.kernel_size: duplicate key (also at 3:59): keep one"
    ],
    "operator: involution, kernel_size: ^4": ["^ layers[0].kernel_size: must be odd for involution, not 4"],
    "operator: involution, group_channels: ^48": [
        "^ layers[0].group_channels: 64 channels do not divide by group_channels 48"
    ],
    "operator: involution, in_channels: 66": [
        "layers[0].group_channels: 66 channels do not divide by group_channels 16",
        "layers[0].reduction_ratio: 66 channels do not divide by reduction_ratio 4",
    ],
    "operator: involution, group_channels: 16, groups: ^4": [
        "^ layers[0].groups: give groups or group_channels, not both"
    ],
    "operator: involution, form: ^bottlneck": [
        "^ layers[0].form: must be one of bottleneck, linear, not 'bottlneck' (did you mean 'bottleneck'?)"
    ],
    "operator: involution, kernel_size: ^7x, reduction_ratio: ^5": [
        "^ layers[0].kernel_size: must be a whole number, not '7x'",
        "^ layers[0].reduction_ratio: 64 channels do not divide by reduction_ratio 5",
    ],
    "operator: stand_alone_attention, num_heads: ^7": ["^ layers[0].num_heads: 64 channels do not divide into 7 heads"],
    "module: ^nowhere": ["^ layers[0].module: must be like package.module:Attribute, not 'nowhere'"],
    "module: 'a:B', kwargs: ^[1]": ["^ layers[0].kwargs: must be a mapping, not a list"],
    "^module: a:B, operator: conv": ["^ layers[0].module: give operator or module, not both"],
    "operator: module": ["layers[0].module: missing: add module, like package.module:Attribute"],
    "operator: conv, matrix: ^3": ["^ layers[0].matrix: must be a mapping of keys to lists of values, not 3"],
}

#: the same for networks
NETWORKS_WRONG = {
    "batch: 4": [f"networks[0].network: missing: add network, one of {NETWORK_NAMES}"],
    "network: ^[resnet]": ["^ networks[0].network: must be the name of a network, not a list"],
    "network: ^rednet27": [
        f"^ networks[0].network: unknown network 'rednet27' (did you mean 'rednet26'?); there are: {NETWORK_NAMES}"
    ],
    "network: resnet50, ^scope: module": ["^ networks[0].scope: unknown key"],
    "network: resnet50, ^kernel_size: 3": [
        "^ networks[0].kernel_size: unknown key (did you mean 'operator.kernel_size'?)"
    ],
    "network: resnet": [
        "networks[0].depth: missing: add depth, one of 26, 38, 50, 101, 152",
        "networks[0].operator: missing: add operator, the name of an operator or a mapping",
    ],
    "network: resnet, depth: ^27, operator: conv": ["^ networks[0].depth: must be one of 26, 38, 50, 101, 152, not 27"],
    "network: resnet, depth: 26, operator: ^{kernel_size: 3}": [
        f"^ networks[0].operator.operator: missing: add operator, one of {OPERATOR_NAMES}"
    ],
    "network: rednet26, operator: {kernel_size: ^4}": [
        "^ networks[0].operator.kernel_size: must be odd for involution, not 4 (in stage1.block1)"
    ],
    "network: rednet26, operator: {^group_chanels: 4}": [
        "^ networks[0].operator.group_chanels: unknown key (did you mean 'group_channels'?)"
    ],
    "network: rednet26, operator: {stride: ^2}": ["^ networks[0].operator.stride: is set by the network; leave it out"],
    "network: rednet26, stem: {kernel_size: ^8}": [
        "^ networks[0].stem.kernel_size: must be odd for involution, not 8 (in stem)"
    ],
    "network: rednet26, stem: {operator: involution, reduction_ratio: ^5}": [
        "^ networks[0].stem.reduction_ratio: 32 channels do not divide by reduction_ratio 5 (in stem)"
    ],
    "network: resnet50, operator: ^{padding: 7}": [
        "^ networks[0].operator: makes 68×68 where the network needs 56×56 (in stage1.block1)"
    ],
    "network: resnet50, stem: ^7": ["^ networks[0].stem: must be the name of an operator or a mapping, not 7"],
    "network: resnet50, stem: ^7, operator: ^{padding: 7}": [
        "^ networks[0].stem: must be the name of an operator or a mapping, not 7",
        "^ networks[0].operator: makes 68×68 where the network needs 56×56 (in stage1.block1)",
    ],
    "network: resnet50, ^module: a:B, operator: conv": ["^ networks[0].module: give operator or module, not both"],
    "network: resnet50, module: ^ab": ["^ networks[0].module: must be like package.module:Attribute, not 'ab'"],
    "network: rednet26, batch: ^0, operator: {kernel_size: ^4}, dtype: ^on": [
        "^ networks[0].batch: must be at least 1, not 0",
        "^ networks[0].operator.kernel_size: must be odd for involution, not 4 (in stage1.block1)",
        "^ networks[0].dtype: must be one of float32, bfloat16, float16, float64, not 'on'",
    ],
    "network: rednet26, height: ^0, operator: {kernel_size: 4}": ["^ networks[0].height: must be at least 1, not 0"],
    "network: resnet50, batch: ^0, num_classes: ^0": [
        "^ networks[0].batch: must be at least 1, not 0",
        "^ networks[0].num_classes: must be at least 1, not 0",
    ],
}

#: text of a spec -> its problems, without the file
DOCUMENTS = {
    "layers: [{name: a, operator: conv}]": ["1:1: version: missing: add version: 1"],
    "version: 2\nlayers: [{name: a, operator: conv}]": ["1:10: version: must be 1, not 2"],
    "version: '1'\nlayers: [{name: a, operator: conv}]": ["1:10: version: must be 1, not '1' (remove the quotes)"],
    "version: 1": ["1:1: spec: missing: add at least one layer (layers) or network (networks)"],
    "version: 1\nlayers: []": ["1:1: spec: missing: add at least one layer (layers) or network (networks)"],
    "version: 1\nlayers:\n": [
        "1:1: spec: missing: add at least one layer (layers) or network (networks)",
        "2:8: layers: must be a list, each item with a name, not null",
    ],
    "version: 1\nlayers: {a: 1}": ["2:9: layers: must be a list, each item with a name, not a mapping"],
    "version: 1\nlayers: [conv]": ["2:10: layers[0]: must be a mapping with a name, not 'conv'"],
    "- 1": ["1:1: spec: must be a mapping with version, and layers or networks, not a list"],
    "version: 1\nlayer: []\nnetworks: [{name: a, network: resnet50}]": [
        "2:1: layer: unknown key (did you mean 'layers'?)"
    ],
    "version: 1\nlayers: [{operator: conv}]": [f"2:10: layers[0].name: missing: add name, {NAME}"],
    "version: 1\nlayers: [{name: a b, operator: conv}]": [f"2:17: layers[0].name: must be {NAME}, not 'a b'"],
    "version: 1\nlayers: [{name: 7, operator: conv}]": ["2:17: layers[0].name: must be text, not 7 (quote it)"],
    'version: 1\nlayers: [{name: "a\\n\\u200b", operator: conv}]': [
        f"2:17: layers[0].name: must be {NAME}, not 'a\\n\\u200b'"
    ],
    "version: 1\nlayers: [{name: a, operator: conv}]\nnetworks: [{name: a, network: resnet50}]": [
        "3:19: networks[0].name: 'a' is also a name at 2:17: names must differ"
    ],
    "version: 1\nlayers: [{name: a, operator: conv}]\ndefaults: [1]\nmeasure: x": [
        "3:11: defaults: must be a mapping, not a list",
        "4:10: measure: must be a mapping, not 'x'",
    ],
    "version: 1\nlayers: [{name: a, operator: conv}]\nmeasure: {target_ci: 1e-9999, max_time_s: 0, time: 1}": [
        "3:22: measure.target_ci: must be more than 0, not 0.0",
        "3:43: measure.max_time_s: must be more than 0, not 0",
        "3:46: measure.time: unknown key (did you mean 'timeout_s'?)",
    ],
    "version: 1\nlayers: [{name: a, operator: conv}]\nmeasure: {target_ci: .inf, max_time_s: true}": [
        "3:22: measure.target_ci: must be a finite number, not .inf",
        "3:40: measure.max_time_s: must be a number, not true",
    ],
    "version: 1\nlayers: [{name: a, operator: conv}]\ndefaults: {bach: 1, group_channels: x, in_channels: 0}": [
        "3:12: defaults.bach: unknown key (did you mean 'batch'?)",
        "3:37: defaults.group_channels: must be a whole number or C, not 'x'",
        "3:53: defaults.in_channels: must be at least 1, not 0",
    ],
}


def marked(keys, expected, start):
    """The text without marks, and the expected problems with the marks' columns (the entry's for those without)."""
    columns = [start + match.start() - n for n, match in enumerate(re.finditer(r"\^", keys))]
    found = [f"x.yaml:3:{columns.pop(0)}: {text[2:]}" if text[0] == "^" else f"x.yaml:3:5: {text}" for text in expected]
    assert not columns
    return keys.replace("^", ""), found


@pytest.mark.parametrize("keys", LAYERS)
def test_layer(problems, keys):
    text, expected = marked(keys, LAYERS[keys], start=15)
    assert problems(f"version: 1\nlayers:\n  - {{name: a, {text}}}\n") == expected


@pytest.mark.parametrize("keys", NETWORKS_WRONG)
def test_network(problems, keys):
    text, expected = marked(keys, NETWORKS_WRONG[keys], start=15)
    assert problems(f"version: 1\nnetworks:\n  - {{name: a, {text}}}\n") == expected


@pytest.mark.parametrize("text", DOCUMENTS)
def test_document(problems, text):
    assert problems(text) == [f"x.yaml:{problem}" for problem in DOCUMENTS[text]]


def test_every_problem_of_every_file_at_once(problems):
    first = "version: 1\nlayers:\n  - name: a\n    operator: conv\n    kernel_siz: 3\n    batch: 0\n"
    second = "version: 3\nlayers:\n  - name: a\n    operator: conv\n"
    assert problems(first, "version: [", second, sets=("x",)) == [
        "--set:1:1: --set: must be key=value, such as kernel_size=5 or backend=unfold,shift, not 'x'",
        "x.yaml:5:5: layers[0].kernel_siz: unknown key (did you mean 'kernel_size'?)",
        "x.yaml:6:12: layers[0].batch: must be at least 1, not 0",
        "x1.yaml:1:11: spec: is not valid YAML: did not find expected node content",
        "x2.yaml:1:10: version: must be 1, not 3",
    ]


def test_one_problem_for_all_cells_of_a_matrix(problems):
    text = (
        "version: 1\nlayers:\n  - name: a\n    operator: involution\n    group_channels: 48\n"
        "    matrix: {kernel_size: [3, 4, 5], backend: [unfold, shft], batch: [1, 2]}\n"
    )
    assert problems(text) == [
        "x.yaml:5:21: layers[0].group_channels: 64 channels do not divide by group_channels 48",
        "x.yaml:6:31: layers[0].matrix.kernel_size[1]: must be odd for involution, not 4",
        "x.yaml:6:56: layers[0].matrix.backend[1]: unknown backend 'shft' (did you mean 'shift'?);"
        f" there are: {BACKEND_NAMES}",
    ]


def test_long_and_invisible_text_stays_on_one_short_line(problems):
    [problem] = problems(f'version: 1\nlayers: [{{name: a, operator: "{"x" * 5000}\\n"}}]\n')
    assert problem == (f"x.yaml:2:30: layers[0].operator: unknown operator '{'x' * 59}…'; there are: {OPERATOR_NAMES}")


VALUES = (None, True, 0, -1, 7, 10**30, 0.5, "", "x", "C", "7", [], [1], {}, {"a": 1})
MODELS = {
    **{name: entry.fields() for name, entry in OPERATORS.items()},
    **{name: NETWORKS[name].fields() for name in ("resnet",)},
    "LayerKeys": LayerKeys,
    "NetworkKeys": NetworkKeys,
    "Named": Named,
}


@pytest.mark.parametrize("name", MODELS)
def test_every_error_of_every_model_has_a_message_of_ours(name):
    model = MODELS[name]
    place = Place("x.yaml", 1, 1)
    for key in model.model_fields:
        for value in VALUES:
            report: set = set()
            item = located(value, place.below(key)) if not isinstance(value, list) else located({}, place.below(key))
            built(model, {key: item}, place, report)
            assert all(p.message.startswith(("must be ", "missing: add ", "unknown ")) for p in report), report


class Everything(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    text: str = Field(default="ab", min_length=2, max_length=3)
    number: float = Field(default=0.5, lt=1, gt=0, multiple_of=0.25)
    items: list[int] = Field(default=[1], min_length=1)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("text", "a", "must be at least 2 characters long, not 'a'"),
        ("text", "abcd", "must be at most 3 characters long, not 'abcd'"),
        ("number", 1, "must be less than 1, not 1"),
        ("number", 0.3, "must be a multiple of 0.25, not 0.3"),
        ("items", 3, "must be a list, not 3"),
    ],
)
def test_constraints_that_an_operator_may_use(key, value, message):
    report: set = set()
    place = Place("x.yaml", 1, 1)
    model, bad = built(Everything, {key: located(value, place.below(key))}, place, report)
    assert [str(problem) for problem in report] == [f"x.yaml:1:1: {key}: {message}"]
    assert (model, bad) == (Everything(), {key})
