"""The environment and what its fingerprint depends on."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from invobench import __version__
from invobench.measure import environment as module
from invobench.measure.environment import available_cpus, cpu_name, environment
from invobench.measure.system import System
from invobench.results import Environment
from tests.measure.fakes import FakeGPU


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_it_describes_this_process() -> None:
    here = environment()
    assert here.invobench == __version__
    assert here.python == platform.python_version()
    assert here.torch == torch.__version__
    assert here.threads == torch.get_num_threads()
    assert here.cpu_count == len(os.sched_getaffinity(0))
    assert here.cpu
    assert len(here.fingerprint) == 16


def test_the_fingerprint_is_stable() -> None:
    assert environment() == environment()


def test_threads_change_the_fingerprint() -> None:
    prints = set()
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        prints.add(environment().fingerprint)
    assert len(prints) == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(module, "cpu_name", lambda: "another processor"),
        lambda patch: patch.setattr(module, "available_cpus", lambda: 1024),
        lambda patch: patch.setattr(torch, "__version__", "0.0.1"),
        lambda patch: patch.setattr(platform, "python_version", lambda: "3.99.0"),
        lambda patch: patch.setattr(platform, "machine", lambda: "another"),
        lambda patch: FakeGPU().install(patch),
        lambda patch: patch.setattr(System, "governor", lambda self: "another"),
    ],
)
def test_what_decides_timings_changes_the_fingerprint(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], object]
) -> None:
    before = environment().fingerprint
    change(monkeypatch)
    assert environment().fingerprint != before


def test_a_release_of_ours_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    before = environment()
    monkeypatch.setattr(module, "__version__", "99.0")
    after = environment()
    assert after.invobench == "99.0"
    assert after.fingerprint == before.fingerprint


def test_what_changes_by_itself_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    before = environment()
    for reading, value in (("load", 99.0), ("steal_share", 0.5), ("available_memory_bytes", 1), ("turbo", True)):
        monkeypatch.setattr(System, reading, lambda self, value=value: value)
    assert environment() == before


def test_the_driver_decides_where_there_is_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeGPU().install(monkeypatch)
    prints = set()
    for driver in ("550.54.15", "570.10"):
        monkeypatch.setattr(System, "driver", lambda self, driver=driver: driver)
        assert environment().driver == driver
        prints.add(environment().fingerprint)
    assert len(prints) == 2


def test_an_environment_of_before_has_neither_driver_nor_governor() -> None:
    here = environment().model_dump(exclude={"driver", "governor"})
    old = Environment.model_validate(here)
    assert (old.driver, old.governor) == (None, None)


def test_gpus_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeGPU().install(monkeypatch)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    here = environment()
    assert (here.gpus, here.cuda) == (("GPU 0", "GPU 1"), "13.0")


def test_without_a_gpu_there_is_no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    here = environment()
    assert (here.gpus, here.cuda) == ((), None)


def test_the_processor_is_named_by_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    info = "processor\t: 0\nmodel name\t: Some CPU @ 2.0 GHz: x\nmodel name\t: other\n"
    monkeypatch.setattr(Path, "is_file", lambda self: str(self) == "/proc/cpuinfo")
    monkeypatch.setattr(Path, "read_text", lambda self, **options: info)
    assert cpu_name() == "Some CPU @ 2.0 GHz: x"
    monkeypatch.setattr(Path, "read_text", lambda self, **options: "processor : 0\n")
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert cpu_name() == "riscv64"
    monkeypatch.setattr(Path, "is_file", lambda self: False)
    monkeypatch.setattr(platform, "processor", lambda: "a chip")
    assert cpu_name() == "a chip"


def test_processors_where_the_system_has_no_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert available_cpus() == 12
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cpus() == 1
