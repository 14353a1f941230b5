"""The executions of a contract: what makes a case's step run eagerly, compiled, or replayed as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor, nn

from invobench.runner.compiling import compiled, compiler_errors
from invobench.runner.graphs import captured
from invobench.runner.steps import STEPS, Step

Inputs = tuple[Tensor, ...]


@dataclass(frozen=True)
class Work:
    """What a step is made of: a module in a mode, for a kind of cell, recorded for gradients or not."""

    module: nn.Module
    mode: str
    kind: str
    autograd: bool

    def step(self, inputs: Inputs) -> Step:
        """Its step on one set of inputs, eager."""
        return STEPS[self.mode](self.module, inputs, self.kind, self.autograd)


MakeStep = Callable[[Inputs], Step]


def _eager(work: Work, inputs: Inputs) -> MakeStep:
    return work.step


def _compiled(work: Work, inputs: Inputs) -> MakeStep:
    """Compile, and call as often as it takes until nothing is compiled any more: forward, then a gradient of it."""
    made = replace(work, module=compiled(work.module))
    with compiler_errors():
        step = made.step(inputs)
        step.whole()
        step.prepare()
        step.run()
    for parameter in work.module.parameters():
        parameter.grad = None
    return made.step


def _cuda_graph(work: Work, inputs: Inputs) -> MakeStep:
    """A graph a set of inputs; peak memory is that of the eager call, which the graph's own pool holds too."""

    def step(inputs: Inputs) -> Step:
        eager = work.step(inputs)
        return replace(eager, run=captured(eager.run, inputs[0].device))

    return step


#: execution -> (work, inputs for first calls) -> what makes steps
EXECUTIONS: Mapping[str, Callable[[Work, Inputs], MakeStep]] = {
    "eager": _eager,
    "compiled": _compiled,
    "cuda_graph": _cuda_graph,
}
