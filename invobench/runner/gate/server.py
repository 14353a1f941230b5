"""`python -m invobench.runner.gate.server`: one side of a gate, asked in JSON lines on stdin, answering on stdout.

    {"ask": "hello"}                       -> {"hello": versions, environment, GPUs}
    {"ask": "plan", "specs": …}            -> {"plan": the cells}
    {"ask": "measure", "tasks": …}         -> {"row": …} for each cell as it is done, then {"measured": …}

Whatever it cannot do is {"error": …}. Between two sides of other versions of invobench this is all that must fit:
PROTOCOL is raised where it no longer does. It ends with its stdin, and takes with it what it measures.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from invobench import __version__
from invobench.errors import EXIT_INTERNAL, InvobenchError, MeasurementError, SpecError, UsageError
from invobench.results import SCHEMA_VERSION
from invobench.runner import entry
from invobench.runner.gate.entry import measure_cells
from invobench.runner.gate.tasks import Task, Watch
from invobench.runner.machine import Machine
from invobench.runner.processes import Ended, Processes
from invobench.runner.rows import gather, make_row
from invobench.runner.session import resolve_device
from invobench.spec import read
from invobench.spec.cells import Cell

PROTOCOL = 1
_PROBE_TIMEOUT_S = 300.0
#: what a process may take beside its cells
_BESIDE_S = 60.0
#: how long it may take to end once nobody asks any more
_LEAVE_S = 1.0

Answer = dict[str, Any]
Write = Callable[[Answer], None]


class Server:
    """Answers requests; `write` takes each answer at once."""

    def __init__(self, write: Write, processes: Processes) -> None:
        self._write, self._processes = write, processes
        self._machine: Machine | None = None
        self._cells: dict[str, Cell] = {}

    def answer(self, request: Mapping[str, Any]) -> None:
        """Answer one request; what cannot be done is an `error` with a line for people and its exit code."""
        try:
            self._write(_HANDLERS[request["ask"]](self, request))
        except InvobenchError as error:
            self._write({"error": str(error), "exit_code": error.exit_code})
        except Exception as error:
            traceback.print_exc()
            self._write({"error": f"internal error: {type(error).__name__}: {error}", "exit_code": EXIT_INTERNAL})

    def hello(self, request: Mapping[str, Any]) -> Answer:
        """Who answers, and the machine as its processes see it."""
        machine = self._probed()
        return {
            "hello": {
                "protocol": PROTOCOL,
                "schema": SCHEMA_VERSION,
                "invobench": __version__,
                "environment": machine.environment.model_dump(exclude_none=True),
            }
        }

    def plan(self, request: Mapping[str, Any]) -> Answer:
        """The cells of `specs`, each a path here and the name that its cells carry; what is known without measuring."""
        names = {str(Path(spec["path"])): spec["name"] for spec in request["specs"]}
        try:
            found = read([Path(path) for path in names], request["overrides"])
        except SpecError as error:
            raise SpecError([replace(one, file=names.get(one.file, one.file)) for one in error.problems]) from None
        cells = [replace(cell, spec=names.get(cell.spec, cell.spec)) for cell in found]
        self._cells = {cell.key: cell for cell in cells}
        return {"plan": [self._planned(cell) for cell in cells]}

    def _planned(self, cell: Cell) -> Answer:
        row = make_row(cell, {"device": self._device(cell)})
        described = {"key": cell.key, "label": cell.label, "describe": cell.describe()}
        return {**described, "row": row.model_dump(exclude_none=True)}

    def measure(self, request: Mapping[str, Any]) -> Answer:
        """Measure cells one after another in one process, or as many as it takes where one ends it.

        Cells that want other threads or CPUs than their neighbours are in a process of their own.
        """
        tasks = [self._task(asked) for asked in request["tasks"]]
        watch = Watch(**request["watch"]) if request.get("watch") else None
        modules: dict[str, Any] = {"foreign": {}, "own": 0}
        for _, group in groupby(sorted(tasks, key=_settings), key=_settings):
            left = list(group)
            while left:
                left = left[self._process(left, watch, modules) :]
        return {"measured": modules}

    def _process(self, tasks: Sequence[Task], watch: Watch | None, modules: dict[str, Any]) -> int:
        """Measure `tasks` in one process, until it ends; how many of them have their row then."""
        seen: dict[str, dict[str, Any]] = {}
        done = 0

        def told(news: dict[str, Any]) -> None:
            nonlocal done
            fields = seen.setdefault(news["key"], {})
            gather(fields, news.get("fields", {}))
            if news.get("done"):
                done += 1
                self._row(news["key"], fields)

        ended = self._run(tasks, watch, told)
        if ended.value is not None:
            modules["foreign"] |= ended.value.get("foreign", {})
            modules["own"] += ended.value.get("own", 0)
        elif done < len(tasks):
            died = tasks[done]
            fields = seen.get(died.key, {})
            gather(fields, _why(ended, died))
            self._row(died.key, fields)
            done += 1
        return done

    def _run(self, tasks: Sequence[Task], watch: Watch | None, told: Callable[[dict[str, Any]], None]) -> Ended:
        """How the process ended; whatever it raised is why it gave no answer."""
        limit_s = sum(task.timeout_s for task in tasks) + _BESIDE_S
        try:
            return self._processes.run(measure_cells, tasks, watch, timeout_s=limit_s, told=told)
        except Exception as error:
            traceback.print_exc()
            return Ended(problem=f"{type(error).__name__}: {error}")

    def _row(self, key: str, fields: dict[str, Any]) -> None:
        row = make_row(self._cells[key], {"device": self._device(self._cells[key]), **fields})
        self._write({"row": row.model_dump(exclude_none=True), "key": key})

    def _task(self, asked: Mapping[str, Any]) -> Task:
        """What a process is to do of what is asked."""
        cell = self._cells.get(asked["key"])
        if cell is None:
            raise UsageError(f"no cell has the key {asked['key']}: plan before measuring")
        device, slow = self._device(cell), float(asked.get("slow", 1.0))
        if slow != 1.0 and device != "cpu":
            why = f"slowing down spins on the CPU, and {device} does not wait for it"
            raise UsageError(f"{cell.label}: {why}: use --device cpu")
        timing = (float(asked["sample_time_s"]), float(asked["target_ci"]))
        return Task(cell, device, tuple(asked["metrics"]), *timing, bool(asked.get("checked")), slow)

    def _device(self, cell: Cell) -> str:
        return resolve_device(cell.device, self._probed())

    def _probed(self) -> Machine:
        """The machine, asked once. Raises MeasurementError where no process can be started."""
        if self._machine is None:
            probed = self._processes.run(entry.probe, timeout_s=_PROBE_TIMEOUT_S, told=lambda fields: None)
            if probed.value is None:
                why = probed.reason or "no answer"
                raise MeasurementError(f"cannot start a worker: {why}; does `import torch` work?")
            self._machine = probed.value
        return self._machine


#: request -> what answers it
_HANDLERS: Mapping[str, Callable[[Server, Mapping[str, Any]], Answer]] = {
    "hello": Server.hello,
    "plan": Server.plan,
    "measure": Server.measure,
}


def _settings(task: Task) -> tuple[int, bool]:
    """What is a process's own: a pool of threads that runs keeps its CPUs and its size."""
    return task.cell.contract.threads or 0, task.cell.contract.affinity


def _why(ended: Ended, task: Task) -> dict[str, Any]:
    """Status and message of the cell at which a process ended."""
    if ended.timed_out or ended.exit_code == -signal.SIGALRM:
        return {"status": "timeout", "message": f"not done after {task.timeout_s:g} s: raise measure.timeout_s"}
    return {"status": "failed", "message": ended.reason or "the worker process ended without an answer"}


def _requests() -> Iterator[Mapping[str, Any]]:
    """The lines of stdin. Soon after its end the process ends, busy or not: nobody waits for an answer any more."""
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def hear() -> None:
        for line in sys.stdin.buffer:
            lines.put(line)
        lines.put(None)
        time.sleep(_LEAVE_S)
        os._exit(EXIT_INTERNAL)

    threading.Thread(target=hear, daemon=True).start()
    while (line := lines.get()) is not None:
        yield json.loads(line)


def main() -> None:
    """Answer until stdin ends. What a layer prints goes to stderr: stdout is the answers'."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)

    def write(answer: Answer) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    server = Server(write, Processes())
    try:
        for request in _requests():
            server.answer(request)
    except BrokenPipeError:
        os._exit(EXIT_INTERNAL)


if __name__ == "__main__":
    main()
