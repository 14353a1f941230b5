"""What `torch.utils.flop_counter` reports, as it comes."""

from __future__ import annotations

from typing import Any

from invobench.complexity.count import Count
from invobench.complexity.counters.torch_flops import read
from invobench.runner.cases import Case
from invobench.runner.subjects import subject_of


def measure(case: Case) -> dict[str, Any]:
    """`macs_torch`: half of its flops in the cell's mode, empty where it knows no operation."""
    return {"macs_torch": read(subject_of(case), Count()).total}
