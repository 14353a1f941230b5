"""Parameters and multiply-adds of the published networks."""

from __future__ import annotations

import re

import pytest

from invobench.networks import NETWORKS
from invobench.networks.base import NetworkFields
from invobench.operators.base import LayerSpec
from invobench.published.build import buildable
from invobench.published.rows import PublishedRow, read_published
from tests.networks.build import ATTENTION, CONV, IMAGE, INVOLUTION, fields, layer, parameters, rednet

BUILT = [(row, found.network.fields) for row in read_published() if (found := buildable(row)) is not None]


def test_every_row_that_can_be_built_is():
    """Ablation 4 + 4 + 4, model zoo 5, envelope ResNet 5, RedNet 5, SASA with a convolution stem 3."""
    assert len(BUILT) == 30


def name_of(row: PublishedRow) -> str:
    return " ".join((row.table, row.model, row.setting)).strip()


@pytest.mark.parametrize(("row", "network"), [pytest.param(*pair, id=name_of(pair[0])) for pair in BUILT])
def test_parameters(row, network):
    counted = parameters(network)
    assert abs(counted / 1e6 - row.params_m) <= row.params_tolerance_m
    cost = NETWORKS["resnet"].cost(network, IMAGE)
    assert cost is not None
    assert cost.params == counted


@pytest.mark.parametrize(("row", "network"), [pair for pair in BUILT if pair[0].table == "model_zoo"])
def test_multiply_adds_of_the_model_zoo(row, network):
    """What the README prints as FLOPs, to its two decimals, under convention `hook`."""
    assert round(NETWORKS["resnet"].cost(network, IMAGE).macs("hook") / 1e9, 2) == row.flops_g


def test_multiply_adds_of_the_ablations():
    """`conv-linear` gives the slides' figures but for group channels 4: 3.055 against a printed 3.0."""
    off = [
        row.setting
        for row, network in BUILT
        if row.table.startswith("ablation")
        and round(NETWORKS["resnet"].cost(network, IMAGE).macs("conv-linear") / 1e9, 1) != row.flops_g
    ]
    assert off == ["group_channels=4"]


def resnet(depth: int) -> NetworkFields:
    return fields(depth, CONV)


def rednet_3x3(depth: int) -> NetworkFields:
    return fields(depth, INVOLUTION, layer("involution", kernel_size=3, group_channels=16))


@pytest.mark.parametrize(
    ("make", "convention", "giga"),
    [
        (rednet, "hook", [1.7339, 2.2238, 2.7136, 4.7427, 6.7861]),
        (resnet, "hook", [2.361, 3.241, 4.121, 7.849, 11.580]),
        (rednet_3x3, "formula", [1.685, 2.167, 2.649, 4.659, 6.679]),
    ],
)
def test_multiply_adds_by_depth(make, convention, giga):
    found = [NETWORKS["resnet"].cost(make(depth), IMAGE).macs(convention) / 1e9 for depth in (26, 38, 50, 101, 152)]
    digits = 4 if convention == "hook" and make is rednet else 3
    assert [round(value, digits) for value in found] == giga


def test_exact_figures():
    """ResNet-50 as known everywhere: 25,557,032 parameters, 4,089,184,256 products.

    `hook` adds 1,000 + 2 · 11,113,984 + 9,608,704 to them.
    """
    cost = NETWORKS["resnet"].cost(resnet(50), IMAGE)
    assert (cost.params, cost.macs("formula"), cost.macs("conv-linear")) == (25_557_032, 4_089_184_256, 4_089_184_256)
    assert cost.macs("hook") == 4_121_021_928
    elements = {
        kind: sum(term.operations for term in cost.terms if term.kind == kind)
        for kind in ("bias", "normalisation", "activation", "pooling", "addition")
    }
    assert elements == {
        "bias": 1_000,
        "normalisation": 11_113_984,
        "activation": 9_608_704,
        "pooling": 202_752,
        "addition": 5_519_360,
    }


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "resnet"])
def test_presets_name_the_published_networks(name):
    """The preset's plain values, read as a spec would, are the network that the rows above were counted from."""
    preset = dict(NETWORKS[name].preset)
    operator = dict(preset["operator"])
    stem = preset.get("stem", "conv")
    made = layer(**operator)
    network = fields(preset["depth"], made, stem if stem == "conv" else layer(**operator | stem))
    family, depth = re.fullmatch(r"(\D+)(\d+)", name).groups()
    expected = {"resnet": resnet, "rednet": rednet, "sasa_resnet": lambda depth: fields(depth, ATTENTION)}[family]
    assert network == expected(int(depth))
    assert isinstance(network.operator, LayerSpec)
