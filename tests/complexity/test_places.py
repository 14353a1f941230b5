"""Where operations run: submodules, parts, and in a backward pass the place of the forward pass that made the node."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from invobench.complexity.dispatch import count_dispatched
from invobench.complexity.places import Places
from invobench.operators.parts import _WATCHERS, part


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(4))
        self.linear = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        with part("early"):
            x = x * self.gain
        y: Tensor = self.linear(x)
        return y


class Outer(nn.Module):
    """Calls `inner` twice, and multiplies in its own code between and in a part."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Inner()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x) * self.scale
        with part("late"):
            y = y * y
        return y + self.inner(x)


FORWARD = {
    ("inner.early", "mul"): 2 * 8,
    ("inner.linear", "addmm"): 2 * 24,
    ("", "mul"): 6,
    ("late", "mul"): 6,
}


def test_forward() -> None:
    module = Outer()
    with Places(module) as places:
        count = count_dispatched(lambda: module(torch.ones(2, 4)), places)
    assert {key: tally.macs for key, tally in count.operations.items()} == FORWARD


def test_backward_belongs_to_the_place_of_its_forward() -> None:
    module, x = Outer(), torch.ones(2, 4, requires_grad=True)
    with Places(module) as places:
        y = module(x).sum()
        count = count_dispatched(y.backward, places)
    found: dict[str, int] = {}
    for (place, _), tally in count.operations.items():
        found[place] = found.get(place, 0) + tally.macs
    assert found == {"inner.early": 2 * 16, "inner.linear": 2 * 48, "": 12, "late": 12}


def test_nothing_is_left_behind() -> None:
    module = Outer()
    with Places(module):
        pass
    assert not _WATCHERS
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def test_a_forward_pass_that_raises_leaves_the_place() -> None:
    module = Outer()
    with Places(module) as places:
        with pytest.raises(RuntimeError):
            module(torch.ones(2, 5))
        assert places.current == ""
        count = count_dispatched(lambda: module(torch.ones(2, 4)), places)
    assert {key: tally.macs for key, tally in count.operations.items()} == FORWARD
