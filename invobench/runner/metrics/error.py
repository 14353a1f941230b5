"""The error of what runs against the float64 reference."""

from __future__ import annotations

from typing import Any

from invobench.runner.cases import Case
from invobench.runner.parity import check_case


def measure(case: Case) -> dict[str, Any]:
    """`max_error`, `output_error`, `gradient_error`; empty where there is no reference. Raises where it is wrong."""
    errors = check_case(case)
    if errors is None:
        return {}
    return {"max_error": errors.worst, "output_error": errors.output, "gradient_error": errors.gradient}
