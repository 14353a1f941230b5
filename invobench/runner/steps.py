"""The modes: what one call is, and what is prepared before it and not timed.

`forward`: eval mode, no gradients. `backward`: gradients of inputs and parameters alone, of a forward pass in
train mode done before. `train_step`: train mode, forward, sum as loss, backward, SGD step; a network's image
needs no gradient there, a layer's input does, as inside a network. The step's learning rate is 0, so that
the work is a step's and the weights stay what they are however often it is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Step:
    """`prepare` makes what `run` needs and is not timed; `whole` is both, from nothing (for peak memory)."""

    prepare: Callable[[], Any]
    run: Callable[[], Any]
    whole: Callable[[], Any]
    autograd: bool


def _forward(module: nn.Module, inputs: tuple[Tensor, ...], kind: str) -> Step:
    module.eval()

    def run() -> Any:
        with torch.no_grad():
            return module(*inputs)

    return Step(lambda: None, run, run, autograd=False)


def _backward(module: nn.Module, inputs: tuple[Tensor, ...], kind: str) -> Step:
    module.train()
    leaves = [tensor.detach().requires_grad_() for tensor in inputs]
    wanted = [*leaves, *(parameter for parameter in module.parameters() if parameter.requires_grad)]
    held: list[tuple[Tensor, Tensor]] = []

    def gradients(y: Tensor, grad_y: Tensor, keep: bool) -> Any:
        return torch.autograd.grad(y, wanted, grad_y, retain_graph=keep, allow_unused=True)

    def prepare() -> None:
        y = module(*leaves)
        held[:] = [(y, torch.ones_like(y))]

    def run() -> Any:
        return gradients(*held[0], keep=True)

    def whole() -> None:
        held.clear()
        y = module(*leaves)
        gradients(y, torch.ones_like(y), keep=False)

    return Step(prepare, run, whole, autograd=True)


def _train_step(module: nn.Module, inputs: tuple[Tensor, ...], kind: str) -> Step:
    module.train()
    leaves = [tensor.detach().requires_grad_(kind == "layer") for tensor in inputs]
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    optimiser = torch.optim.SGD(parameters, lr=0.0) if parameters else None

    def run() -> None:
        for tensor in (*leaves, *parameters):
            tensor.grad = None
        module(*leaves).sum().backward()
        if optimiser is not None:
            optimiser.step()

    return Step(lambda: None, run, run, autograd=True)


#: mode -> (module, inputs, kind of cell) -> step
STEPS: Mapping[str, Callable[[nn.Module, tuple[Tensor, ...], str], Step]] = {
    "forward": _forward,
    "backward": _backward,
    "train_step": _train_step,
}
