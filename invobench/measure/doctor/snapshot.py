"""Taking the snapshot that the checks look at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from invobench.measure.cache import cache_bytes
from invobench.measure.doctor.base import Gpu, Snapshot
from invobench.measure.environment import available_cpus, environment
from invobench.measure.nvml import Nvml, monitor_for
from invobench.measure.system import System
from invobench.results import Environment

_PACKAGES = ("triton", "fvcore", "nvidia-ml-py")
#: what changes how many threads PyTorch and its libraries start, and where
_VARIABLES = (
    "OMP_NUM_THREADS",
    "OMP_DYNAMIC",
    "OMP_PROC_BIND",
    "OMP_WAIT_POLICY",
    "GOMP_CPU_AFFINITY",
    "KMP_AFFINITY",
    "KMP_BLOCKTIME",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)


def take(system: System | None = None, environ: Mapping[str, str] | None = None) -> Snapshot:
    """This machine now."""
    system, environ = system or System(), os.environ if environ is None else environ
    here = environment()
    total, free = system.memory("SwapTotal"), system.memory("SwapFree")
    return Snapshot(
        fingerprint=here.fingerprint,
        versions=_versions(here),
        cpu=here.cpu,
        cpu_count=available_cpus(),
        processors=os.cpu_count() or 1,
        threads=here.threads,
        variables={name: environ[name] for name in _VARIABLES if name in environ},
        governor=system.governor(),
        turbo=system.turbo(),
        smt=system.smt(),
        numa_nodes=system.numa_nodes(),
        virtual=system.virtual(),
        steal_share=system.steal_share(),
        cpu_quota=system.cpu_quota(),
        load=system.load(),
        swap_total_bytes=total,
        swap_used_bytes=None if total is None or free is None else total - free,
        memory_bytes=system.available_memory_bytes(),
        huge_pages=system.huge_pages(),
        cache_bytes=system.last_level_cache_bytes(),
        deterministic=torch.are_deterministic_algorithms_enabled(),
        cudnn_benchmark=torch.backends.cudnn.benchmark,
        tf32=torch.backends.cuda.matmul.allow_tf32,
        cudnn_tf32=torch.backends.cudnn.allow_tf32,
        compiler=_compiler(environ),
        gpus=tuple(_gpu(index, name) for index, name in enumerate(here.gpus)),
    )


def _versions(here: Environment) -> dict[str, str | None]:
    known: dict[str, str | None] = {"invobench": here.invobench, "Python": here.python, "torch": here.torch}
    known |= {name: _installed(name) for name in _PACKAGES}
    return known | {name: found for name, found in (("CUDA", here.cuda), ("driver", here.driver)) if found}


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _compiler(environ: Mapping[str, str]) -> str | None:
    """What PyTorch compiles C++ with."""
    names = [environ["CXX"]] if environ.get("CXX") else ["g++", "clang++", "c++"]
    return next((found for name in names if (found := shutil.which(name))), None)


def _gpu(index: int, name: str) -> Gpu:
    device = torch.device(f"cuda:{index}")
    monitor = monitor_for(device)
    cache = cache_bytes(device)
    if monitor is None:
        return Gpu(name, watched=False, cache_bytes=cache)
    return _watched(name, monitor, cache)


def _watched(name: str, monitor: Nvml, cache: int | None) -> Gpu:
    library, handle, reading = monitor.library, monitor.handle, monitor.read()
    most = monitor.ask(lambda: library.nvmlDeviceGetMaxClockInfo(handle, library.NVML_CLOCK_SM))
    kept = monitor.ask(lambda: library.nvmlDeviceGetPersistenceMode(handle))
    return Gpu(
        name,
        sm_clock_hz=reading.sm_clock_hz,
        max_sm_clock_hz=None if most is None else most * 1e6,
        temperature_c=reading.temperature_c,
        throttles=reading.throttles,
        persistence=None if kept is None else bool(kept),
        others=_others(monitor.ask(lambda: library.nvmlDeviceGetComputeRunningProcesses(handle))),
        cache_bytes=cache,
    )


def _others(processes: list[Any] | None) -> int | None:
    return None if processes is None else sum(process.pid != os.getpid() for process in processes)
