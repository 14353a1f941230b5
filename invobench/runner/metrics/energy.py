"""Energy of a call on a GPU whose driver counts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from invobench.measure.energy import Meter, energy_of
from invobench.measure.nvml import monitor_for
from invobench.runner.cases import Case

#: device type -> the meter of a device, None where it has none
METERS: Mapping[str, Callable[[torch.device], Meter | None]] = {"cuda": monitor_for}


def measure(case: Case) -> dict[str, Any]:
    """`energy_j` of a call above idle power, its `energy_resolution_j`, and `idle_power_w`; empty without a counter.

    An energy under the resolution is not told from none and is left out.
    """
    find = METERS.get(case.device.type)
    meter = find(case.device) if find else None
    if meter is None:
        return {}
    step = case.step()
    step.prepare()
    found = energy_of(meter, step.run, lambda: torch.cuda.synchronize(case.device))
    if found is None:
        return {}
    seen = {"energy_j": found.call_j} if found.call_j > found.resolution_j else {}
    return {**seen, "energy_resolution_j": found.resolution_j, "idle_power_w": found.idle_power_w}
