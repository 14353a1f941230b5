"""Busy kernels: callables whose work is a count of the same small operation, so that ratios of work are exact.

Proportional to the count to well under 0.1 % over the ladder: what a call costs besides (a loop's start, on a GPU two
events) is a few parts in ten thousand of it, and the same on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from invobench.measure.clock import Run

#: operations of ratio 1.00: every ratio of the ladder is a whole number of them
BASE = 100


@dataclass(frozen=True)
class Operands:
    """What the repeated operation reads and writes; both callables of a rung use the same memory."""

    x: torch.Tensor
    out: torch.Tensor


def _cpu(device: torch.device) -> Operands:
    """4,096 floats: near the processor, and too few for PyTorch to split over threads. A few microseconds."""
    x = torch.linspace(1, 2, 4096, device=device)
    return Operands(x, torch.empty_like(x))


def _cuda(device: torch.device) -> Operands:
    """16 Mi floats: tens of microseconds an operation, longer than it takes to launch."""
    x = torch.linspace(1, 2, 2**24, device=device)
    return Operands(x, torch.empty_like(x))


_OPERANDS: Mapping[str, Callable[[torch.device], Operands]] = {"cpu": _cpu, "cuda": _cuda}


def operands(device: torch.device) -> Operands:
    """Operands for a device of this type."""
    return _OPERANDS[device.type](device)


def busy(operands: Operands, ratio: float) -> Run:
    """A call of `ratio` times BASE operations. Raises ValueError where that is not a whole number."""
    count = round(BASE * ratio)
    if abs(count - BASE * ratio) > 1e-9:
        raise ValueError(f"{ratio:g} times {BASE} is no whole number of operations")
    # a division: what a mathematics library computes (sin, exp) it may split over threads at any size
    divide, x, out = torch.div, operands.x, operands.out

    def run() -> None:
        for _ in range(count):
            divide(x, x, out=out)

    return run
