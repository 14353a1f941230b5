"""What runs inside a process of a side: cell after cell, each as if it were alone."""

from __future__ import annotations

import gc
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from invobench.errors import UsageError
from invobench.measure.taking import MAX_SAMPLES
from invobench.results import MEASURED
from invobench.runner import worker
from invobench.runner.cases import Case
from invobench.runner.gate.modules import modules_below
from invobench.runner.gate.tasks import Task, Tell, Watch
from invobench.runner.steps import Run, Step
from invobench.spec.cells import Cell

#: bytes, under what glibc takes from elsewhere than the heap
_MOST_MOVED = 1 << 17
#: statuses after which the process is as good as before
_HARMLESS = (*MEASURED, "unsupported")


def measure_cells(tasks: Sequence[Task], watch: Watch | None, tell: Tell) -> Mapping[str, Any]:
    """Measure the cells of `tasks` in order; each `tell` names its cell: fields as they come, and its end.

    It ends early after a cell that failed, since what that left behind is not the next one's: the caller goes on in
    another process. The answer says where the modules came from, if `watch` asks. A cell that takes too long ends the
    process by SIGALRM, which needs no help of the code that hangs.
    """
    held = _moved_heap()
    for task in tasks:
        status = _measured(task, tell)
        tell({"key": task.key, "done": True})
        if status not in _HARMLESS:
            break
    del held
    return _modules(watch) if watch else {}


def _moved_heap() -> torch.Tensor:
    """A tensor of random size: as long as it is held, what is allocated lies elsewhere than in the next process.

    Processes of a side are forked from one server and would lie in memory alike, so that a layout which happens to be
    slow would be that of a whole side (Mytkowicz et al., Producing Wrong Data Without Doing Anything Obviously Wrong,
    ASPLOS 2009). So it becomes a difference between processes, which intervals know.
    """
    return torch.empty(random.randrange(1, _MOST_MOVED), dtype=torch.uint8)  # noqa: S311 - a layout, not a secret


def _measured(task: Task, tell: Tell) -> str:
    """Measure one cell, and undo what it changed in the process; its status."""
    status = "ok"

    def told(fields: dict[str, Any]) -> None:
        nonlocal status
        status = fields.get("status", status)
        tell({"key": task.key, "fields": fields})

    with _restored(), _alarm(task.timeout_s):
        tell({"key": task.key, "fields": {}})
        adapt = {"adapt": slowed(task.slow)} if task.slow != 1.0 else {}
        worker.measure_cell(_timed(task), task.device, task.metrics, told, task.checked, **adapt)
    gc.collect()
    if task.device.startswith("cuda"):
        torch.cuda.empty_cache()
    return status


def _timed(task: Task) -> Cell:
    """The cell with samples for all of the time: no interval is narrow enough before there are as many as ever."""
    timing = {"max_time_s": task.sample_time_s, "target_ci": task.target_ci, "min_samples": MAX_SAMPLES}
    return replace(task.cell, measure=task.cell.measure.model_copy(update=timing))


@contextmanager
def _restored() -> Iterator[None]:
    """Afterwards threads, CPUs and the flags of PyTorch that a contract or a layer may set are as they were."""
    threads, cpus = torch.get_num_threads(), _cpus()
    flags = [getattr(where, name) for where, name in _FLAGS]
    dtype, gradients = torch.get_default_dtype(), torch.is_grad_enabled()
    try:
        yield
    finally:
        if torch.get_num_threads() != threads:  # also setting what is set changes how some libraries run
            torch.set_num_threads(threads)
        if _cpus() != cpus:
            os.sched_setaffinity(0, cpus)
        for (where, name), flag in zip(_FLAGS, flags, strict=True):
            setattr(where, name, flag)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)


#: flags of PyTorch that decide timings
_FLAGS: tuple[tuple[Any, str], ...] = (
    (torch.backends.cuda.matmul, "allow_tf32"),
    (torch.backends.cudnn, "allow_tf32"),
    (torch.backends.cudnn, "benchmark"),
    (torch.backends.cudnn, "deterministic"),
)


def _cpus() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """The process ends by SIGALRM after `seconds`, unless this is left before."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def slowed(factor: float) -> Callable[[Case], Case]:
    """Makes of a case one whose every call takes `factor` times its own time. Raises UsageError on a GPU."""

    def adapt(case: Case) -> Case:
        if case.device.type != "cpu":
            raise UsageError(f"slowing down spins on the CPU, and {case.device} does not wait for it: use --device cpu")
        made = case.step

        def step() -> Step:
            own = made()
            return replace(own, run=spinning(own.run, factor))

        case.step = step  # type: ignore[method-assign]
        return case

    return adapt


def spinning(run: Run, factor: float, ticks: Callable[[], int] = time.perf_counter_ns) -> Run:
    """`run`, after which the processor spins until `factor` times the time of the call has passed."""

    def slow() -> Any:
        start = ticks()
        result = run()
        end = start + (ticks() - start) * factor
        while ticks() < end:
            pass
        return result

    return slow


def _modules(watch: Watch) -> Mapping[str, Any]:
    """The modules from below the foreign folder, and how many from below one's own."""
    own, foreign = watch.own, watch.foreign
    return {
        "foreign": dict(modules_below(foreign, [own] if own else [])) if foreign else {},
        "own": len(modules_below(own, [foreign] if foreign else [])) if own else 0,
    }
