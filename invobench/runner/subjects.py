"""From a case to what counters count: on `meta` tensors, or on real ones where a module of the user's may need them."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from invobench.complexity.subject import Subject
from invobench.operators import BACKENDS, ORACLE
from invobench.runner.cases import Case
from invobench.runner.steps import STEPS


def subject_of(case: Case) -> Subject:
    """The case's call in its mode. Its module is copied to `meta`, unless it is there or may look at its data."""
    ours = all(ORACLE in BACKENDS[built.layer.operator] for built in case.layers)
    if not ours or case.device.type == "meta":
        return _subject(case.module, case.inputs, case)
    module = copy.deepcopy(case.module).to("meta")
    return _subject(module, tuple(tensor.to("meta") for tensor in case.inputs), case)


def _subject(module: nn.Module, inputs: tuple[Tensor, ...], case: Case) -> Subject:
    step = STEPS[case.cell.mode](module, inputs, case.cell.kind)

    def real() -> tuple[nn.Module, tuple[Tensor, ...]]:
        """The case's own tensors where they have memory, else tensors of zeros on the CPU."""
        if case.device.type != "meta":
            return case.module.eval(), case.inputs
        empty = copy.deepcopy(case.module).to_empty(device="cpu").eval()
        for tensor in (*empty.parameters(), *empty.buffers()):
            tensor.detach().zero_()
        return empty, tuple(torch.zeros_like(tensor, device="cpu") for tensor in case.inputs)

    return Subject(module, case.cell.mode, step.prepare, step.run, real)
