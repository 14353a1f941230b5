"""What runs inside a cell's own process: build, then metric by metric, telling each as it is done."""

from __future__ import annotations

import os
import re
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import invobench
from invobench.errors import BackendUnavailable, InvobenchError
from invobench.measure.environment import environment
from invobench.results import Environment
from invobench.runner.cases import Case, build_case
from invobench.runner.metrics import METRICS
from invobench.spec.cells import Cell

Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Machine:
    """What a run needs to know of the machine before its first cell."""

    environment: Environment
    cuda_devices: int
    cuda_missing: str


def probe(tell: Tell) -> Machine:
    """The environment and the devices of this machine (in a process of its own: CUDA must not start in ours)."""
    missing = ""
    if torch.version.cuda is None:
        missing = f"this PyTorch ({torch.__version__}) is built without CUDA"
    elif not torch.cuda.is_available():
        missing = "PyTorch finds no CUDA device"
    return Machine(environment(), 0 if missing else torch.cuda.device_count(), missing)


def measure_cell(cell: Cell, device: str, metrics: tuple[str, ...], tell: Tell) -> None:
    """Measure `cell` on `device`; each metric's row fields go out through `tell` as soon as they are known."""
    start = time.perf_counter()
    try:
        _fix_settings(torch.device(device))
        case = build_case(cell, torch.device(device))
        tell({"backend": case.backends, **_contract(case)})
        for name in _in_order(metrics):
            tell(METRICS[name].load()(case))
    except Exception as error:
        tell(failure(error))
    finally:
        tell({"cell_time_s": time.perf_counter() - start})


def _in_order(metrics: tuple[str, ...]) -> list[str]:
    """The metrics asked for in the table's order; latency brings the check that must come before it."""
    wanted = set(metrics) | ({"error"} if "latency" in metrics else set())
    return [name for name in METRICS if name in wanted]


def _fix_settings(device: torch.device) -> None:
    """Float32 products stay float32 on a GPU, whatever the default; events and streams are those of `device`."""
    if device.type == "cuda":
        torch.cuda.set_device(device)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def _contract(case: Case) -> dict[str, Any]:
    """How a row's time was taken, apart from clock and mode."""
    return {
        "device": str(case.device),
        "execution": "eager",
        "cache": "hot",
        "memory_format": "contiguous",
        "tf32": False,
        "threads": torch.get_num_threads(),
    }


def failure(error: Exception) -> dict[str, Any]:
    """Status and one-line message for a cell that raised `error`."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    if _is_out_of_memory(error):
        found = re.search(r"tried to allocate ([\d.]+ \w+)", str(error))
        asked = f" (asked for {found[1]})" if found else ""
        return {"status": "oom", "message": f"out of memory{asked}: reduce batch, height or width"}
    if isinstance(error, BackendUnavailable):
        return {"status": "unsupported", "message": text}
    if isinstance(error, InvobenchError):
        return {"status": "failed", "message": text}
    if isinstance(error, NotImplementedError):
        return {"status": "unsupported", "message": f"{text} (in {_place(error)})"}
    return {"status": "failed", "message": f"{type(error).__name__}: {text} (in {_place(error)})"}


def _is_out_of_memory(error: Exception) -> bool:
    """CUDA has a type for it, the CPU's allocator only words."""
    words = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(word in str(error) for word in words)


def _place(error: Exception) -> str:
    """Where it was raised: the last frame outside PyTorch and invobench, which is the user's, or the last of all."""
    frames = traceback.extract_tb(error.__traceback__)
    libraries = tuple(str(Path(str(package.__file__)).parent) + os.sep for package in (torch, invobench))
    theirs = [frame for frame in frames if not frame.filename.startswith(libraries)]
    return next((f"{frame.filename}:{frame.lineno}" for frame in reversed(theirs or frames)), "unknown place")
