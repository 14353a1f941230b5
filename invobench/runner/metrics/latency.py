"""Latency: the median of samples with its 95 % interval, under the cell's contract."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle
from typing import Any

from invobench.measure.cache import cache_bytes
from invobench.measure.clock import Clock, Run, clock_for
from invobench.measure.noise import judge
from invobench.measure.sampling import Sampled, sample
from invobench.runner.cases import Case
from invobench.runner.steps import Step

#: more sets than this are not made: inputs so small are not what fills a cache
MOST_SETS = 64


def measure(case: Case) -> dict[str, Any]:
    """Latency of the cell's step in seconds a call, with the raw samples and all that says how far to trust them.

    `noisy` where the interval is wider than asked or the samples are in doubt; the message says what to do.
    """
    contract, settings = case.cell.contract, case.cell.measure
    step = case.step()
    clock = clock_for(case.device, contract.cache)
    sets = input_sets(case)
    sampled = _sample(case, clock, _work(step, sets))
    interval = sampled.interval
    status, message = judge(sampled, settings.target_ci)
    return {
        "latency_s": interval.median,
        "latency_low_s": interval.low,
        "latency_high_s": interval.high,
        "interval": interval.method if interval.low is not None else None,
        "samples": len(sampled.samples_s),
        "samples_s": list(sampled.samples_s),
        "loops": sampled.loops,
        "clock": clock.name,
        "throughput_per_s": case.cell.shape.batch / interval.median,
        "autograd": step.autograd,
        "input_sets": sets,
        "working_set_bytes": sets * case.input_bytes + case.state_bytes,
        "cache_bytes": cache_bytes(case.device),
        "status": status,
        "message": message,
        **_record(sampled),
        **_launches(case, interval.median),
    }


def input_sets(case: Case) -> int:
    """How many sets of inputs a hot measurement on a GPU goes round: so many that they exceed its L2 cache.

    1 where one set does by itself, and where MOST_SETS would not: the working set fits the cache then, which the row
    shows. 1 on the CPU and for `cold`.
    """
    cache = cache_bytes(case.device) if case.device.type == "cuda" and case.cell.contract.cache == "hot" else None
    if not cache or not case.input_bytes or case.input_bytes > cache:
        return 1
    wanted = math.floor(cache / case.input_bytes) + 2  # the one that is being read is not missed
    return wanted if wanted <= MOST_SETS else 1


def _work(step: Step, sets: int) -> Run:
    """A call of the step, on the next set of inputs each time."""
    if sets == 1:
        step.prepare()
        return step.run
    return go_round(step.variants(sets))


def go_round(runs: Sequence[Run]) -> Run:
    """A callable that calls the next of `runs`, for ever."""
    following = cycle(runs)

    def run() -> Any:
        return next(following)()

    return run


def _sample(case: Case, clock: Clock, run: Run) -> Sampled:
    settings = case.cell.measure
    return sample(
        clock,
        run,
        target_ci=settings.target_ci,
        max_time_s=settings.max_time_s,
        min_samples=settings.min_samples,
    )


def _record(sampled: Sampled) -> dict[str, Any]:
    """What happened while the samples were taken; absent where nobody knows."""
    usage, reading = sampled.usage, sampled.reading
    return {
        "warmups": sampled.warmups,
        "warmup_time_s": sampled.warmup_time_s,
        "sampling_time_s": sampled.sampling_time_s,
        "outliers": sampled.outliers,
        "drift": sampled.drift,
        "page_faults": usage.page_faults if usage else None,
        "context_switches": usage.switches if usage else None,
        "throttled_samples": sampled.throttled if reading else None,
        "sm_clock_hz": reading.sm_clock_hz if reading else None,
        "temperature_c": reading.temperature_c if reading else None,
        "power_w": reading.power_w if reading else None,
    }


def _launches(case: Case, graph_s: float) -> dict[str, Any]:
    """Of a CUDA graph: the share of an eager call, as a program sees it, that goes when its launches are replayed.

    The eager call is timed with the host's launches in it, hot or cold as the graph is, on one set of inputs.
    """
    if case.cell.contract.execution != "cuda_graph":
        return {}
    clock = clock_for(case.device, case.cell.contract.cache, launches=True)
    eager_s = _sample(case, clock, _work(case.eager_step(), 1)).interval.median
    return {"graph_latency_s": graph_s, "launch_share": max(0.0, (eager_s - graph_s) / eager_s)}
