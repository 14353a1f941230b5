"""The rounds of a gate: each measures every side once, until all is clear or time is up (no torch).

Machines drift. Round after round the sides swap places (A B, B A, …), so that a drift that is even falls on both
alike, and the cells come in the same order on both, another order each two rounds, so that their neighbours vary.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from invobench.errors import MeasurementError
from invobench.judging.looks import until_next
from invobench.judging.verdicts import Identity, Judgement, Verdict
from invobench.results import Row
from invobench.runner import interrupts
from invobench.runner.gate.measurer import Measurer, Modules, Order, Planned
from invobench.runner.gate.record import Record
from invobench.runner.gate.request import GateObserver, GateProgress
from invobench.spec.cells import Measure
from invobench.spec.gate import STANDARD_RUN, STANDARD_THRESHOLDS, GateRun, Thresholds

#: what a side's first process measures beside latency; it is the same in every other
DETERMINISTIC = ("params", "output", "macs", "error", "memory", "launches")
LATENCY = ("latency",)


@dataclass(frozen=True)
class Target:
    """A cell of a gate. `paired`: whether it is on both sides, in environments that compare. `where`: spec and line."""

    identity: Identity
    paired: bool
    gate: GateRun = STANDARD_RUN
    thresholds: Thresholds = STANDARD_THRESHOLDS
    where: tuple[str, int] = ("", 0)

    @property
    def timed(self) -> bool:
        """Whether its time is judged, so that it takes many processes."""
        return self.paired and self.thresholds.latency is not None

    @property
    def target_ci(self) -> float:
        """How narrow an interval is narrow enough: what is told apart."""
        return self.thresholds.latency or Measure().target_ci


@dataclass
class Part:
    """A side in a job. `watch`: whose modules it may not import, None where that cannot happen.

    `apart`: each cell in a process of its own, as a profile measures, and not one after another in one. `slow`: layer
    -> how many times its own time every call takes; 1 for the others.
    """

    measurer: Measurer
    planned: Mapping[Identity, Planned]
    record: Record
    watch: Mapping[str, str | None] | None = None
    apart: bool = False
    modules: Modules = field(default_factory=Modules)
    slow: Mapping[str, float] = field(default_factory=dict)


class Job:
    """Sides and cells, and the judgement of what has been measured so far.

    `metrics`: of a side's first process. `elapsed`: seconds since the gate's start.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        targets: Sequence[Target],
        metrics: Sequence[str],
        judged: Callable[[], Judgement],
        observer: GateObserver,
        elapsed: Callable[[], float],
    ) -> None:
        self.parts, self.targets, self.metrics = tuple(parts), tuple(targets), tuple(metrics)
        self._judged, self._observer, self._elapsed = judged, observer, elapsed
        self._rounds = 0
        self._open: list[Target] = []
        self._before_look = 0
        self._regressed: set[Identity] = set()

    def run(self) -> Judgement:
        """Measure until it is clear. Raises UsageError for sides that cannot be compared, after one round.

        KeyboardInterrupt and MeasurementError leave what was measured in the records.
        """
        wanted = list(self.targets)
        self._observer.stage("measuring")
        self._observer.started(self._progress(wanted))
        while wanted:
            interrupts.check()
            self._round(wanted)
            if self._rounds == 1:
                self._require_own_code()
                self._judged()
            wanted = self._wanted()
            self._observer.round_finished(self._progress(wanted))
        return self._judged()

    def processes(self, identity: Identity) -> int:
        """Processes of a cell that every side that has it has done."""
        return min(len(taken) for taken in self._taken(identity))

    def timed(self, identity: Identity) -> list[int]:
        """The rounds in which every side that has a cell took its time."""
        taken = self._taken(identity)
        return [n for n in range(self.processes(identity)) if all(rows[n].latency_s is not None for rows in taken)]

    def _taken(self, identity: Identity) -> list[list[Row]]:
        return [part.record.taken[identity] for part in self.parts if identity in part.planned]

    def _progress(self, wanted: Sequence[Target]) -> GateProgress:
        least = max((target.gate.processes for target in self.targets if self._goes_on(target)), default=1)
        return GateProgress(self._rounds, max(least, self._rounds + bool(wanted)), len(wanted), self._elapsed())

    def _wanted(self) -> list[Target]:
        """The cells of the next round: those with too few processes; then those that are open, until the next look."""
        going = [target for target in self.targets if self._goes_on(target)]
        fewer = [target for target in going if self.processes(target.identity) < target.gate.processes]
        if fewer:
            return fewer
        if not self._before_look:
            self._look([target for target in going if self._has_room(target)])
        is_pair = self._before_look % 2 == 0
        self._before_look = max(0, self._before_look - 1)
        return [one for one in self._open if self._has_room(one) and not (is_pair and self._is_late(one))]

    def _look(self, targets: Sequence[Target]) -> None:
        """Find out which of `targets` are open, and after how many rounds to look again (`until_next`).

        Open is what is undecided, and what is regressed for the first time: whoever looks often enough at noise sees
        whatever he looks for, so that looks are few, and two in a row must say `regressed` where there is time.
        """
        in_time = [target for target in targets if not self._is_late(target)]
        checks = {one.identity: one.check("latency") for one in self._judged().cells} if in_time else {}
        verdicts = {identity: check.verdict for identity, check in checks.items() if check is not None}
        regressed = {identity for identity, verdict in verdicts.items() if verdict is Verdict.REGRESSED}
        undecided = {identity for identity, verdict in verdicts.items() if verdict is Verdict.INCONCLUSIVE}
        open_ = undecided | (regressed - self._regressed)
        self._regressed = regressed
        self._open = [target for target in in_time if target.identity in open_]
        least = min((self.processes(target.identity) for target in self._open), default=0)
        self._before_look = until_next(least)

    def _is_late(self, target: Target) -> bool:
        return self._elapsed() >= target.gate.time_s

    def _has_room(self, target: Target) -> bool:
        """Whether a cell may have another process a side."""
        return self._goes_on(target) and self.processes(target.identity) < target.gate.most_processes

    def _goes_on(self, target: Target) -> bool:
        """Whether more processes of a cell are of use: it is timed, and every process so far took its time."""
        if not target.timed:
            return False
        return all(row.latency_s is not None for taken in self._taken(target.identity) for row in taken)

    def _round(self, targets: Sequence[Target]) -> None:
        """Measure `targets` once on each side."""
        ordered = _shuffled(targets, self._rounds // 2)
        for part in self.parts if self._rounds % 2 == 0 else self.parts[::-1]:
            orders = [self._order(part, one) for one in ordered if one.identity in part.planned]
            for batch in [[order] for order in orders] if part.apart else [orders] * bool(orders):
                self._measure(part, batch)
        self._rounds += 1

    def _order(self, part: Part, target: Target) -> Order:
        first, planned = self._rounds == 0, part.planned[target.identity]
        metrics = self.metrics if first else LATENCY
        timeout_s = planned.describe.get("measure", {}).get("timeout_s", Measure().timeout_s)
        slow = part.slow.get(target.identity.name, 1.0)
        return Order(planned, metrics, target.gate.sample_time_s, target.target_ci, timeout_s, not first, slow)

    def _measure(self, part: Part, orders: Sequence[Order]) -> None:
        """One process of a side. Its rows are written when it has ended: disk and parsing disturb no measurement."""
        found: list[tuple[Identity, Row]] = []
        try:
            watch = part.watch if self._rounds == 0 else None
            modules = part.measurer.measure(orders, watch, lambda identity, row: found.append((identity, row)))
            part.modules = modules if self._rounds == 0 else part.modules
        finally:
            for identity, row in found:
                part.record.keep(identity, row)

    def _require_own_code(self) -> None:
        """Raise MeasurementError where a side imported code of the other's tree: it would be compared with itself."""
        for part in self.parts:
            if part.modules.foreign:
                name, file = next(iter(sorted(part.modules.foreign.items())))
                more = f" and {len(part.modules.foreign) - 1} more" if len(part.modules.foreign) > 1 else ""
                whose = f"{part.measurer.name} imported {name}{more} from the other side's tree ({file})"
                fix = "install each side in an environment of its own, and use --against-python"
                raise MeasurementError(f"{whose}, so that nothing would be compared: {fix}")


def _shuffled(targets: Sequence[Target], pair: int) -> list[Target]:
    """The cells of a pair of rounds in its own order, the first pair's as they are."""
    order = list(targets)
    if pair:
        random.Random(pair).shuffle(order)  # noqa: S311 - an order, not a secret
    return order
