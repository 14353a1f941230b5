"""One process a job, so that running out of memory, a crash or a leak stays in its cell.

A fork server imports PyTorch once and every job is forked from it: start-up is paid once, and no job sees
another's state (CUDA starts in the job, never in the server).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_PRELOAD = ["invobench.runner.preload"]


@dataclass(frozen=True)
class Ended:
    """How a job ended: its return value, or None with the reason."""

    value: Any = None
    timed_out: bool = False
    exit_code: int | None = 0

    @property
    def reason(self) -> str:
        """Why the process died, in words; empty where it did not."""
        if self.exit_code is None or self.exit_code == 0:
            return ""
        if self.exit_code > 0:
            return f"the worker process exited with code {self.exit_code}"
        name = signal.Signals(-self.exit_code).name
        hint = " (often the system's out-of-memory killer: reduce batch, height or width)" if name == "SIGKILL" else ""
        return f"the worker process was killed by {name}{hint}"


class Processes:
    """Runs jobs, each in a fresh process, one after another."""

    def __init__(self) -> None:
        self._context: Any = multiprocessing.get_context(_METHOD)
        if _METHOD == "forkserver":
            self._context.set_forkserver_preload(_PRELOAD)
            _start_server()

    def run(
        self, job: Callable[..., Any], *args: Any, timeout_s: float, told: Callable[[dict[str, Any]], None]
    ) -> Ended:
        """Call `job(*args, tell)` in a process of its own; what it tells arrives at `told` as it happens.

        The process is killed after `timeout_s`, and when this call is interrupted.
        """
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_child, args=(sender, job, args), daemon=True)
        held: list[int] = []
        with _held_back(held):
            process.start()
            sender.close()
        try:
            for number in held:
                signal.raise_signal(number)
            return _listen(process, receiver, timeout_s, told)
        finally:
            if process.is_alive():
                process.kill()
            process.join()
            receiver.close()


def _start_server() -> None:
    """Start the fork server deaf to Ctrl-C, which is the parent's to handle, even while the server still imports."""
    if threading.current_thread() is not threading.main_thread():
        return  # signals are the main thread's; the server starts with the first job
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, heard)


@contextmanager
def _held_back(held: list[int]) -> Iterator[None]:
    """Note Ctrl-C and SIGTERM in `held` for later: half a request would bring the fork server down."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda got, frame: held.append(got)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _listen(process: Any, receiver: Connection, timeout_s: float, told: Callable[[dict[str, Any]], None]) -> Ended:
    end = time.monotonic() + timeout_s
    while receiver.poll(max(0.0, end - time.monotonic())):
        try:
            kind, value = receiver.recv()
        except EOFError:
            process.join()
            return Ended(exit_code=process.exitcode or 1)
        if kind == "done":
            process.join(max(1.0, end - time.monotonic()))
            return Ended(value)
        if kind == "raised":
            raise value
        told(value)
    return Ended(timed_out=True, exit_code=None)


def _child(sender: Connection, job: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """The body of a job's process. Ctrl-C is the parent's to handle; without a parent there is nobody to tell."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(2, 1)  # stdout is the report's; what a layer prints goes to stderr
    _volunteer_for_oom()
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        value = job(*args, lambda fields: sender.send(("told", fields)))
    except Exception as error:
        sender.send(("raised", error))
    else:
        sender.send(("done", value))


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _volunteer_for_oom() -> None:
    """Where the system must kill something for memory, let it be this process and not the one with the results."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
