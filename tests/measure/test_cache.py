"""Cold caches: the buffer's size, and what it does to a call that reads what a cache held."""

from __future__ import annotations

import statistics

import pytest
import torch

from invobench.errors import BackendUnavailable
from invobench.measure import cache as module
from invobench.measure.cache import Evictor, cache_bytes
from invobench.measure.clock import PerfCounter, clock_for
from invobench.measure.system import System
from invobench.units import MIB
from tests.measure.fakes import FakeGPU

CPU = torch.device("cpu")


def test_a_gpus_cache_is_its_l2(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeGPU(l2_bytes=50 * MIB).install(monkeypatch)
    assert cache_bytes(torch.device("cuda:0")) == 50 * MIB


def test_the_processors_cache_is_its_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(System, "last_level_cache_bytes", lambda self: 3 * MIB)
    assert cache_bytes(CPU) == 3 * MIB
    assert Evictor().buffer.numel() * 8 == 6 * MIB


def test_every_line_of_the_buffer_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cache_bytes", lambda device: MIB)
    evictor = Evictor()
    evictor.evict()
    evictor.evict()
    assert bool((evictor.buffer == 2).all())


def test_cold_needs_to_know_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cache_bytes", lambda device: None)
    with pytest.raises(BackendUnavailable) as raised:
        Evictor()
    assert str(raised.value) == (
        "cache: cold needs the size of the last-level cache, and this system does not show it "
        "(/sys/devices/system/cpu/cpu*/cache); use cache: hot"
    )


def test_a_gpu_whose_cache_is_not_known_is_never_cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flush of nothing would pass for one."""
    FakeGPU(l2_bytes=0).install(monkeypatch)
    device = torch.device("cuda:0")
    assert cache_bytes(device) is None
    assert clock_for(device, "hot").name == "cuda_event"
    with pytest.raises(BackendUnavailable) as raised:
        clock_for(device, "cold")
    assert str(raised.value) == (
        "cache: cold needs the size of the last-level cache, and the driver does not tell that of this GPU's L2; "
        "use cache: hot"
    )


def test_a_cold_call_is_slower_than_a_hot_one() -> None:
    """A sum over 1 MiB that was in the cache: interleaved, so that what else runs here hits both."""
    if cache_bytes(CPU) is None:
        pytest.skip("the size of the caches is not known here")
    data = torch.ones(MIB // 4)
    hot, cold = PerfCounter(), PerfCounter(Evictor().evict)
    pairs = []
    for _ in range(25):
        for _ in range(3):
            data.sum()
        pairs.append((hot.time(data.sum, 1), cold.time(data.sum, 1)))
    assert statistics.median(c / h for h, c in pairs) > 1.2
