"""Readings of a system whose files the test writes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from invobench.measure import system as module
from invobench.measure.system import System
from invobench.units import KIB, MIB

CPU = "sys/devices/system/cpu"
GIB = 1024 * MIB


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "available_cpu_numbers", lambda: (0, 1))


def written(folder: Path, files: Mapping[str, str]) -> System:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return System(folder)


def cache(cpu: int, index: int, level: int, size: str, shared: str, kind: str = "Unified") -> dict[str, str]:
    folder = f"{CPU}/cpu{cpu}/cache/index{index}"
    values = {"level": str(level), "size": size, "shared_cpu_list": shared, "type": kind}
    return {f"{folder}/{name}": text for name, text in values.items()}


def test_a_system_that_shows_nothing(tmp_path: Path) -> None:
    bare = System(tmp_path)
    readings = (bare.governor, bare.turbo, bare.smt, bare.numa_nodes, bare.load, bare.steal_share, bare.virtual)
    more = (bare.huge_pages, bare.driver, bare.last_level_cache_bytes, bare.cpu_quota, bare.available_memory_bytes)
    assert {reading() for reading in (*readings, *more)} == {None}


def test_this_system() -> None:
    here = System()
    assert here.memory("MemTotal") == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < here.available_memory_bytes() <= here.memory("MemTotal")
    assert here.load() >= 0
    assert 0 <= here.steal_share() < 1


def test_governors_of_the_processors_in_use(tmp_path: Path) -> None:
    files = {f"{CPU}/cpu{n}/cpufreq/scaling_governor": name for n, name in enumerate(["powersave", "performance", "x"])}
    assert written(tmp_path, files).governor() == "performance+powersave"
    assert written(tmp_path, {f"{CPU}/cpu0/cpufreq/scaling_governor": "performance"}).governor() == "performance"


@pytest.mark.parametrize(
    ("files", "turbo"),
    [
        ({f"{CPU}/intel_pstate/no_turbo": "0"}, True),
        ({f"{CPU}/intel_pstate/no_turbo": "1"}, False),
        ({f"{CPU}/cpufreq/boost": "1"}, True),
        ({f"{CPU}/cpufreq/boost": "0"}, False),
        ({f"{CPU}/cpufreq/boost": "garbage"}, None),
    ],
)
def test_turbo_of_both_makers(tmp_path: Path, files: Mapping[str, str], turbo: bool | None) -> None:
    assert written(tmp_path, files).turbo() is turbo


def test_flags_and_nodes(tmp_path: Path) -> None:
    files = {
        f"{CPU}/smt/active": "1",
        "sys/devices/system/node/node0/x": "",
        "sys/devices/system/node/node1/x": "",
        "proc/loadavg": "3.25 1.0 0.5 2/99 1234",
        "proc/cpuinfo": "processor : 0\nflags\t\t: fpu hypervisor avx2\n",
        "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
        "sys/module/nvidia/version": "550.54.15",
    }
    here = written(tmp_path, files)
    assert (here.smt(), here.numa_nodes(), here.load(), here.virtual()) == (True, 2, 3.25, True)
    assert (here.huge_pages(), here.driver()) == ("madvise", "550.54.15")
    assert written(tmp_path, {"proc/cpuinfo": "flags : fpu avx2 hypervisors"}).virtual() is False


def test_stolen_time_is_a_share_of_busy_time(tmp_path: Path) -> None:
    """user 60, nice 10, system 20, idle 900, iowait 50, irq 4, softirq 1, steal 5: 5 of 100 busy."""
    assert written(tmp_path, {"proc/stat": "cpu  60 10 20 900 50 4 1 5 7 7\ncpu0 1 1"}).steal_share() == 0.05
    assert written(tmp_path, {"proc/stat": "cpu  1 2"}).steal_share() is None


def test_caches_that_are_shared_count_once(tmp_path: Path) -> None:
    """The last level in each of the processors in use; instruction caches are not in the way."""
    shared = {**cache(0, 0, 1, "32K", "0", "Data"), **cache(0, 3, 3, "32M", "0-1"), **cache(1, 3, 3, "32M", "0-1")}
    assert written(tmp_path / "shared", shared).last_level_cache_bytes() == 32 * MIB
    apart = {**cache(0, 2, 2, "512K", "0"), **cache(1, 2, 2, "512K", "1"), **cache(1, 9, 3, "1G", "1", "Instruction")}
    assert written(tmp_path / "apart", apart).last_level_cache_bytes() == 2 * 512 * KIB
    third = {**cache(0, 3, 3, "16M", "0,2"), **cache(2, 3, 3, "16M", "2")}
    assert written(tmp_path / "third", third).last_level_cache_bytes() == 16 * MIB


MEMINFO = (
    "MemTotal:       16777216 kB\nMemAvailable:    8388608 kB\nSwapTotal:       1024 kB\nSwapFree:         256 kB\n"
)


@pytest.mark.parametrize(
    ("files", "quota", "memory"),
    [
        ({}, None, 8 * GIB),
        ({"sys/fs/cgroup/cpu.max": "150000 100000"}, 1.5, 8 * GIB),
        ({"sys/fs/cgroup/cpu.max": "max 100000", "sys/fs/cgroup/memory.max": "max"}, None, 8 * GIB),
        ({"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/cpu.max": "50000 100000"}, 0.5, 8 * GIB),
        ({"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/b/memory.max": str(GIB)}, None, GIB),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/docker/x\n3:memory:/docker/x\n0::/",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": str(2 * GIB),
            },
            2.0,
            2 * GIB,
        ),
        (
            {
                "proc/self/cgroup": "1:cpu:/\n2:memory:/",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            },
            None,
            8 * GIB,
        ),
    ],
)
def test_limits_of_control_groups(
    tmp_path: Path, files: Mapping[str, str], quota: float | None, memory: int | None
) -> None:
    here = written(tmp_path, {"proc/meminfo": MEMINFO, **files})
    assert here.cpu_quota() == quota
    assert here.available_memory_bytes() == memory
    assert here.memory("SwapFree") == 256 * KIB
    assert here.memory("NoSuchKey") is None
