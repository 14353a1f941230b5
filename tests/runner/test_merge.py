"""Processes to a row: exact figures of known processes."""

from __future__ import annotations

from typing import Any

import pytest

from invobench.results import Replicate, Row
from invobench.runner.merge import TOO_FEW, merge
from tests.rows import MISSING, row

TARGET = 0.01
INTERVAL_NAME = "order statistics of process medians"


def timed(latency_s: float, **changes: Any) -> Row:
    samples = [latency_s * factor for factor in (0.9, 1.0, 1.1)]
    given = {"latency_s": latency_s, "samples_s": samples, "samples": 3, "interval": "order statistics of samples"}
    return row(**{**given, **changes})


def failed(status: str = "failed", message: str = "the worker process was killed by SIGSEGV") -> Row:
    return row(**MISSING, status=status, message=message, samples_s=[], cell_time_s=0.5)


def test_one_process_is_its_own_row() -> None:
    one = timed(0.01, status="noisy", message="median ±4 %")
    assert merge([one], 1, TARGET) == one.model_copy(update={"processes": 1})
    assert merge([failed()], 1, TARGET) == failed()
    assert type(merge([Replicate(**one.model_dump(), replicate=0)], 1, TARGET)) is Row


def test_ten_processes_have_an_interval_of_their_medians() -> None:
    """Of ten, the second from each end: P(Binomial(10, 1/2) < 2) = 11/1024 a side."""
    latencies = [0.0100, 0.0104, 0.0101, 0.0103, 0.0102, 0.0109, 0.0098, 0.0105, 0.0099, 0.0102]
    merged = merge([timed(value) for value in latencies], 10, target_ci=0.04)
    assert merged.latency_s == pytest.approx(0.0102)
    assert (merged.latency_low_s, merged.latency_high_s) == (0.0099, 0.0105)
    assert (merged.interval, merged.processes, merged.samples) == (INTERVAL_NAME, 10, 30)
    assert merged.samples_per_process == [3] * 10
    assert merged.samples_s == [sample for value in latencies for sample in timed(value).samples_s]
    assert merged.throughput_per_s == pytest.approx(merged.batch / 0.0102)
    assert (merged.status, merged.message) == ("ok", "")


def test_six_processes_are_the_fewest_with_an_interval() -> None:
    latencies = [0.01, 0.03, 0.02, 0.05, 0.04, 0.06]
    merged = merge([timed(value, status="noisy", message="in itself") for value in latencies], 6, TARGET)
    assert (merged.latency_low_s, merged.latency_s, merged.latency_high_s) == (0.01, 0.035, 0.06)
    assert merged.status == "noisy"
    assert merged.message == (
        "median of 6 processes ±71.4%, target ±1.0%: raise measure.processes, or quieten the machine"
    )


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_fewer_have_none(count: int) -> None:
    merged = merge([timed(0.01)] * count, count, TARGET)
    assert (merged.latency_s, merged.latency_low_s, merged.latency_high_s, merged.interval) == (0.01, None, None, None)
    assert (merged.status, merged.message) == ("noisy", TOO_FEW)
    assert (merged.processes, merged.samples_per_process) == (count, [3] * count)


@pytest.mark.parametrize("reason", ["the GPU was throttled and did not recover", "the clock resolves 5.0% of a sample"])
def test_what_most_processes_doubt_is_not_ok(reason: str) -> None:
    """Their medians agree: all of them ran on a GPU that was slow."""
    narrow = {"latency_low_s": 0.01, "latency_high_s": 0.01}
    doubted = timed(0.01, status="noisy", message=reason, **narrow)
    merged = merge([*[timed(0.01, **narrow)] * 4, *[doubted] * 6], 10, TARGET)
    assert (merged.status, merged.message) == ("noisy", f"6 of 10 processes: {reason}")
    assert merge([*[timed(0.01, **narrow)] * 5, *[doubted] * 5], 10, TARGET).status == "ok"
    unsettled = timed(0.01, status="noisy", message="median ±5 %", latency_low_s=0.0095, latency_high_s=0.0105)
    assert merge([unsettled] * 10, 10, TARGET).status == "ok"


