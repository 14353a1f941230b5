"""The counter against the formulas: every operator, backend and mode, odd sizes, and the published figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from invobench.complexity.count import Count
from invobench.complexity.dispatch import count_dispatched
from invobench.cost import MODES, Cost
from invobench.networks import NETWORKS
from invobench.operators import BACKENDS, OPERATORS
from invobench.operators.base import LayerShape, LayerSpec
from invobench.operators.involution.module import Involution
from invobench.operators.involution.spec import Fields
from invobench.runner.steps import STEPS
from tests.networks.build import ATTENTION, CONV, fields, layer, rednet

Dims = tuple[int, int, int, int]


def formula(spec: LayerSpec, dims: Dims, scope: str, mode: str) -> int:
    cost = OPERATORS[spec.operator].cost(spec.fields, LayerShape(*dims), scope)
    assert cost is not None
    return cost.macs("formula", mode)


def dispatched(
    spec: LayerSpec, backend: str, dims: Dims, scope: str = "module", mode: str = "forward", device: str = "meta"
) -> Count:
    code = BACKENDS[spec.operator][backend].load()
    module = OPERATORS[spec.operator].build(spec.fields, dims[1], code, scope).to(device)
    shapes = spec.fields.input_shapes(LayerShape(*dims), scope)
    step = STEPS[mode](module, tuple(torch.zeros(shape, device=device) for shape in shapes), "layer")
    step.prepare()
    return count_dispatched(step.run)


def differences(spec: LayerSpec, dims: Dims, scope: str = "module") -> Iterator[str]:
    """Backends and modes in which the counter does not give the formula's number."""
    assert not list(spec.fields.problems(dims[1]))
    for backend, mode in product(BACKENDS[spec.operator], MODES):
        count, wanted = dispatched(spec, backend, dims, scope, mode), formula(spec, dims, scope, mode)
        if count.macs != wanted or count.uncounted:
            yield f"{spec} {dims} {scope} {backend} {mode}: {count.macs}, formula {wanted}, {dict(count.uncounted)}"


QUICK: list[tuple[LayerSpec, Dims, str]] = [
    (layer("involution", kernel_size=7, groups=4), (1, 16, 7, 9), "module"),
    (layer("involution", kernel_size=3, stride=2, groups=2, reduction_ratio=2), (3, 8, 5, 8), "module"),
    (layer("involution", kernel_size=5, stride=2, dilation=2, group_channels="C"), (2, 8, 11, 13), "module"),
    (layer("involution", kernel_size=3, dilation=2, form="linear", group_channels=4), (1, 8, 1, 1), "module"),
    (layer("involution", kernel_size=3, stride=2, groups=4), (3, 16, 9, 6), "aggregation"),
    (layer("conv", kernel_size=3), (1, 8, 7, 9), "module"),
    (layer("conv", kernel_size=3, groups=4, out_channels=12, bias=True), (3, 8, 9, 6), "module"),
    (layer("conv", kernel_size=5, stride=2, groups="C"), (3, 8, 9, 6), "module"),
    (layer("conv", kernel_size=3, stride=2, dilation=2, groups="C", out_channels=16), (1, 8, 11, 13), "module"),
    (layer("conv", kernel_size=1, out_channels=3), (3, 8, 5, 5), "module"),
    (layer("conv", kernel_size=2, stride=3, padding=0), (1, 4, 9, 7), "module"),
    (layer("stand_alone_attention", kernel_size=7), (1, 16, 7, 9), "module"),
    (layer("stand_alone_attention", kernel_size=3, stride=2, num_heads=2, out_channels=12), (3, 8, 9, 7), "module"),
    (layer("stand_alone_attention", kernel_size=5, num_heads=1), (2, 4, 1, 3), "module"),
]


@pytest.mark.parametrize("case", QUICK, ids=str)
def test_dispatched_equals_the_formula(case: tuple[LayerSpec, Dims, str]) -> None:
    assert list(differences(*case)) == []


@pytest.mark.parametrize("case", QUICK, ids=str)
def test_backward_is_twice_forward(case: tuple[LayerSpec, Dims, str]) -> None:
    spec, dims, scope = case
    for backend in BACKENDS[spec.operator]:
        forward = dispatched(spec, backend, dims, scope).macs
        assert forward > 0
        assert dispatched(spec, backend, dims, scope, "backward").macs == 2 * forward, backend
        assert dispatched(spec, backend, dims, scope, "train_step").macs == 3 * forward, backend


_INVOLUTION = [
    {"form": "linear", "groups": 4},
    {"groups": 1},
    {"group_channels": 2, "reduction_ratio": 8},
    {"group_channels": "C", "scope": "aggregation"},
]
_CONV = [{}, {"groups": 4, "out_channels": 8, "bias": True}, {"groups": "C", "out_channels": 32}, {"out_channels": 1}]
_ATTENTION = [{"num_heads": 8}, {"num_heads": 1}, {"num_heads": 2, "out_channels": 12}]


def grid() -> Iterator[tuple[LayerSpec, Dims, str]]:
    for dims, size, stride in product([(1, 16, 7, 9), (3, 16, 1, 1), (2, 16, 5, 8)], (3, 5), (1, 2)):
        common = {"kernel_size": size, "stride": stride}
        for dilation, extra in product((1, 2), _INVOLUTION):
            values = {**common, "dilation": dilation, **extra}
            scope = str(values.pop("scope", "module"))
            yield layer("involution", **values), dims, scope
        for dilation, extra in product((1, 2), _CONV):
            yield layer("conv", **common, dilation=dilation, **extra), dims, "module"
        for extra in _ATTENTION:
            yield layer("stand_alone_attention", **common, **extra), dims, "module"


