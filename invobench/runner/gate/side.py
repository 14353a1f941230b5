"""The controller's hold on one side: a server in an interpreter of its own (no torch)."""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from invobench import __version__
from invobench.errors import EXIT_USAGE, InvobenchError, MeasurementError, UsageError
from invobench.judging.pairing import identity_of
from invobench.judging.verdicts import Identity
from invobench.results import Environment, Row
from invobench.runner.gate.children import descendants
from invobench.runner.gate.measurer import Modules, Order, Planned, Spec
from invobench.runner.gate.server import PROTOCOL
from invobench.runner.interrupts import waiting

_SERVER = "invobench.runner.gate.server"
_HELLO_TIMEOUT_S = 300.0
_PLAN_TIMEOUT_S = 120.0
#: what measuring may take beside the timeouts of its cells
_BESIDE_S = 300.0
#: how long a server may take to end by itself
_GRACE_S = 2.0
_CHUNK = 1 << 16
#: lines of what a side says on stderr that are kept to explain its end
_KEPT = 50


@dataclass(frozen=True)
class Launch:
    """How a side is started. `name`: what it is called in messages, such as `base (main)`.

    `environment` are variables beside our own. `hint`: what to do where there is no invobench, or too old a one.
    """

    name: str
    python: str
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""


class Side:
    """A server that was started. Leaving it as a context kills it with all that it started."""

    def __init__(self, launch: Launch, warn: Callable[[str], None]) -> None:
        self.name, self._launch, self._warn = launch.name, launch, warn
        self._buffers: dict[str, bytes] = {"out": b"", "err": b""}
        self._said: list[str] = []
        self._greeted = False
        self._unknown: set[str] = set()
        self._process = self._started()
        self._selector = selectors.DefaultSelector()
        for which in ("out", "err"):
            stream = self._process.stdout if which == "out" else self._process.stderr
            self._selector.register(stream, selectors.EVENT_READ, which)  # type: ignore[arg-type]
        self._send({"ask": "hello"})  # importing takes seconds: the sides do it at once

    def _started(self) -> subprocess.Popen[bytes]:
        """The process, in a session of its own, so that a terminal's Ctrl-C is ours alone."""
        command = [self._launch.python, "-P", "-m", _SERVER]
        try:
            return subprocess.Popen(  # noqa: S603 - the interpreter that the user runs or names
                command,
                cwd=self._launch.folder,
                env={**os.environ, **self._launch.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise UsageError(f"{self.name}: cannot start {self._launch.python}: {error.strerror}") from None

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close(at_once=exception[0] is not None)

    def hello(self) -> Environment:
        """Where it measures. Raises UsageError, with what to do, where its invobench is none or another."""
        answer = self._answer("hello", _HELLO_TIMEOUT_S)
        if answer.get("protocol") != PROTOCOL:
            there = f"its invobench {answer.get('invobench')} speaks protocol {answer.get('protocol')} of the gate"
            fix = "use the same invobench on both sides"
            raise UsageError(f"{self.name}: {there}, this one ({__version__}) {PROTOCOL}: {fix}")
        self._greeted = True
        for line in self._said:
            self._pass_on(line)
        self._said.clear()
        return Environment.model_validate(answer["environment"])

    def plan(self, specs: Sequence[Spec], overrides: Sequence[str]) -> list[Planned]:
        """The cells of `specs`. Raises UsageError for a spec that this side cannot read, with all its problems."""
        asked = [{"path": spec.path, "name": spec.name} for spec in specs]
        self._send({"ask": "plan", "specs": asked, "overrides": list(overrides)})
        return [self._planned(cell) for cell in self._answer("plan", _PLAN_TIMEOUT_S)]

    def _planned(self, cell: Mapping[str, Any]) -> Planned:
        row = self._row(cell["row"])
        return Planned(cell["key"], cell["label"], identity_of(row), row, cell["describe"])

    def measure(
        self, orders: Sequence[Order], watch: Mapping[str, str | None] | None, got: Callable[[Identity, Row], None]
    ) -> Modules:
        """Measure cells one after another in one process; `got` hears of each when it is done."""
        identities = {order.planned.key: order.planned.identity for order in orders}
        self._send({"ask": "measure", "tasks": [order.asked() for order in orders], "watch": watch})
        limit_s = sum(order.timeout_s for order in orders) + _BESIDE_S
        found = self._answer("measured", limit_s, lambda key, row: got(identities[key], row))
        return Modules(found.get("foreign", {}), found.get("own", 0))

    def close(self, at_once: bool = False) -> None:
        """End the server and all that it started: by itself if it does so in time, else killed."""
        process = self._process
        self._selector.close()
        with suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        if not at_once:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_S)
        for pid in descendants(process.pid):  # jobs have groups of their own
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdout, process.stderr):
            stream.close()  # type: ignore[union-attr]

    def _send(self, request: Mapping[str, Any]) -> None:
        with suppress(BrokenPipeError):  # why it is gone is said by whoever reads
            self._process.stdin.write(json.dumps(request).encode() + b"\n")  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]

    def _answer(self, wanted: str, timeout_s: float, got: Callable[[str, Row], None] | None = None) -> Any:
        """The answer to a request; rows that come before it go to `got`. Raises what the server says it cannot do."""
        for line in self._lines(time.monotonic() + timeout_s, timeout_s):
            try:
                answer = json.loads(line)
            except ValueError:
                raise MeasurementError(f"{self.name}: answered in something else than JSON: {_short(line)}") from None
            if got is not None and "row" in answer:
                got(answer["key"], self._row(answer["row"]))
            elif "error" in answer:
                raise self._refusal(answer)
            elif wanted in answer:
                return answer[wanted]
        raise self._death()

    def _refusal(self, answer: Mapping[str, Any]) -> InvobenchError:
        kind = UsageError if answer.get("exit_code") == EXIT_USAGE else MeasurementError
        return kind("\n".join(f"{self.name}: {line}" for line in str(answer["error"]).splitlines()))

    def _row(self, values: Mapping[str, Any]) -> Row:
        """A row of another version of invobench: fields that are not known here are left out, which is said once."""
        unknown = {name for name in values if name not in Row.model_fields}
        if unknown - self._unknown:
            names = ", ".join(sorted(unknown - self._unknown))
            self._warn(f"{self.name}: its invobench reports {names}, which this one ({__version__}) leaves out")
            self._unknown |= unknown
        try:
            return Row.model_validate({name: value for name, value in values.items() if name not in unknown})
        except ValidationError as error:
            first = error.errors()[0]
            wrong = f"its invobench reports {'.'.join(map(str, first['loc']))} in a way that is not known here"
            raise UsageError(f"{self.name}: {wrong} ({first['msg']}): use the same invobench on both sides") from None

    def _lines(self, end: float, timeout_s: float) -> Iterator[bytes]:
        """Lines of its stdout until it ends; what it says on stderr meanwhile is passed on."""
        while True:
            line, found, rest = self._buffers["out"].partition(b"\n")
            if found:
                self._buffers["out"] = rest
                yield line
                continue
            with waiting():
                ready = self._selector.select(max(0.0, end - time.monotonic()))
            if not ready:
                raise MeasurementError(f"{self.name}: no answer within {timeout_s:g} s")
            for key, _ in ready:
                self._read(key)
            if not any(key.data == "out" for key in self._selector.get_map().values()):
                return

    def _read(self, key: selectors.SelectorKey) -> None:
        chunk = os.read(key.fd, _CHUNK)
        if not chunk:
            self._selector.unregister(key.fileobj)
        self._buffers[key.data] += chunk
        if key.data == "err":
            *lines, self._buffers["err"] = self._buffers["err"].split(b"\n")
            for line in lines:
                self._hear(line.decode(errors="replace"))

    def _hear(self, line: str) -> None:
        """What it says on stderr: a layer's words are the user's to see; before hello, they say why there is none."""
        self._said = [*self._said, line][-_KEPT:]
        if self._greeted:
            self._pass_on(line)

    def _pass_on(self, line: str) -> None:
        print(line, file=sys.stderr)  # noqa: T201

    def _death(self) -> InvobenchError:
        """Why a server that has ended did so, and what to do."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_S)
        for key in list(self._selector.get_map().values()):  # its last words
            self._read(key)
        said = [*self._said, self._buffers["err"].decode(errors="replace").strip()]
        last = next((line for line in reversed(said) if line.strip()), "")
        missing = re.search(r"No module named '?(invobench[\w.]*)", last)
        if missing and not self._greeted:
            which = "no invobench" if missing[1] == "invobench" else "an invobench without this gate"
            hint = self._launch.hint or f"install invobench {__version__} there"
            return UsageError(f"{self.name}: {self._launch.python} has {which}: {hint}")
        code = self._process.returncode
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        return MeasurementError(
            f"{self.name}: its measuring process {how}" + (f": {_short(last.encode())}" if last else "")
        )


def _short(line: bytes) -> str:
    text = " ".join(line.decode(errors="replace").split())
    return text if len(text) <= 200 else f"{text[:200]}…"
