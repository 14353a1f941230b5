"""What other counters report, as it comes: fvcore (one per multiply-add) and torch (halved)."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


def count_fvcore(module: nn.Module, inputs: tuple[Tensor, ...]) -> int | None:
    """fvcore's count of a forward pass on `inputs` (not on `meta`), None where it knows no operation of it."""
    with _quiet("fvcore"):
        from fvcore.nn import FlopCountAnalysis

        analysis = FlopCountAnalysis(module, inputs)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        return round(analysis.total()) or None


def count_torch(run: Callable[[], Any]) -> int | None:
    """Half of what `torch.utils.flop_counter` reports for `run`, None where it knows no operation of it."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter:
        run()
    return counter.get_total_flops() // 2 or None


@contextmanager
def _quiet(logger_name: str) -> Iterator[None]:
    """Keep a library's warnings (deprecations in what it uses) out of our output."""
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
