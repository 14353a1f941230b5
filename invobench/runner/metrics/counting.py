"""Where operations are counted: on `meta` tensors, or on real ones where a module of the user's may need them."""

from __future__ import annotations

import copy

from invobench.operators import BACKENDS
from invobench.runner.cases import Case
from invobench.runner.parity import ORACLE
from invobench.runner.steps import MODES, Step


def counted_step(case: Case) -> Step:
    """The case's step on a copy of its module without data (a user's module may look at its data)."""
    ours = all(ORACLE in BACKENDS[built.layer.operator] for built in case.layers)
    device = "meta" if ours else case.device
    module = copy.deepcopy(case.module).to(device)
    inputs = tuple(tensor.to(device) for tensor in case.inputs)
    return MODES[case.cell.mode](module, inputs, case.cell.kind)
