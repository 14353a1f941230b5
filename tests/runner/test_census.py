"""What a built network has under each convention, from what it dispatched: the formula's numbers, found another way."""

from __future__ import annotations

import pytest

from invobench.conventions import Convention
from invobench.errors import MeasurementError
from invobench.networks.resnet import spec
from invobench.operators.base import LayerShape
from invobench.runner.census import census_of
from invobench.spec.cells import NetworkSpec
from tests.builders import layer
from tests.networks.build import ATTENTION, CONV, fields, rednet

IMAGE = LayerShape(1, 3, 224, 224)


@pytest.mark.parametrize("convention", Convention)
@pytest.mark.parametrize(
    "network", [rednet(26), fields(26, CONV), fields(26, ATTENTION)], ids=["rednet", "resnet", "sasa"]
)
def test_every_convention_is_the_formulas(network, convention) -> None:
    what = NetworkSpec("resnet", network)
    cost, census = what.cost(IMAGE), census_of(what, IMAGE)
    assert cost is not None
    assert (census.params, census.macs(convention)) == (cost.params, cost.macs(convention))


def test_it_comes_from_the_module_that_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block more, and the count has it."""
    what, shape = NetworkSpec("resnet", fields(26, CONV)), LayerShape(1, 3, 64, 64)
    before = census_of(what, shape)
    monkeypatch.setattr(spec, "BLOCKS", {**spec.BLOCKS, 26: (1, 3, 4, 1)})
    census_of.cache_clear()
    after = census_of(what, shape)
    census_of.cache_clear()
    assert after.params - before.params == 512 * 128 * 2 + 9 * 128**2 + 2 * (128 + 128 + 512)
    assert after.macs(Convention.FORMULA) - before.macs(Convention.FORMULA) == 64 * (512 * 128 * 2 + 9 * 128**2)


def test_a_layer_of_the_users_own_has_none() -> None:
    with pytest.raises(MeasurementError, match="has no formula, which says what its work is"):
        census_of(layer("module", module="tests.user_layers:Plain"), LayerShape(1, 16, 5, 5))
