"""Peak memory of programs whose allocations are known."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from invobench.measure.memory import peak_memory_bytes
from invobench.operators import BACKENDS
from invobench.units import MIB
from tests.measure.fakes import FakeGPU

CPU = torch.device("cpu")


def mebibytes(count: float) -> Tensor:
    return torch.empty(round(count * MIB), dtype=torch.uint8)


def one_after_another() -> None:
    for _ in range(5):
        mebibytes(3)


def overlapping() -> None:
    a = mebibytes(1)
    b = mebibytes(2)
    del a
    c = mebibytes(4)
    del b
    d = mebibytes(1)
    del c, d


def kept(store: list[Tensor]) -> Callable[[], None]:
    return lambda: store.append(mebibytes(2))


PROGRAMS: dict[str, tuple[Callable[[], Any], float]] = {
    "nothing": (lambda: None, 0),
    "no elements": (lambda: torch.empty(0), 0),
    "one buffer": (lambda: mebibytes(3), 3),
    "one after another": (one_after_another, 3),
    "overlapping": (overlapping, 6),
    "kept afterwards": (kept([]), 2),
    "a view": (lambda: mebibytes(1).view(-1, 2).t(), 1),
    "a copy": (lambda: mebibytes(1).clone(), 2),
    "float64 is twice float32": (lambda: torch.empty(MIB // 4, dtype=torch.float64), 2),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_known_programs(name: str) -> None:
    run, expected = PROGRAMS[name]
    assert peak_memory_bytes(CPU, run) == expected * MIB


def test_it_is_above_what_was_there() -> None:
    x = mebibytes(8)
    assert peak_memory_bytes(CPU, x.bitwise_not_) == 0
    assert peak_memory_bytes(CPU, x.bitwise_not) == 8 * MIB


def test_memory_from_before_makes_no_room_when_it_is_released() -> None:
    store = [mebibytes(8)]
    gc.collect()
    assert peak_memory_bytes(CPU, lambda: (store.clear(), mebibytes(1))) == MIB


def test_the_same_program_has_the_same_peak() -> None:
    assert {peak_memory_bytes(CPU, overlapping) for _ in range(3)} == {6 * MIB}


def test_gradients_count() -> None:
    """exp keeps its output of 1 MiB for the backward pass, and the gradient of x is another; the sum is one number."""
    x = torch.ones(MIB // 4, requires_grad=True)
    peak = peak_memory_bytes(CPU, lambda: x.exp().sum().backward())
    assert 2 * MIB <= peak < 2 * MIB + 64


@pytest.mark.parametrize(("backend", "expected"), [("shift", 13), ("unfold", 606)])
def test_aggregation_of_a_first_stage(backend: str, expected: int) -> None:
    """64 channels, 56×56, batch 8, K 7, 16 channels a group; unfold holds K²·C·H·W elements twice (600 MiB)."""
    x, weight = torch.zeros(8, 64, 56, 56), torch.zeros(8, 4, 49, 56, 56)
    aggregate = BACKENDS["involution"][backend].load()
    with torch.no_grad():
        peak = peak_memory_bytes(CPU, lambda: aggregate(x, weight, 7, 1, 1))
    assert peak // MIB == expected
    output, padded, columns = 8 * 64 * 56 * 56 * 4, 8 * 64 * 62 * 62 * 4, 8 * 64 * 49 * 56 * 56 * 4
    assert peak == {"shift": output + padded, "unfold": output + 2 * columns}[backend]


def test_nothing_is_printed_and_stderr_is_restored(capfd: pytest.CaptureFixture[str]) -> None:
    before = os.fstat(2)
    assert peak_memory_bytes(CPU, lambda: mebibytes(1)) == MIB
    assert os.path.samestat(os.fstat(2), before)
    assert capfd.readouterr() == ("", "")
    os.write(2, b"descriptor\n")
    sys.stderr.write("stream\n")
    assert capfd.readouterr().err == "descriptor\nstream\n"


def test_stderr_is_restored_after_an_error() -> None:
    before, descriptors = os.fstat(2), set(os.listdir("/proc/self/fd"))

    def fails() -> None:
        mebibytes(1)
        raise RuntimeError("of the program")

    with pytest.raises(RuntimeError, match="of the program"):
        peak_memory_bytes(CPU, fails)
    assert os.path.samestat(os.fstat(2), before)
    assert set(os.listdir("/proc/self/fd")) == descriptors
    assert peak_memory_bytes(CPU, lambda: mebibytes(1)) == MIB


def test_garbage_of_before_is_collected_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Released within the call, it would make room that the call does not have by itself."""
    gpu = FakeGPU(allocated=100).install(monkeypatch)

    class Garbage:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            gpu.allocate(-30)

    was = gc.isenabled()
    gc.disable()
    try:
        Garbage()
        seen: list[int] = []
        peak_memory_bytes(torch.device("cuda:0"), lambda: seen.append(gpu.allocated))
    finally:
        if was:
            gc.enable()
    assert seen == [70]


def test_a_gpu_is_asked_for_its_allocators_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peak of before does not count, nor what was allocated; work is done before it is read."""
    gpu = FakeGPU(allocated=100, peak=5000).install(monkeypatch)

    def run() -> None:
        gpu.work(1)
        gpu.allocate(70)
        gpu.allocate(-50)
        gpu.allocate(30)

    assert peak_memory_bytes(torch.device("cuda:0"), run) == 70
    assert gpu.log == ["synchronize cuda:0", "reset", "work", "synchronize cuda:0"]
