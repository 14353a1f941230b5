"""Snapshots: of this machine, and of a GPU that is not there."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from invobench import __version__
from invobench.measure.doctor import snapshot as module
from invobench.measure.doctor.base import Gpu
from invobench.measure.doctor.snapshot import take
from invobench.measure.environment import environment
from invobench.measure.nvml import Nvml
from invobench.measure.system import System
from tests.measure.fakes import FakeGPU


def test_this_machine() -> None:
    at = take(environ={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "3", "OTHER": "x"})
    here = environment()
    assert at.fingerprint == here.fingerprint
    assert at.versions["invobench"] == __version__
    assert at.versions["torch"] == torch.__version__
    assert (at.cpu, at.cpu_count, at.threads) == (here.cpu, here.cpu_count, here.threads)
    assert at.variables == {"OMP_NUM_THREADS": "3"}
    assert at.memory_bytes > 0


def test_a_system_that_shows_nothing(tmp_path: Path) -> None:
    at = take(System(tmp_path), {"CXX": "no-such-compiler"})
    hidden = (at.governor, at.turbo, at.smt, at.numa_nodes, at.load, at.steal_share, at.virtual, at.memory_bytes)
    assert {*hidden, at.swap_used_bytes, at.swap_total_bytes, at.huge_pages, at.compiler} == {None}


def test_flags_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "are_deterministic_algorithms_enabled", lambda: True)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cuda, "matmul", SimpleNamespace(allow_tf32=True))
    at = take()
    assert (at.deterministic, at.cudnn_benchmark, at.tf32, at.cudnn_tf32) == (True, True, True, False)


class Library:
    """`pynvml` of a GPU that tells everything, or nothing of what is in `refused`."""

    NVML_CLOCK_SM = 1
    NVML_TEMPERATURE_GPU = 0

    class NVMLError(Exception):
        pass

    def __init__(self, *refused: str) -> None:
        self.refused = refused

    def __getattr__(self, name: str) -> Any:
        answers = {
            "ClockInfo": 1410,
            "MaxClockInfo": 1980,
            "Temperature": 55,
            "PowerUsage": 90_000,
            "CurrentClocksEventReasons": 0x21,
            "PersistenceMode": 1,
            "ComputeRunningProcesses": [SimpleNamespace(pid=os.getpid()), SimpleNamespace(pid=1)],
        }
        key = name.removeprefix("nvmlDeviceGet")
        if key not in answers:
            raise AttributeError(name)

        def answer(handle: str, *arguments: int) -> Any:
            assert handle == "handle"
            if key in self.refused:
                raise self.NVMLError("Not Supported")
            return answers[key]

        return answer


def test_gpus_by_nvml(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeGPU().install(monkeypatch)
    silent = Library("MaxClockInfo", "PersistenceMode", "ComputeRunningProcesses", "Temperature")
    monitors = {0: Nvml(Library(), "handle"), 1: Nvml(silent, "handle")}
    monkeypatch.setattr(module, "monitor_for", lambda device: monitors[device.index])
    monkeypatch.setattr(module, "cache_bytes", lambda device: 50 * 2**20)
    told, untold = take().gpus
    assert told == Gpu(
        "GPU 0",
        sm_clock_hz=1.41e9,
        max_sm_clock_hz=1.98e9,
        temperature_c=55.0,
        throttles=("thermal slowdown",),
        persistence=True,
        others=1,
        cache_bytes=50 * 2**20,
    )
    assert (untold.watched, untold.max_sm_clock_hz, untold.persistence, untold.others, untold.temperature_c) == (
        True,
        None,
        None,
        None,
        None,
    )
    monkeypatch.setattr(module, "monitor_for", lambda device: None)
    assert take().gpus[0] == Gpu("GPU 0", watched=False, cache_bytes=50 * 2**20)
