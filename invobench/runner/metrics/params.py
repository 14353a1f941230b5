"""Learnable numbers, counted on the module that was built."""

from __future__ import annotations

from typing import Any

from invobench.runner.cases import Case


def measure(case: Case) -> dict[str, Any]:
    """`params`: elements of every parameter, shared ones once."""
    return {"params": sum(parameter.numel() for parameter in case.module.parameters())}
