"""What a run asks of its processes, as functions that it can name without importing PyTorch, which only they need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from invobench.runner.machine import Machine
from invobench.spec.cells import Cell

Tell = Callable[[dict[str, Any]], None]


def probe(tell: Tell) -> Machine:
    """`worker.probe`."""
    from invobench.runner import worker

    return worker.probe(tell)


def measure_cell(cell: Cell, device: str, metrics: tuple[str, ...], checked: bool, tell: Tell) -> None:
    """`worker.measure_cell`."""
    from invobench.runner import worker

    worker.measure_cell(cell, device, metrics, tell, checked)
