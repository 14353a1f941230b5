"""Latency: the median of samples with its 95 % interval."""

from __future__ import annotations

from typing import Any

from invobench.measure.clock import clock_for
from invobench.measure.sampling import sample
from invobench.runner.cases import Case


def measure(case: Case) -> dict[str, Any]:
    """Latency of the cell's step in seconds a call, with the raw samples; `noisy` where the target was not met."""
    step = case.step()
    step.prepare()
    settings = case.cell.measure
    clock = clock_for(case.device)
    sampled = sample(clock, step.run, target_ci=settings.target_ci, max_time_s=settings.max_time_s)
    interval = sampled.interval
    return {
        "latency_s": interval.median,
        "latency_low_s": interval.low,
        "latency_high_s": interval.high,
        "samples": len(sampled.samples_s),
        "samples_s": list(sampled.samples_s),
        "loops": sampled.loops,
        "clock": clock.name,
        "throughput_per_s": case.cell.shape.batch / interval.median,
        "autograd": step.autograd,
        "status": "ok" if sampled.reached else "noisy",
        "message": "" if sampled.reached else _noise(interval.relative, settings.target_ci),
    }


def _noise(reached: float, target: float) -> str:
    known = f"±{reached:.1%}" if reached < 1 else "unknown to ±100 %"
    return f"median {known}, target ±{target:.1%}: raise measure.max_time_s, or quieten the machine"