@pytest.mark.slow
@pytest.mark.parametrize("case", list(grid()), ids=str)
def test_dispatched_equals_the_formula_on_a_grid(case: tuple[LayerSpec, Dims, str]) -> None:
    assert list(differences(*case)) == []


@pytest.mark.parametrize(
    ("spec", "scope"),
    [
        (layer("involution", kernel_size=3, group_channels=1), "module"),
        (layer("involution", kernel_size=1, groups=4), "aggregation"),
        (layer("involution", kernel_size=1, group_channels=1), "aggregation"),
        (layer("conv", kernel_size=1, groups="C"), "module"),
        (layer("stand_alone_attention", kernel_size=1, num_heads=4), "module"),
    ],
)
def test_sums_over_one_element_count_too(spec: LayerSpec, scope: str) -> None:
    """A gradient that is a bare product: no sum is dispatched, and there is one by the formula."""
    assert list(differences(spec, (2, 8, 5, 7), scope)) == []


@pytest.mark.parametrize("operator", ["involution", "conv", "stand_alone_attention"])
@pytest.mark.parametrize("index", [0, -1])
def test_a_wrong_formula_is_seen(monkeypatch: pytest.MonkeyPatch, operator: str, index: int) -> None:
    """One operation more in any product term, and the counts disagree."""
    spec, dims = layer(operator, kernel_size=3), (1, 16, 5, 5)
    assert list(differences(spec, dims)) == []
    entry = type(OPERATORS[operator])
    right = entry.cost

    def wrong(self: Any, fields: Any, shape: LayerShape, scope: str = "module") -> Cost:
        cost = right(self, fields, shape, scope)
        assert cost is not None
        terms = list(cost.terms)
        terms[index] = replace(terms[index], operations=terms[index].operations + 1)
        return replace(cost, terms=tuple(terms))

    monkeypatch.setattr(entry, "cost", wrong)
    assert len(list(differences(spec, dims))) == len(BACKENDS[operator]) * len(MODES)


# one involution, C=64, K=7, r=4, G=4, 56×56: (C²+K²GC)/r·HW + K²C·HW = 22,880,256
PUBLISHED = layer("involution", kernel_size=7, groups=4, reduction_ratio=4)
PUBLISHED_DIMS = (1, 64, 56, 56)


def einsum(x: Tensor, weight: Tensor, kernel_size: int, stride: int, dilation: int) -> Tensor:
    """The aggregation as one contraction over the taps."""
    batch, groups, taps, height, width = weight.shape
    columns = functional.unfold(x, kernel_size, padding=kernel_size // 2)
    columns = columns.view(batch, groups, -1, taps, height, width)
    return torch.einsum("ngtyx,ngctyx->ngcyx", weight, columns).flatten(1, 2)


def published_terms() -> dict[str, int]:
    cost = OPERATORS["involution"].cost(PUBLISHED.fields, LayerShape(*PUBLISHED_DIMS))
    assert cost is not None
    return {term.name: term.operations for term in cost.terms}


def test_published_figures_by_formula() -> None:
    assert formula(PUBLISHED, PUBLISHED_DIMS, "module", "forward") == 22_880_256
    terms = published_terms()
    assert (terms["reduce"], terms["span"], terms["aggregate"]) == (3_211_264, 9_834_496, 9_834_496)


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("backend", ["reference", "unfold", "shift"])
def test_published_figure_by_count(backend: str, device: str) -> None:
    count = dispatched(PUBLISHED, backend, PUBLISHED_DIMS, device=device)
    assert (count.macs, dict(count.uncounted)) == (22_880_256, {})


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_published_figure_by_count_of_an_einsum(device: str) -> None:
    assert isinstance(PUBLISHED.fields, Fields)
    module = Involution(PUBLISHED.fields, 64, einsum).eval().to(device)
    x = torch.zeros(PUBLISHED_DIMS, device=device)
    assert count_dispatched(lambda: module(x)).macs == 22_880_256


def last_backend(inner: LayerSpec, at: LayerShape) -> nn.Module:
    """The layer with the backend that its table names last."""
    *_, entry = BACKENDS[inner.operator].values()
    module: nn.Module = OPERATORS[inner.operator].build(inner.fields, at.in_channels, entry.load())
    return module


NETS = {
    "resnet26": fields(26, CONV),
    "rednet26": rednet(26),
    "sasa_resnet26": fields(26, ATTENTION),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NETS)
def test_a_network_equals_its_formula(name: str, mode: str) -> None:
    shape = LayerShape(2, 3, 65, 97)
    entry, chosen = NETWORKS["resnet"], NETS[name]
    cost = entry.cost(chosen, shape)
    assert cost is not None
    with torch.device("meta"):
        step = STEPS[mode](entry.build(chosen, shape, last_backend), (torch.zeros(shape.dims),), "network")
        step.prepare()
    count = count_dispatched(step.run)
    assert (count.macs, dict(count.uncounted)) == (cost.macs("formula", mode), {})
