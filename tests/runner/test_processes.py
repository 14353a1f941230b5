"""Jobs in processes of their own: however one ends, it is told, in time, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from invobench.runner import interrupts, processes
from invobench.runner.processes import Ended, Processes
from tests.runner import jobs


@pytest.fixture(scope="module")
def fresh() -> Processes:
    started = Processes()
    assert started.run(jobs.answers, 0, timeout_s=120, told=lambda fields: None).value == 0
    return started


def run(fresh: Processes, job: Any, *args: Any, timeout_s: float = 60.0) -> tuple[Ended, list[dict[str, Any]]]:
    told: list[dict[str, Any]] = []
    ended = fresh.run(job, *args, timeout_s=timeout_s, told=told.append)
    return ended, told


def gone(pid: int, within_s: float = 10.0) -> bool:
    """Whether a process ends in time; one that nobody has waited for yet has ended."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        time.sleep(0.02)
    return False


def test_an_answer(fresh: Processes) -> None:
    ended, told = run(fresh, jobs.answers, {"a": [1, 2]})
    assert (ended, ended.reason) == (Ended({"a": [1, 2]}), "")
    assert told == [{"told": {"a": [1, 2]}}]


def test_an_error_is_raised_here(fresh: Processes) -> None:
    with pytest.raises(ValueError, match="the job's own"):
        run(fresh, jobs.raises)
    with pytest.raises(MemoryError):
        run(fresh, jobs.raises_memory_error)


@pytest.mark.parametrize(
    ("job", "argument", "reason"),
    [
        (jobs.exits, 0, "the worker process exited with code 0 and no answer"),
        (jobs.exits, 3, "the worker process exited with code 3"),
        (jobs.leaves, 0, "the worker process exited with code 0 and no answer"),
        (jobs.leaves, 4, "the worker process exited with code 4"),
        (jobs.dies, signal.SIGSEGV, "the worker process was killed by SIGSEGV"),
        (jobs.dies, signal.SIGABRT, "the worker process was killed by SIGABRT"),
        (jobs.dies, 36, "the worker process was killed by signal 36"),
        (
            jobs.dies,
            signal.SIGKILL,
            "the worker process was killed by SIGKILL (often the system's out-of-memory killer: reduce batch, height "
            "or width)",
        ),
    ],
)
def test_a_death_has_a_reason(fresh: Processes, job: Any, argument: int, reason: str) -> None:
    ended, told = run(fresh, job, argument)
    assert (ended.value, ended.timed_out, ended.reason) == (None, False, reason)
    assert told == ([{"told": "before"}] if job is jobs.dies else [])


def test_a_job_that_hangs_is_killed_with_what_it_started(fresh: Processes) -> None:
    start = time.monotonic()
    ended, told = run(fresh, jobs.hangs_with_a_child, timeout_s=2.0)
    assert (ended, ended.reason) == (Ended(timed_out=True), "")
    assert time.monotonic() - start < 20
    assert gone(told[0]["child"])


def test_a_death_is_heard_though_a_child_holds_the_pipe(fresh: Processes) -> None:
    start = time.monotonic()
    ended, told = run(fresh, jobs.dies_and_leaves_a_child)
    assert ended.exit_code == -signal.SIGKILL
    assert time.monotonic() - start < 20
    assert gone(told[0]["child"])


