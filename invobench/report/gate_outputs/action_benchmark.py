"""`--github-benchmark FILE`: what github-action-benchmark reads as `tool: customSmallerIsBetter`."""

from __future__ import annotations

import json
from typing import Any

from invobench.judging.quantities import QUANTITIES
from invobench.judging.verdicts import Check, Judged, Judgement
from invobench.report import judged_words as words

#: end of a field -> unit of its values
_UNITS = {"_s": "s", "_bytes": "B", "max_error": "relative"}


def render(judgement: Judgement) -> str:
    """A list of the candidate's values, each smaller the better; a value that is missing has no entry."""
    entries = [
        _entry(judgement, cell, check)
        for cell in judgement.cells
        for check in cell.checks
        if words.is_number(check.candidate)
    ]
    return json.dumps(entries, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _entry(judgement: Judgement, cell: Judged, check: Check) -> dict[str, Any]:
    """`range` is half the width of the ratio's 95 % interval, times the base's value."""
    entry = {
        "name": f"{words.full_name(cell.identity)}: {QUANTITIES[check.quantity].heading}",
        "unit": next((unit for end, unit in _UNITS.items() if check.field.endswith(end)), "count"),
        "value": check.candidate,
    }
    if check.low is not None and check.high is not None and words.is_number(check.base):
        entry["range"] = f"± {check.base * (check.high - check.low) / 2:.3g}"
    base = words.value(check.quantity, check.base)
    against = f"{base} on {words.side(judgement.base)}" if base else f"no value on {words.side(judgement.base)}"
    return {**entry, "extra": f"{check.verdict}; {against}"}
