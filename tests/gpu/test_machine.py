"""What a GPU says of itself: ceilings, doctor, energy, and memory by the definition of the CPU. Skipped without one."""

from __future__ import annotations

import pytest
import torch

from invobench.measure.ceiling_runs import Effort, measure_device
from invobench.measure.doctor.checks import diagnose
from invobench.measure.doctor.snapshot import take
from invobench.measure.nvml import monitor_for
from invobench.runner.cases import build_case
from invobench.runner.metrics import energy, memory
from tests.builders import cell, involution

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
GPU = torch.device("cuda:0")


def test_ceilings() -> None:
    """Bounds of any GPU since 2017: over 100 GB/s and 1 TFLOP/s, a launch between 1 and 100 µs; half beats single."""
    said: list[str] = []
    found = {(item.quantity, item.dtype, item.tf32): item for item in measure_device(GPU, said.append, Effort(0.3))}
    assert len(found) == 8, said
    assert found["copy", None, False].value > 1e11
    assert found["cached_copy", None, False].value > 1e11
    assert found["matmul", "float32", False].value > 1e12
    assert found["matmul", "float16", False].value > found["matmul", "float32", False].value
    assert 1e-6 < found["launch", None, False].value < 1e-4
    assert {(item.device, item.threads) for item in found.values()} == {("cuda:0", None)}
    if torch.cuda.get_device_capability(GPU) >= (8, 0):
        assert found["matmul", "float32", True].value > found["matmul", "float32", False].value


def test_doctor() -> None:
    found = diagnose(take())
    assert torch.cuda.get_device_name(GPU) in found["GPU"].found
    assert {"GPU clocks", "GPU throttling", "GPU heat", "GPU persistence", "GPU processes"} <= set(found)


def test_energy_of_a_layer() -> None:
    """Told from nothing, and of the size of 1 ms to 100 ms at some hundred watts."""
    meter = monitor_for(GPU)
    if meter is None or meter.energy_j() is None:
        pytest.skip("NVML counts no energy here")
    case = build_case(cell(involution(kernel_size=7), (64, 64, 56, 56), backend="unfold", device="cuda"), GPU)
    found = energy.measure(case)
    assert found["energy_j"] > found["energy_resolution_j"] > 0
    assert 1 < found["idle_power_w"] < 1000
    assert 1e-4 < found["energy_j"] < 100


@pytest.mark.parametrize("mode", ["forward", "backward", "train_step"])
@pytest.mark.parametrize("backend", ["unfold", "shift"])
def test_memory_is_that_of_the_cpu(mode: str, backend: str) -> None:
    """The same program takes the same bytes, up to what the allocator rounds and libraries need for themselves."""
    of = cell(involution(kernel_size=7, group_channels=16), (8, 64, 56, 56), mode=mode, backend=backend)
    on_gpu, on_cpu = (memory.measure(build_case(of, device)) for device in (GPU, torch.device("cpu")))
    assert on_gpu["materialised"] == pytest.approx(on_cpu["materialised"], rel=0.25)
