"""Peak memory of a call above inputs and parameters."""

from __future__ import annotations

from typing import Any

from invobench.measure.memory import peak_memory_bytes
from invobench.runner.cases import Case


def measure(case: Case) -> dict[str, Any]:
    """`peak_memory_bytes` of the cell's step with what it prepares: activations, outputs, gradients."""
    for tensor in (*case.module.parameters(), *case.inputs):
        tensor.grad = None
    return {"peak_memory_bytes": peak_memory_bytes(case.device, case.step().whole)}
