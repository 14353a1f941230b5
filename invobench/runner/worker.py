"""What runs inside a cell's own process: build, then metric by metric, telling each as it is done."""

from __future__ import annotations

import os
import re
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

import invobench
from invobench.errors import BackendUnavailable, InvobenchError
from invobench.measure.environment import environment
from invobench.results import Status
from invobench.runner import settings
from invobench.runner.cases import Case, build_case
from invobench.runner.machine import Machine
from invobench.runner.metrics import METRICS
from invobench.spec.cells import Cell

Tell = Callable[[dict[str, Any]], None]


def probe(tell: Tell) -> Machine:
    """The environment and the devices of this machine (in a process of its own: CUDA must not start in ours)."""
    missing = ""
    if torch.version.cuda is None:
        missing = f"this PyTorch ({torch.__version__}) is built without CUDA"
    elif not torch.cuda.is_available():
        missing = "PyTorch finds no CUDA device"
    return Machine(environment(), 0 if missing else torch.cuda.device_count(), missing)


def _as_built(case: Case) -> Case:
    return case


def measure_cell(
    cell: Cell,
    device: str,
    metrics: tuple[str, ...],
    tell: Tell,
    checked: bool = False,
    adapt: Callable[[Case], Case] = _as_built,
) -> None:
    """Measure `cell` on `device`; each metric's row fields go out through `tell` as soon as they are known.

    `checked`: another process has found the cell's backends right. `adapt`: makes of the case what is measured.
    """
    start = time.perf_counter()
    try:
        tell(_asked(cell))
        tell(settings.apply(cell.contract, torch.device(device)))
        case = adapt(build_case(cell, torch.device(device)))
        tell({"backend": case.backends})
        for name in _in_order(metrics, checked):
            tell(METRICS[name].load()(case))
            if case.setup_s is not None:
                tell({"setup_s": case.setup_s})
    except Exception as error:
        tell(failure(error))
    finally:
        tell({"cell_time_s": time.perf_counter() - start})


def _asked(cell: Cell) -> dict[str, Any]:
    """The contract's words, which hold or the cell fails: nothing is substituted."""
    contract = cell.contract
    return {
        "cache": contract.cache,
        "execution": contract.execution,
        "memory_format": contract.memory_format,
        "autograd": contract.autograd or cell.mode != "forward",
    }


def _in_order(metrics: tuple[str, ...], checked: bool) -> list[str]:
    """The metrics asked for in the table's order; latency brings the check that must come before it."""
    wanted = set(metrics) | ({"error"} if "latency" in metrics and not checked else set())
    return [name for name in METRICS if name in wanted]


#: what PyTorch says that does not help -> what the row says, with the pattern's groups
_EXPLAINED: Mapping[str, str] = {
    r"Expected more than 1 value per channel when training, got input size (?:torch\.Size\()?(\[[^\]]*\])": (
        "batch normalisation takes the variance of each channel in train mode, and its input {} has one value a "
        "channel: raise batch, height or width, or use mode: forward"
    ),
}


def failure(error: Exception) -> dict[str, Any]:
    """Status and one-line message for a cell that raised `error`, in characters that can be printed."""
    status, message = _judged(error)
    return {"status": status, "message": message.encode(errors="backslashreplace").decode()}


def _judged(error: Exception) -> tuple[Status, str]:
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    if _is_out_of_memory(error):
        found = re.search(r"[Tt]ried to allocate ([\d.]+ \w+)", str(error))
        asked = f" (asked for {found[1]})" if found else ""
        return "oom", f"out of memory{asked}: reduce batch, height or width"
    explained = _explanation(str(error))
    if explained is not None:
        return "failed", explained
    if isinstance(error, BackendUnavailable):
        return "unsupported", text
    if isinstance(error, InvobenchError):
        return "failed", text
    if isinstance(error, NotImplementedError):
        return "unsupported", f"{text or 'not implemented'} (in {_place(error)})"
    named = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return "failed", f"{named} (in {_place(error)})"


def _explanation(text: str) -> str | None:
    found = ((re.search(pattern, text), said) for pattern, said in _EXPLAINED.items())
    return next((said.format(*match.groups()) for match, said in found if match), None)


def _is_out_of_memory(error: Exception) -> bool:
    """CUDA has a type for it, the CPU's allocator only words, cuBLAS and cuDNN a status for their workspaces."""
    words = ("can't allocate memory", "not enough memory", "out of memory", "_STATUS_ALLOC_FAILED")
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(word in str(error) for word in words)


def _place(error: Exception) -> str:
    """Where it was raised: the last frame outside PyTorch and invobench, which is the user's, or the last of all."""
    frames = traceback.extract_tb(error.__traceback__)
    libraries = tuple(str(Path(str(package.__file__)).parent) + os.sep for package in (torch, invobench))
    theirs = [frame for frame in frames if not frame.filename.startswith(libraries)]
    return next((f"{frame.filename}:{frame.lineno}" for frame in reversed(theirs or frames)), "unknown place")
