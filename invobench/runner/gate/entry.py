"""What a side asks of its processes, as a function that it can name without importing PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from invobench.runner.gate.tasks import Task, Tell, Watch


def measure_cells(tasks: Sequence[Task], watch: Watch | None, tell: Tell) -> Mapping[str, Any]:
    """`measuring.measure_cells`."""
    from invobench.runner.gate import measuring

    return measuring.measure_cells(tasks, watch, tell)
