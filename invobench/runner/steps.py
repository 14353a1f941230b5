"""The modes: what one call is, and what is prepared before it and not timed.

`forward`: eval mode, no gradients, or recorded for them where the contract says `autograd`. `backward`: gradients of
inputs and parameters alone, of a forward pass in train mode done before. `train_step`: train mode, forward, sum as
loss, backward, SGD step. A network's image needs no gradient, unless it is asked for (`backward`), a layer's input
does, as inside a network. The step's learning rate is 0, so that the work is a step's and the weights stay what they
are however often it is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

Run = Callable[[], Any]


def _no_variants(sets: int) -> Sequence[Run]:
    raise ValueError(f"this step has no way to make {sets} sets of inputs")


@dataclass(frozen=True)
class Step:
    """`prepare` makes what `run` needs and is not timed; `whole` is both, from nothing (for peak memory).

    `variants(n)` are n callables that do the work of `run` on n sets of inputs of the same shapes, the step's own
    first, each prepared: whoever goes round them finds no input in a cache that all sets together exceed.
    """

    prepare: Run
    run: Run
    whole: Run
    autograd: bool
    variants: Callable[[int], Sequence[Run]] = _no_variants


def _forward(module: nn.Module, inputs: tuple[Tensor, ...], kind: str, autograd: bool = False) -> Step:
    module.eval()
    leaves = [tensor.detach().requires_grad_(kind == "layer") for tensor in inputs] if autograd else inputs

    def run() -> Any:
        with nullcontext() if autograd else torch.no_grad():
            return module(*leaves)

    return Step(lambda: None, run, run, autograd)


def _backward(module: nn.Module, inputs: tuple[Tensor, ...], kind: str, autograd: bool = True) -> Step:
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


def _train_step(module: nn.Module, inputs: tuple[Tensor, ...], kind: str, autograd: bool = True) -> Step:
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


class MakeStep(Protocol):
    """Makes the step of a mode."""

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...], kind: str, autograd: bool = ...) -> Step:
        """`kind`: of the cell, `layer` or `network`. `autograd`: whether a forward pass is recorded."""
        ...


#: mode -> what makes its step
STEPS: Mapping[str, MakeStep] = {
    "forward": _forward,
    "backward": _backward,
    "train_step": _train_step,
}
