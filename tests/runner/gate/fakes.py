"""Sides that replay times: no process, no clock but the one that is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from invobench.errors import MeasurementError
from invobench.judging.pairing import identity_of
from invobench.judging.side import Side
from invobench.judging.verdicts import Identity
from invobench.results import Conditions, Environment, Row
from invobench.runner.gate.gate import Gating
from invobench.runner.gate.measurer import Modules, Order, Planned, Spec
from invobench.runner.gate.request import GateOutcome, GateProgress, GateRequest
from invobench.runner.gate.sides import Started
from invobench.runner.rows import make_row
from invobench.spec.cells import Cell
from invobench.spec.gate import GateRun, Thresholds
from tests.builders import cell, involution

HERE = Environment(fingerprint="f", invobench="0", python="3", torch="2", platform="p", cpu="c", cpu_count=1, threads=1)

#: name of the cell, process (from 0), seconds on the clock -> seconds a call, a row's fields, or what the side raises
Script = Callable[[str, int, float], float | Mapping[str, Any] | BaseException]


class Clock:
    """Passes as it is told."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time


class FakeSide:
    """A side whose times come from a script; each cell takes a second of the shared clock.

    `log`: what was asked, (side, cell, metrics) one after another, shared by both sides.
    """

    def __init__(
        self, name: str, cells: Sequence[Cell], script: Script, clock: Clock, log: list[tuple[str, str, str]]
    ) -> None:
        self.name, self.cells, self.script, self.clock, self.log = name, cells, script, clock, log
        self.environment, self.modules = HERE, Modules()
        self.orders: list[Order] = []
        self.watched: list[Mapping[str, str | None] | None] = []
        self.batches: list[int] = []
        self._taken: dict[str, int] = {}

    def hello(self) -> Environment:
        return self.environment

    def plan(self, specs: Sequence[Spec], overrides: Sequence[str]) -> list[Planned]:
        rows = [(one, make_row(one, {"device": "cpu"})) for one in self.cells]
        return [Planned(one.key, one.label, identity_of(row), row, one.describe()) for one, row in rows]

    def measure(
        self, orders: Sequence[Order], watch: Mapping[str, str | None] | None, got: Callable[[Identity, Row], None]
    ) -> Modules:
        self.watched.append(watch)
        self.batches.append(len(orders))
        for order in orders:
            name = order.planned.row.name
            number = self._taken.get(name, 0)
            self._taken[name] = number + 1
            self.log.append((self.name, name, "+".join(order.metrics)))
            self.orders.append(order)
            self.clock.time += 1.0
            answer = self.script(name, number, self.clock.time)
            if isinstance(answer, BaseException):
                raise answer
            got(order.planned.identity, _row(order, answer))
        return self.modules


def _row(order: Order, answer: float | Mapping[str, Any]) -> Row:
    """What a process would tell: the deterministic metrics at first, and three equal samples."""
    known = order.planned.row.model_dump(exclude_none=True)
    fields: dict[str, Any] = {"backend": "shift", "execution": "eager", "cache": "hot", "threads": 1}
    if "memory" in order.metrics:
        fields |= {"peak_memory_bytes": 1000, "operations": 7, "output_shape": [[2, 16, 9, 7]], "macs_dispatched": 5}
    timed = "latency" in order.metrics
    if isinstance(answer, Mapping):
        fields |= answer
    elif timed:
        fields |= {"latency_s": answer, "samples": 3, "samples_s": [answer] * 3}
    return Row(**{**known, **fields})


class Watcher:
    """Remembers what it was told."""

    def __init__(self, at: Callable[[GateProgress], None] | None = None) -> None:
        self.stages: list[str] = []
        self.progress: list[GateProgress] = []
        self.warnings: list[str] = []
        self.at = at

    def stage(self, text: str) -> None:
        self.stages.append(text)

    def started(self, progress: GateProgress) -> None:
        self.progress.append(progress)

    def round_finished(self, progress: GateProgress) -> None:
        self.progress.append(progress)
        if self.at:
            self.at(progress)

    def warned(self, message: str) -> None:
        self.warnings.append(message)


def cells_of(names: str, gate: Mapping[str, Any] | None = None, **changes: Any) -> list[Cell]:
    """Cells of one letter each; `gate`: keys of a spec's `gate:`."""
    keys = {"processes": 6, "most_processes": 12, "floor_s": 0.0, **(gate or {})}
    run = GateRun(**{key: value for key, value in keys.items() if key in GateRun.model_fields})
    limits = Thresholds(**{key: keys[key] for key in keys if key in Thresholds.model_fields})
    return [cell(involution(), name=name, gate=run, thresholds=limits, line=3, **changes) for name in names]


class FakeGate:
    """Two fake sides and what they do in a gate. `log`: what was measured, in order."""

    def __init__(
        self, folder: Path, cells: Sequence[Cell], base: Script, candidate: Script, base_cells: Sequence[Cell] = ()
    ) -> None:
        self.folder, self.cells = folder, list(cells)
        self.clock, self.log = Clock(), list[tuple[str, str, str]]()
        self.base = FakeSide("base (main)", list(base_cells) or self.cells, base, self.clock, self.log)
        self.candidate = FakeSide("candidate (working tree)", self.cells, candidate, self.clock, self.log)
        self.watcher = Watcher()
        self.watch: Mapping[str, str | None] | None = None
        self.conditions: Conditions = "gate"

    def run(self, against: Side | None = None, **changes: Any) -> GateOutcome:
        """The outcome; `against`: a baseline, in which case the base does not run."""
        request = GateRequest((Path("test.yaml"),), self.folder, command="gate", **changes)
        gating = Gating(request, self.watcher, self.clock.now, self.cells)
        specs = [Spec("test.yaml", "test.yaml")]
        base = Started("base", "main", self.base, specs, self.watch, "a" * 40)
        candidate = Started("candidate", "working tree", self.candidate, specs, self.watch, conditions=self.conditions)
        return gating.outcome([base, candidate] if against is None else [candidate], against)

    @property
    def rounds(self) -> list[str]:
        """Who measured which cells, process by process: `b:xy c:xy …`."""
        found: list[str] = []
        for side, name, _ in self.log:
            if found and found[-1][0] == side[0] and name not in found[-1][2:]:
                found[-1] += name
            else:
                found.append(f"{side[0]}:{name}")
        return found


def steady(seconds: float) -> Script:
    """The same time always, a thousandth more or less: intervals have a width."""
    return lambda name, number, now: seconds * (1 + (number % 3 - 1) / 1000)


def dies(name: str, number: int, now: float) -> BaseException:
    return MeasurementError("base (main): its measuring process was killed by signal 9")
