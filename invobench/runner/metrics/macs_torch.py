"""What `torch.utils.flop_counter` reports, as it comes."""

from __future__ import annotations

from typing import Any

from invobench.complexity.libraries import count_torch
from invobench.runner.cases import Case
from invobench.runner.metrics.counting import counted_step


def measure(case: Case) -> dict[str, Any]:
    """`macs_torch`: half of its flops in the cell's mode, empty where it knows no operation."""
    step = counted_step(case)
    step.prepare()
    return {"macs_torch": count_torch(step.run)}