def test_what_happened_is_added_up_and_the_worst_is_kept() -> None:
    replicates = [
        timed(0.01, outliers=1, page_faults=100, context_switches=2, throttled_samples=0, drift=0.01, loops=4,
              warmups=5, warmup_time_s=0.5, sampling_time_s=2.0, cell_time_s=4.0, temperature_c=50.0,
              sm_clock_hz=1.0e9, graph_latency_s=0.008, launch_share=0.2, setup_s=3.0),
        timed(0.01, outliers=2, page_faults=50, context_switches=3, throttled_samples=7, drift=-0.05, loops=3,
              warmups=6, warmup_time_s=0.25, sampling_time_s=1.0, cell_time_s=2.0, temperature_c=70.0,
              sm_clock_hz=2.0e9, graph_latency_s=0.006, launch_share=0.4, setup_s=5.0),
        timed(0.01, outliers=0, drift=0.02, cell_time_s=1.0),
    ]  # fmt: skip
    merged = merge(replicates, 3, TARGET)
    found = {name: getattr(merged, name) for name in ("outliers", "page_faults", "context_switches", "warmups")}
    assert found == {"outliers": 3, "page_faults": 150, "context_switches": 5, "warmups": 11}
    assert (merged.throttled_samples, merged.drift, merged.loops, merged.temperature_c) == (7, -0.05, 3, 70.0)
    assert (merged.warmup_time_s, merged.sampling_time_s, merged.cell_time_s) == (0.75, 3.0, 7.0)
    assert (merged.sm_clock_hz, merged.graph_latency_s) == (1.5e9, 0.007)
    assert (merged.launch_share, merged.setup_s) == (pytest.approx(0.3), 4.0)
    assert merged.power_w is None


def test_what_the_first_process_alone_measured_is_kept() -> None:
    first = timed(0.01, peak_memory_bytes=4096, energy_j=1.5, params=7)
    later = [timed(0.01, peak_memory_bytes=None, params=7) for _ in range(5)]
    merged = merge([first, *later], 6, TARGET)
    assert (merged.peak_memory_bytes, merged.energy_j, merged.params) == (4096, 1.5, 7)


def test_a_process_that_failed_leaves_the_others() -> None:
    merged = merge([*[timed(0.01)] * 7, failed()], 8, TARGET)
    assert (merged.status, merged.processes, merged.latency_s, merged.latency_low_s) == ("failed", 7, 0.01, 0.01)
    assert merged.message == "process 8 of 8: the worker process was killed by SIGSEGV"
    assert merged.cell_time_s == 0.5
    few = merge([timed(0.01), failed("oom", "out of memory"), failed("timeout", "not done"), timed(0.02)], 4, TARGET)
    assert (few.status, few.message) == ("timeout", "process 3 of 4 (and 1 more): not done")
    assert (few.latency_s, few.interval, few.processes) == (0.015, None, 2)


def test_where_nothing_was_timed_the_row_is_the_first() -> None:
    merged = merge([failed("unsupported", "backend shift: none")], 10, TARGET)
    assert (merged.status, merged.message, merged.processes) == ("unsupported", "backend shift: none", None)
    assert (merged.latency_s, merged.samples_s, merged.samples_per_process) == (None, [], [])


def test_a_row_of_some_says_so() -> None:
    merged = merge([timed(0.01)] * 7, 10, TARGET)
    assert (merged.status, merged.message) == ("noisy", "7 of 10 processes: go on with --resume")
    assert merged.latency_low_s == 0.01


def test_processes_that_drift_are_worth_few() -> None:
    """In their order they rise, so that their interval is wider than that of the same medians mixed."""
    rising = [timed(0.01 + 0.0001 * number) for number in range(24)]
    drifting = merge(rising, 24, TARGET)
    assert drifting.interval == "three times the range of process medians"
    mixed = merge([rising[7 * number % 24] for number in range(24)], 24, TARGET)
    assert mixed.interval == INTERVAL_NAME
    assert drifting.latency_high_s - drifting.latency_low_s > 4 * (mixed.latency_high_s - mixed.latency_low_s)
