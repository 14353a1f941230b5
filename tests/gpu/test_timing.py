"""Timing on a real GPU: the clock against work of known ratio, and what only a device can say of itself."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from invobench.measure.cache import cache_bytes
from invobench.measure.clock import CudaEvent, clock_for
from invobench.measure.gpu import TorchGpu
from invobench.measure.nvml import monitor_for
from invobench.measure.sampling import sample
from invobench.runner.metrics import METRICS
from invobench.runner.session import Request, profile
from invobench.spec.cells import Measure
from invobench.spec.contract import Contract
from invobench.units import MIB
from tests.builders import cell, involution
from tests.runner.test_session import Watcher

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

DEVICE = torch.device("cuda:0")
TIMES = {"target_ci": 0.01, "max_time_s": 1.0}


@pytest.mark.parametrize("ratio", [1.02, 1.1, 2.0])
def test_work_of_a_known_ratio(ratio: float) -> None:
    """`sleep` spins for a given number of cycles: the ratio of two is known but for the launch of a few µs."""
    cycles = 2_000_000
    gpu = TorchGpu(DEVICE)
    low = sample(clock_for(DEVICE), lambda: gpu.sleep(cycles), **TIMES)
    high = sample(clock_for(DEVICE), lambda: gpu.sleep(round(ratio * cycles)), **TIMES)
    assert high.interval.median / low.interval.median == pytest.approx(ratio, rel=0.01)


def test_launches_do_not_leak_into_samples() -> None:
    """A hundred tiny kernels, launch-bound: with the GPU waiting a sample is shorter than with launches in it."""
    x = torch.zeros(1, device=DEVICE)

    def tiny() -> None:
        for _ in range(100):
            x.add_(1)

    without = sample(clock_for(DEVICE), tiny, **TIMES).interval.median
    within = sample(clock_for(DEVICE, launches=True), tiny, **TIMES).interval.median
    assert without < 0.9 * within


def test_cold_reads_are_slower_than_hot_ones() -> None:
    """A quarter of the L2 cache, read again and again, is in it; after a flush it is not. The flush is not timed."""
    l2 = cache_bytes(DEVICE)
    assert l2 is not None
    assert l2 >= MIB
    x = torch.ones(l2 // 16, device=DEVICE)
    out = torch.empty((), device=DEVICE)
    hot = sample(clock_for(DEVICE), lambda: torch.sum(x, out=out), **TIMES)
    cold = sample(clock_for(DEVICE, "cold"), lambda: torch.sum(x, out=out), **TIMES)
    assert cold.loops == 1
    assert cold.interval.median > hot.interval.median
    assert hot.loops > 1


def test_many_samples_of_a_block_agree_with_single_ones() -> None:
    x = torch.randn(1024, 1024, device=DEVICE)
    clock = clock_for(DEVICE)
    for _ in range(3):
        clock.block(lambda: x @ x, 10, 20)
    block = sorted(clock.block(lambda: x @ x, 10, 50).samples_s)[25]
    single = sorted(clock.time(lambda: x @ x, 10) / 10 for _ in range(50))[25]
    assert block == pytest.approx(single, rel=0.1)


@pytest.mark.skipif(importlib.util.find_spec("pynvml") is None, reason="needs nvidia-ml-py")
def test_nvml_watches_this_gpu() -> None:
    monitor = monitor_for(DEVICE)
    assert monitor is not None
    reading = monitor.read()
    assert reading.sm_clock_hz is not None
    assert 1e8 < reading.sm_clock_hz < 1e10
    assert reading.temperature_c is None or 0 < reading.temperature_c < 120
    assert reading.power_w is None or 0 < reading.power_w < 2000
    clock = clock_for(DEVICE)
    assert isinstance(clock, CudaEvent)
    assert clock.block(lambda: None, 1, 1).reading is not None


def test_rows_say_how_they_were_timed(tmp_path: Path) -> None:
    """Hot goes round inputs that exceed L2; cold flushes; a graph has its share of launches."""
    contracts = {"hot": Contract(), "cold": Contract(cache="cold"), "graph": Contract(execution="cuda_graph")}
    common = {"device": "cuda", "backend": "shift", "measure": Measure(target_ci=0.05, max_time_s=0.5)}
    shape = (8, 64, 56, 56)
    cells = [cell(involution(), shape, name=name, contract=what, **common) for name, what in contracts.items()]
    outcome = profile(Request(cells, tmp_path, tuple(METRICS), "test"), Watcher())
    assert [row.status for row in outcome.rows if row.status not in ("ok", "noisy")] == []
    hot, cold, graph = outcome.rows
    for row in outcome.rows:
        assert row.clock == "cuda_event"
        assert row.cache_bytes == cache_bytes(DEVICE)
        assert row.page_faults is None
        assert row.working_set_bytes
        assert row.input_sets == 1 or row.working_set_bytes > row.cache_bytes
    assert (hot.cache, cold.cache, cold.loops) == ("hot", "cold", 1)
    assert graph.graph_latency_s == graph.latency_s
    assert graph.launch_share is not None
    assert 0 < graph.launch_share < 1
