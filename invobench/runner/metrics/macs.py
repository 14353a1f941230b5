"""Multiply-adds of what PyTorch dispatched, in the cell's mode."""

from __future__ import annotations

from typing import Any

from invobench.complexity.dispatch import count_dispatched
from invobench.runner.cases import Case
from invobench.runner.metrics.counting import counted_step


def measure(case: Case) -> dict[str, Any]:
    """`macs_dispatched`, or `uncounted`: the operations that have no rule, by name."""
    step = counted_step(case)
    step.prepare()
    count = count_dispatched(step.run)
    if count.uncounted:
        return {"uncounted": ", ".join(f"{name} ×{calls}" for name, calls in sorted(count.uncounted.items()))}
    return {"macs_dispatched": count.macs}
