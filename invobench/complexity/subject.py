"""What is counted: a module and one call of it in a mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class Subject:
    """A module with its call, on `meta` tensors where nothing needs their values.

    `prepare` runs what is not counted before `run` (a backward pass's forward pass). `real` makes the module in eval
    mode and its inputs with memory, for counters that need it.
    """

    module: nn.Module
    mode: str
    prepare: Callable[[], Any]
    run: Callable[[], Any]
    real: Callable[[], tuple[nn.Module, tuple[Tensor, ...]]]