def test_what_was_said_before_a_death_is_heard_though_the_death_is_seen_first(
    fresh: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sees_the_death(sources: list[Any], timeout: float) -> list[Any]:
        return wait(sources[-1:], timeout)

    wait = processes.wait
    monkeypatch.setattr(processes, "wait", sees_the_death)
    assert run(fresh, jobs.answers, 7) == (Ended(7), [{"told": 7}])
    ended, told = run(fresh, jobs.dies, signal.SIGKILL)
    assert (ended.exit_code, told) == (-signal.SIGKILL, [{"told": "before"}])


def test_a_message_that_was_cut_is_a_death(fresh: Processes) -> None:
    assert run(fresh, jobs.dies_in_the_middle_of_a_message)[0].exit_code == -signal.SIGKILL


def test_a_job_that_closes_the_pipe_is_still_timed_out(fresh: Processes) -> None:
    assert run(fresh, jobs.closes_the_pipe, timeout_s=2.0)[0] == Ended(timed_out=True)


def test_a_job_that_answers_and_does_not_end_is_ended(fresh: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_GRACE_S", 0.5)
    start = time.monotonic()
    assert run(fresh, jobs.answers_and_does_not_end)[0].value == "done"
    assert time.monotonic() - start < 20


def test_a_fork_server_that_was_killed_is_started_again(fresh: Processes) -> None:
    """By the system, for memory: what ran in it is lost, and the next job runs."""
    server = processes.forkserver._forkserver._forkserver_pid
    os.kill(server, signal.SIGKILL)
    assert gone(server)
    assert run(fresh, jobs.answers, 1, timeout_s=120)[0].value == 1
    assert processes.forkserver._forkserver._forkserver_pid != server


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_a_run_may_tell_all_of_its_processes(fresh: Processes, number: int) -> None:
    """As a batch system does: the run decides, and neither the job nor the fork server dies of it before."""
    server = processes.forkserver._forkserver._forkserver_pid
    os.kill(server, number)
    ended, _ = run(fresh, jobs.signals_itself, number)
    assert ended == Ended("alive")
    assert processes.forkserver._forkserver._forkserver_pid == server


def test_what_a_job_starts_hears_signals(fresh: Processes) -> None:
    """Or a compiler's own workers could not be ended."""
    ended, _ = run(fresh, jobs.ends_a_program)
    assert ended == Ended(-signal.SIGTERM)


def test_a_server_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses() -> None:
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(processes.forkserver, "ensure_running", refuses)
    ended = Processes().run(jobs.answers, 1, timeout_s=1.0, told=lambda fields: None)
    assert ended.reason == "cannot start a worker process: no usable temporary directory"


def test_a_process_that_cannot_start_is_told(fresh: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(self: Any) -> None:
        raise EOFError

    monkeypatch.setattr(fresh._context.Process, "start", refuses)
    ended, _ = run(fresh, jobs.answers, 1)
    assert (ended.value, ended.reason) == (None, "cannot start a worker process: EOFError")


@pytest.fixture
def signal_after(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Sends this process a signal from a thread, after a while."""
    timers = []

    def after(seconds: float, number: int) -> None:
        timers.append(threading.Timer(seconds, os.kill, (os.getpid(), number)))
        timers[-1].start()

    yield after
    for timer in timers:
        timer.join()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_and_the_job(fresh: Processes, signal_after: Any, number: int) -> None:
    told: list[dict[str, Any]] = []
    signal_after(1.0, number)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fresh.run(jobs.hangs, timeout_s=60.0, told=told.append)
    assert time.monotonic() - start < 20
    assert all(gone(fields["pid"]) for fields in told)


def test_a_signal_while_a_job_starts_is_heard_when_it_has_started(fresh: Processes, monkeypatch: Any) -> None:
    """Half a request would bring the fork server down."""
    start = fresh._context.Process.start

    def interrupted(self: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        start(self)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(fresh._context.Process, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(fresh, jobs.hangs)
    monkeypatch.undo()
    assert run(fresh, jobs.answers, 1)[0].value == 1


def test_signals_wait_for_a_wait() -> None:
    before = {number: signal.getsignal(number) for number in interrupts.NUMBERS}
    with interrupts.held_back():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        with interrupts.held_back():  # one within another changes nothing
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), interrupts.waiting():
            raise AssertionError("never reached")
        interrupts.check()
        with pytest.raises(KeyboardInterrupt), interrupts.waiting():
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
        assert not interrupts.take()
    assert {number: signal.getsignal(number) for number in interrupts.NUMBERS} == before


def test_a_signal_that_nobody_heard_is_heard_at_the_end() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.held_back():
        signal.raise_signal(signal.SIGINT)


def test_threads_are_left_alone() -> None:
    """Python's handlers run in the main thread alone."""
    seen = []

    def elsewhere() -> None:
        with interrupts.held_back(), interrupts.waiting():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


PRELOAD = """
import gc, sys, threading
import torch
asked = []
for name in ("is_available", "device_count", "current_device", "get_device_properties", "_lazy_init", "init"):
    setattr(torch.cuda, name, lambda *args, name=name: asked.append(name))
import invobench.runner.preload
assert not asked, asked
assert threading.active_count() == 1, threading.enumerate()
assert gc.get_freeze_count() > 0
before = set(sys.modules)
from invobench.operators.involution.backends import shift
from invobench.runner.steps import STEPS
layer, x = torch.nn.Conv2d(2, 2, 1), torch.ones(1, 2, 2, 2)
step = STEPS["train_step"](layer, (x,), "layer")
step.whole()
torch.nn.Conv2d(2, 2, 1, device="meta")(x.to("meta"))
late = sorted(name for name in set(sys.modules) - before if name.startswith(("torch", "sympy", "fvcore")))
assert len(late) < 5, late  # of 480
"""


def test_jobs_find_everything_slow_imported_and_no_gpu_touched() -> None:
    """A GPU that the server had asked anything of could not be used by the jobs that it forks."""
    done = subprocess.run([sys.executable, "-c", PRELOAD], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
