"""Multiply-adds of what PyTorch dispatched, in the cell's mode."""

from __future__ import annotations

from typing import Any

from invobench.complexity.counters.ours import count
from invobench.runner.cases import Case
from invobench.runner.subjects import subject_of


def measure(case: Case) -> dict[str, Any]:
    """`operations` dispatched, and `macs_dispatched`, or `uncounted`: those that have no rule, by name."""
    found = count(subject_of(case))
    dispatched = {"operations": found.dispatched}
    if found.uncounted:
        names = ", ".join(f"{name} ×{calls}" for name, calls in sorted(found.uncounted.items()))
        return {**dispatched, "uncounted": names}
    return {**dispatched, "macs_dispatched": found.macs}
