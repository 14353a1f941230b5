"""`--bmf FILE`: Bencher Metric Format, a benchmark a cell with a measure a quantity of the candidate."""

from __future__ import annotations

import json
from typing import Any

from invobench.judging.verdicts import Check, Judgement
from invobench.report import judged_words as words

#: Bencher's own measure `latency` is in nanoseconds; the others are in base units
_FACTORS = {"latency": 1e9}


def render(judgement: Judgement) -> str:
    """The candidate's values by benchmark and measure; a value that is missing has no entry.

    `lower_value` and `upper_value` are the 95 % limits of the ratio, times the base's value.
    """
    benchmarks: dict[str, dict[str, Any]] = {}
    for cell in judgement.cells:
        measures = {slug(check): _metric(check) for check in cell.checks if words.is_number(check.candidate)}
        if measures:
            benchmarks[words.full_name(cell.identity)] = measures
    return json.dumps(benchmarks, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def slug(check: Check) -> str:
    """The measure's name in a URL: `peak-memory`."""
    return check.quantity.replace("_", "-")


def _metric(check: Check) -> dict[str, float]:
    factor = _FACTORS.get(check.quantity, 1)
    metric = {"value": check.candidate * factor}
    if check.low is not None and check.high is not None and words.is_number(check.base):
        metric["lower_value"] = check.base * check.low * factor
        metric["upper_value"] = check.base * check.high * factor
    return metric
