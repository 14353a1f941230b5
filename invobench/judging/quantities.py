"""What a gate compares: a line a quantity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from invobench import units

#: how a quantity is judged: a rule of `invobench.judging.checks`
RuleName = Literal["timing", "growth", "same", "error"]


@dataclass(frozen=True)
class Quantity:
    """`field`: of a row. `threshold`: the field of Thresholds that bounds it, empty where none does.

    `rule`: how it is judged. `show`: a value as text for people. `same_torch`: compared only under the same version
    of PyTorch, which decides it.
    """

    field: str
    heading: str
    threshold: str
    rule: RuleName
    show: Callable[[Any], str]
    same_torch: bool = False


def _shapes(value: Any) -> str:
    return " ".join("×".join(str(size) for size in shape) for shape in value)


#: in the order of a cell's checks
QUANTITIES: Mapping[str, Quantity] = {
    "latency": Quantity("latency_s", "latency", "latency", "timing", units.duration),
    "peak_memory": Quantity("peak_memory_bytes", "peak memory", "peak_memory", "growth", units.size),
    "params": Quantity("params", "parameters", "params", "growth", units.exact),
    "macs_formula": Quantity("macs_formula", "multiply-adds by formula", "macs", "growth", units.exact),
    "macs_dispatched": Quantity("macs_dispatched", "multiply-adds dispatched", "macs", "growth", units.exact),
    "min_bytes": Quantity("min_bytes", "minimum bytes", "min_bytes", "growth", units.exact),
    "operations": Quantity("operations", "operations", "operations", "growth", units.exact, same_torch=True),
    "launches": Quantity("launches", "kernel launches", "launches", "growth", units.exact, same_torch=True),
    "output_shape": Quantity("output_shape", "output shape", "", "same", _shapes),
    "max_error": Quantity("max_error", "largest error", "max_error", "error", lambda value: f"{value:.2g}"),
}
