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
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from invobench.runner.interrupts import NUMBERS, held_back, waiting

_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_PRELOAD = ["invobench.runner.preload"]
#: how long a process may take to end once it has answered or been killed
_GRACE_S = 5.0


@dataclass(frozen=True)
class Ended:
    """How a job ended: its return value, or None with the reason.

    `exit_code` is that of a process that ended without an answer, negative where a signal killed it; `problem` is why
    there was no process.
    """

    value: Any = None
    timed_out: bool = False
    exit_code: int | None = None
    problem: str = ""

    @property
    def reason(self) -> str:
        """Why the process died, in words; empty where it did not."""
        if self.problem or self.exit_code is None:
            return self.problem
        if self.exit_code >= 0:
            answer = "" if self.exit_code else " and no answer"
            return f"the worker process exited with code {self.exit_code}{answer}"
        name = _signal_name(-self.exit_code)
        hint = " (often the system's out-of-memory killer: reduce batch, height or width)" if name == "SIGKILL" else ""
        return f"the worker process was killed by {name}{hint}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # the real-time ones have none
        return f"signal {number}"


class Processes:
    """Runs jobs, each in a fresh process, one after another."""

    def __init__(self) -> None:
        self._context: Any = multiprocessing.get_context(_METHOD)
        if _METHOD == "forkserver":
            self._context.set_forkserver_preload(_PRELOAD)

    def run(
        self, job: Callable[..., Any], *args: Any, timeout_s: float, told: Callable[[dict[str, Any]], None]
    ) -> Ended:
        """Call `job(*args, tell)` in a process of its own; what it tells arrives at `told` as it happens.

        The process and all that it started are killed after `timeout_s`, and when this call is interrupted, which it
        is only while it waits: half a request would bring the fork server down.
        """
        with held_back():
            receiver, sender = self._context.Pipe(duplex=False)
            process = self._context.Process(target=_child, args=(sender, job, args), daemon=True)
            try:
                _ensure_server()
                process.start()
            except (OSError, EOFError) as error:  # what it cannot fork is told by closing the connection
                receiver.close()
                return Ended(problem=f"cannot start a worker process: {str(error) or type(error).__name__}")
            finally:
                sender.close()
            try:
                return _listen(process, receiver, time.monotonic() + timeout_s, told)
            finally:
                _end(process)
                receiver.close()


def _ensure_server() -> None:
    """Start the fork server if it is not running, deaf to Ctrl-C and SIGTERM, which are the parent's to handle.

    Who stops a run may send them to all of its processes, and what dies of that has not failed. The server inherits
    them blocked, and hands that on to its jobs. In the parent, one that comes meanwhile waits.
    """
    if _METHOD != "forkserver":
        return
    resource_tracker.ensure_running()  # here, since it unblocks signals when it has started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, NUMBERS)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _listen(process: Any, receiver: Connection, end: float, told: Callable[[dict[str, Any]], None]) -> Ended:
    """Hear the process until it answers, dies, or `end` comes.

    Its death is heard by itself: what it started may hold the pipe open after it.
    """
    sources: list[Any] = [receiver, process.sentinel]
    while True:
        with waiting():
            ready = wait(sources, max(0.0, end - time.monotonic()))
        if receiver in ready or (receiver in sources and receiver.poll()):  # said before a death that was seen first
            try:
                kind, value = receiver.recv()
            except (EOFError, OSError):  # at its end, or in the middle of a message
                sources.remove(receiver)
                continue
            if kind == "done":
                process.join(_GRACE_S)
                return Ended(value)
            if kind == "raised":
                raise value
            told(value)
        elif ready:
            process.join(_GRACE_S)
            return Ended(exit_code=process.exitcode)
        elif time.monotonic() >= end:
            return Ended(timed_out=True)


def _end(process: Any) -> None:
    """Kill the process and those that it started. One that hangs in the system is left after a while."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.is_alive():
        process.kill()
    process.join(_GRACE_S)


def _child(sender: Connection, job: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """The body of a job's process. Signals are the parent's to handle; without a parent there is nobody to tell."""
    os.setsid()  # a group of its own, which ends with it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: None)  # not ignored: a program that the job starts would inherit that
    signal.pthread_sigmask(signal.SIG_UNBLOCK, NUMBERS)
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
        os.killpg(os.getpid(), signal.SIGKILL)


def _volunteer_for_oom() -> None:
    """Where the system must kill something for memory, let it be this process and not the one with the results."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
