"""`invobench gate --self-test`: A against A, and against A slowed by known factors, on this machine (no torch).

Each round measures A twice and every slowed A once, each in a process of its own. Of the rounds many gates are drawn,
so that a few minutes say what a hundred gates would; they overlap, so that they are worth fewer.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from statistics import median

from invobench.errors import UsageError
from invobench.judging.verdicts import Identity
from invobench.results import Environment, Row
from invobench.runner import interrupts
from invobench.runner.gate import sides
from invobench.runner.gate.drawing import ALL, Drawn, draw, subsets, summed_up, thinned
from invobench.runner.gate.job import LATENCY, Target
from invobench.runner.gate.measurer import Measurer, Order, Planned
from invobench.runner.gate.request import GateObserver, GateProgress, GateRequest, GateSelftest, Rate, SelftestCell
from invobench.spec import read
from invobench.spec.cells import Measure

__all__ = ["FACTORS", "GATES", "GateSelftest", "Rate", "SelftestCell", "gate_selftest"]

#: how much slower the slowed ones are
FACTORS = (1.05, 1.08, 1.10, 1.15, 1.20)
#: gates that are drawn
GATES = 200
#: rounds for each process of a gate: with as many as a gate has, there is one to draw
_ROUNDS = 2

Now = Callable[[], float]


def gate_selftest(
    request: GateRequest,
    observer: GateObserver,
    rounds: int | None = None,
    factors: Sequence[float] = FACTORS,
    now: Now = time.monotonic,
) -> GateSelftest:
    """Measure, draw and count. `rounds`: twice the processes of a gate by default.

    Raises UsageError where a cell runs on a GPU, which cannot be slowed by a known factor. After Ctrl-C the rounds
    that were finished count.
    """
    start = now()
    with interrupts.held_back(), ExitStack() as stack:
        cells = {cell.key: cell for cell in read(request.specs, request.settings)}
        started = sides.alone(request, stack, observer.warned, "gate")
        observer.stage(f"starting {started.measurer.name}")
        environment = started.measurer.hello()
        planned = started.measurer.plan(started.specs, request.settings)
        targets = {
            one.identity: Target(one.identity, True, cells[one.key].gate, cells[one.key].thresholds) for one in planned
        }
        test = Selftest(started.measurer, planned, targets, observer, lambda: now() - start)
        return test.run(environment, rounds, tuple(factors))


@dataclass
class Selftest:
    """A self-test while it runs. `taken`: variant (A, A again, each slowed one) -> cell -> samples, round by round."""

    measurer: Measurer
    planned: Sequence[Planned]
    targets: dict[Identity, Target]
    observer: GateObserver
    elapsed: Now
    taken: dict[str, dict[Identity, list[list[float]]]] = field(default_factory=dict)
    rows: dict[Identity, Row] = field(default_factory=dict)
    failed: dict[Identity, str] = field(default_factory=dict)

    def run(self, environment: Environment, rounds: int | None, factors: tuple[float, ...]) -> GateSelftest:
        """Measure the rounds, and say what the gates drawn from them say."""
        for one in self.planned:
            if (one.row.device or "cpu") != "cpu":
                raise UsageError(f"--self-test: {one.label} runs on {one.row.device}, and slowing needs --device cpu")
        processes = max((target.gate.processes for target in self.targets.values()), default=1)
        wanted = rounds or _ROUNDS * processes
        variants = [("A", 1.0), ("A again", 1.0), *((f"{factor:g}", factor) for factor in factors)]
        self.taken = {name: {one.identity: [] for one in self.planned} for name, _ in variants}
        interrupted = self._measure(variants, wanted)
        found = GateSelftest(
            environment=environment,
            device="+".join(dict.fromkeys(one.row.device or "cpu" for one in self.planned)),
            rounds=self._done(),
            processes=processes,
            gates=0,
            factors=factors,
            cells=(),
            whole=None,
            failed=tuple((identity.label, why) for identity, why in self.failed.items()),
            interrupted=interrupted,
        )
        return replace(self._judged(found), time_s=self.elapsed())

    def _measure(self, variants: Sequence[tuple[str, float]], rounds: int) -> bool:
        """Measure so many rounds; whether it was interrupted."""
        self.observer.started(GateProgress(0, rounds, len(self.planned), self.elapsed()))
        try:
            for number in range(rounds):
                for name, factor in _in_turn(variants, number):
                    interrupts.check()
                    self._process(name, factor, number)
                self.observer.round_finished(GateProgress(number + 1, rounds, len(self._sound()), self.elapsed()))
        except KeyboardInterrupt:
            return True
        return False

    def _process(self, name: str, factor: float, number: int) -> None:
        """One process of a variant, which measures every cell that has not failed."""
        orders = [self._order(one, factor) for one in self._sound()]
        random.Random(number).shuffle(orders)  # noqa: S311 - an order, not a secret

        def got(identity: Identity, row: Row) -> None:
            if row.latency_s is None:
                self.failed[identity] = f"{row.status}: {row.message}"
            else:
                self.rows.setdefault(identity, row)
                self.taken[name][identity].append(thinned(row.samples_s))

        if orders:
            self.measurer.measure(orders, None, got)

    def _order(self, planned: Planned, factor: float) -> Order:
        target = self.targets[planned.identity]
        timeout_s = planned.describe.get("measure", {}).get("timeout_s", Measure().timeout_s)
        checked = planned.identity in self.rows
        return Order(planned, LATENCY, target.gate.sample_time_s, target.target_ci, timeout_s, checked, factor)

    def _sound(self) -> list[Planned]:
        return [one for one in self.planned if one.identity not in self.failed]

    def _done(self) -> int:
        """Rounds that every variant of every sound cell has."""
        return min(
            (len(taken[one.identity]) for taken in self.taken.values() for one in self._sound()),
            default=0,
        )

    def _judged(self, found: GateSelftest) -> GateSelftest:
        """`found` with what the gates say, where there are rounds enough to draw one."""
        cells = [one.identity for one in self._sound()]
        chosen = subsets(found.rounds, found.processes, GATES)
        if not chosen or not cells:
            return found
        self.observer.stage(f"drawing {len(chosen)} gates of {found.processes} of {found.rounds} rounds")
        same = self._draw(cells, "A again", chosen)
        slowed = {factor: self._draw(cells, f"{factor:g}", chosen) for factor in found.factors}
        summed = [
            summed_up(identity.label, [identity], same, slowed, self.targets, self._median(identity))
            for identity in cells
        ]
        whole = summed_up(ALL, cells, same, slowed, self.targets)
        return replace(found, gates=len(chosen), cells=tuple(summed), whole=whole, notes=_notes(found, len(chosen)))

    def _draw(self, cells: Sequence[Identity], variant: str, chosen: Sequence[Sequence[int]]) -> list[Drawn]:
        rows = {identity: self.rows[identity] for identity in cells}
        return list(draw(rows, self.taken["A"], self.taken[variant], chosen, self.targets))

    def _median(self, identity: Identity) -> float:
        return median(median(samples) for samples in self.taken["A"][identity])


def _in_turn(variants: Sequence[tuple[str, float]], number: int) -> list[tuple[str, float]]:
    """The variants of a round: A and A again stay neighbours, as the sides of a gate are, and swap each round."""
    pairs = [list(variants[:2]), *([one] for one in variants[2:])]
    random.Random(number // 2).shuffle(pairs)  # noqa: S311 - an order, not a secret
    ordered = [one for pair in pairs for one in pair]
    return ordered[::-1] if number % 2 else ordered


def _notes(found: GateSelftest, gates: int) -> tuple[str, ...]:
    overlap = (
        f"{gates} gates were drawn, each of {found.processes} of the same {found.rounds} rounds: they overlap, so that "
        "the intervals are narrower than those of as many gates by themselves"
    )
    return (overlap,) if gates > 1 else ()
