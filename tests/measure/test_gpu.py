"""What PyTorch is asked for in the name of a GPU."""

from __future__ import annotations

import pytest
import torch

from invobench.measure.gpu import TorchGpu
from tests.measure.fakes import FakeGPU

DEVICE = torch.device("cuda:1")


def test_events_are_recorded_in_the_stream_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeGPU().install(monkeypatch)
    gpu = TorchGpu(DEVICE)
    begin, end = gpu.event(), gpu.event()
    begin.record()
    fake.work(2)
    end.record()
    gpu.synchronize()
    assert begin.seconds_to(end) == pytest.approx(0.002)
    record = "record stream of cuda:1"
    assert fake.log == [record, "work", record, "synchronize cuda:1"]


def test_sleep_is_in_cycles_of_its_own_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch's kernel for it goes to the current device, which another may be."""
    fake = FakeGPU(current="cuda:0").install(monkeypatch)
    TorchGpu(DEVICE).sleep(12_345)
    assert fake.log == ["sleep 12345 on cuda:1"]
    assert fake.current == "cuda:0"


def test_a_flush_fills_twice_the_l2_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeGPU(l2_bytes=1000).install(monkeypatch)
    made: list[torch.Tensor] = []
    empty = torch.empty

    def on_the_cpu(size: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        assert device == DEVICE
        made.append(empty(size, dtype=dtype).fill_(1))
        return made[-1]

    monkeypatch.setattr(torch, "empty", on_the_cpu)
    gpu = TorchGpu(DEVICE)
    assert made == []
    gpu.flush()
    gpu.flush()
    (buffer,) = made
    assert buffer.numel() * buffer.element_size() == 2000
    assert not buffer.any()
