"""The shape of the output, of one forward pass in eval mode."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from invobench.runner.cases import Case


def measure(case: Case) -> dict[str, Any]:
    """`output_shape`: of each tensor that comes out, in order."""
    case.module.eval()
    with torch.no_grad():
        out = case.module(*case.inputs)
    return {"output_shape": [list(value.shape) for value in tree_leaves(out) if isinstance(value, Tensor)]}
