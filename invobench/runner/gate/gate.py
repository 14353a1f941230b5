"""`invobench gate`: both sides of a judgement measured in one job, or one against a baseline (no torch)."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from invobench.baselines.spec_hash import spec_hash
from invobench.errors import MeasurementError, UsageError
from invobench.judging.judge import judge
from invobench.judging.side import Rules, Side
from invobench.judging.verdicts import Identity, Judgement
from invobench.results import Environment
from invobench.runner import interrupts
from invobench.runner.gate import sides
from invobench.runner.gate.job import DETERMINISTIC, LATENCY, Job, Part, Target
from invobench.runner.gate.measurer import Planned
from invobench.runner.gate.record import Record, head
from invobench.runner.gate.request import GateObserver, GateOutcome, GateProgress, GateRequest
from invobench.runner.gate.sides import Started
from invobench.spec import read
from invobench.spec.cells import Cell

__all__ = ["GateObserver", "GateOutcome", "GateProgress", "GateRequest", "against_baseline", "gate", "same_job"]

Now = Callable[[], float]
Plan = Mapping[Identity, Planned]


def gate(request: GateRequest, observer: GateObserver) -> GateOutcome:
    """Measure and judge. Raises UsageError and SpecError for what cannot start or be compared.

    Ctrl-C and a measurement that breaks off are in the outcome, with what was measured; Ctrl-C before the first round
    raises KeyboardInterrupt. Whatever happens, no process and no worktree is left.
    """
    bases = {"--base-ref": request.base_ref, "--against-python": request.against_python, "--baseline": request.baseline}
    given = [name for name, value in bases.items() if value is not None]
    if len(given) != 1:
        what = f"{' and '.join(given)} are given" if given else "nothing to compare with"
        raise UsageError(f"gate: {what}: give one of {', '.join(bases)}")
    if request.baseline is None:
        return same_job(request, observer)
    from invobench.baselines.file import read_baseline

    return against_baseline(request, read_baseline(request.baseline).side(), observer)


def same_job(request: GateRequest, observer: GateObserver, now: Now = time.monotonic) -> GateOutcome:
    """Measure the base, another revision or another environment, and the candidate, interleaved."""
    start = now()
    with interrupts.held_back(), ExitStack() as stack:
        gating = Gating(request, observer, lambda: now() - start, read(request.specs, request.settings))
        return gating.outcome(sides.both(request, stack, gating.say))


def against_baseline(
    request: GateRequest, base: Side, observer: GateObserver, now: Now = time.monotonic
) -> GateOutcome:
    """Measure the candidate as `base` was, and judge it: its times only where that was measured in this environment."""
    start = now()
    with interrupts.held_back(), ExitStack() as stack:
        gating = Gating(request, observer, lambda: now() - start, read(request.specs, request.settings))
        return gating.outcome([sides.alone(request, stack, gating.say, base.subject.conditions)], base)


@dataclass
class Gating:
    """A gate while it runs. `cells`: the candidate's, as the specs here say. `elapsed`: seconds since its start."""

    request: GateRequest
    observer: GateObserver
    elapsed: Now
    cells: Sequence[Cell]
    notes: list[str] = field(default_factory=list)

    def say(self, note: str) -> None:
        """Tell the user now, and whoever reads the judgement; once."""
        if note not in self.notes:
            self.notes.append(note)
            self.observer.warned(note)

    def outcome(self, started: Sequence[Started], base: Side | None = None) -> GateOutcome:
        """How it ends: with the sides that were started, the candidate last, and `base` where that is a baseline."""
        self.observer.stage(f"starting {' and '.join(one.measurer.name for one in started)}")
        environments = [one.measurer.hello() for one in started]
        plans = [self._plan(one) for one in started]
        reason = _other_environment(base, environments[-1])
        paired: Container[Identity] = plans[0] if base is None else () if reason else base.samples
        targets = self._targets(plans, paired)
        with ExitStack() as stack:
            parts = [self._part(*one, targets, stack) for one in zip(started, plans, environments, strict=True)]

            def judged() -> Judgement:
                found = [
                    part.record.side(one.subject(part.record.run), job.timed)
                    for one, part in zip(started, parts, strict=True)
                ]
                return judge(base or found[0], found[-1], self._rules(targets, base is None, reason))

            job = Job(parts, targets, self._metrics(), judged, self.observer, self.elapsed)
            return self._run(job, base is None)

    def _plan(self, started: Started) -> Plan:
        """The cells of a side. Raises UsageError where two of them cannot be told apart."""
        plan: dict[Identity, Planned] = {}
        for cell in started.measurer.plan(started.specs, self.request.settings):
            before = plan.setdefault(cell.identity, cell)
            if before is not cell:
                where = " and ".join(dict.fromkeys((before.row.spec, cell.row.spec)))
                raise UsageError(f"{started.measurer.name}: {where}: {cell.label} is there twice: names must differ")
        return plan

    def _metrics(self) -> tuple[str, ...]:
        return DETERMINISTIC if self.request.deterministic else (*DETERMINISTIC, *LATENCY)

    def _targets(self, plans: Sequence[Plan], paired: Container[Identity]) -> list[Target]:
        """The candidate's cells with what their specs say of gating, then those that the base alone has."""
        own, known = plans[-1], {cell.key: cell for cell in self.cells}
        targets = []
        for identity, planned in {**own, **{one: cell for one, cell in plans[0].items() if one not in own}}.items():
            is_paired = identity in own and identity in paired and not self.request.deterministic
            cell = known.get(planned.key) if identity in own else None
            if cell is None:
                targets.append(Target(identity, is_paired, where=(planned.row.spec, 0)))
            else:
                targets.append(Target(identity, is_paired, cell.gate, cell.thresholds, (cell.spec, cell.line)))
        return targets

    def _part(
        self, started: Started, plan: Plan, there: Environment, targets: Sequence[Target], stack: ExitStack
    ) -> Part:
        """A side with its results file."""
        narrow = {target.identity: target.target_ci for target in targets}
        asked = (self.request.command, self.request.settings, list(plan.values()))
        run = head(*asked, there, self._metrics(), started.conditions)
        record = Record(self.request.out / started.role, run, list(plan), narrow.__getitem__)
        stack.callback(record.close)
        slow = dict(self.request.slow) if started.role == "candidate" else {}
        return Part(started.measurer, plan, record, started.watch, started.conditions == "profile", slow=slow)

    def _rules(self, targets: Sequence[Target], paired: bool, reason: str) -> Rules:
        known = {target.identity: target for target in targets}

        def target_of(identity: Identity) -> Target:
            return known.get(identity) or Target(identity, False)

        return Rules(
            thresholds=lambda identity: target_of(identity).thresholds,
            paired=paired,
            timing="leave out" if self.request.deterministic else "inconclusive" if reason else "judge",
            timing_reason=reason,
            fail_on_improvement=self.request.fail_on_improvement,
            inconclusive=self.request.inconclusive,
            where=lambda identity: target_of(identity).where,
        )

    def _run(self, job: Job, has_base: bool) -> GateOutcome:
        """Run the job, and keep what was measured however it ends."""
        judgement, interrupted, error = None, False, None
        try:
            judgement = self._noted(job)
        except KeyboardInterrupt:
            interrupted = True
        except MeasurementError as caught:
            error = caught
        try:
            for part in job.parts:
                part.record.finish()
        except MeasurementError as caught:
            error = error or caught
        interrupted |= interrupts.take()
        runs = [part.record.run for part in job.parts]
        return GateOutcome(judgement, runs[0] if has_base else None, runs[-1], self.request.out, interrupted, error)

    def _noted(self, job: Job) -> Judgement:
        """The judgement, with what a reader must know of how it was measured."""
        judgement = job.run()
        base = job.parts[0]
        if base.watch and not base.modules.own:
            self.say(f"{base.measurer.name} imported no code of its own tree: only specs and what is installed ran")
        run = job.parts[-1].record.run
        return replace(
            judgement,
            notes=(*judgement.notes, *self.notes),
            time_s=self.elapsed(),
            spec_hash=judgement.spec_hash or spec_hash(run.specs, run.cells.values()).value,
        )


def _other_environment(base: Side | None, here: Environment) -> str:
    """Why times cannot be judged against a baseline; empty where they can."""
    if base is None or base.subject.fingerprint == here.fingerprint:
        return ""
    return (
        f"measured in another environment (fingerprint {base.subject.fingerprint}, here {here.fingerprint}): "
        "save a baseline here, or use --base-ref"
    )
