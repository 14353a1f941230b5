"""Two sides and the rules -> a judgement: every cell's checks, its verdict and what decides it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from invobench.errors import EXIT_FAILED, EXIT_INCONCLUSIVE, EXIT_OK, worst_exit
from invobench.judging.checks import RULES, Values
from invobench.judging.mean import geometric_mean
from invobench.judging.notes import improved, notes
from invobench.judging.pairing import Pair, near, pair, require_comparable
from invobench.judging.quantities import QUANTITIES
from invobench.judging.ratio import Ratio
from invobench.judging.samples import require_times
from invobench.judging.side import Rules, Side, side_of_results
from invobench.judging.statuses import by_status
from invobench.judging.timing import found_ratio, not_timed, timing, untold
from invobench.judging.verdicts import EXITS, Check, Identity, Judged, Judgement, Verdict, worst

__all__ = ["Rules", "Side", "judge", "side_of_results"]


def judge(base: Side, candidate: Side, rules: Rules) -> Judgement:
    """Judge `candidate` against `base`. Measures nothing, and the same sides and rules give the same judgement.

    Raises UsageError, naming the cell, for sides that cannot be compared, and MeasurementError for samples that are
    no times.
    """
    pairs = pair(base.rows, candidate.rows)
    require_comparable(pairs, timing=rules.timing == "judge")
    judging = _Judging(base, candidate, rules, tuple(one.identity for one in pairs if one.base is None))
    found = [judging.cell(one) for one in pairs]
    cells = tuple(cell for cell, _ in found)
    is_common = any(one.is_common for one in pairs)
    verdicts = [cell.verdict for cell in cells]
    mean = geometric_mean([ratio for _, ratio in found if ratio is not None])
    return Judgement(
        base.subject,
        candidate.subject,
        cells,
        worst(verdicts) if is_common else Verdict.NOTHING,
        _exit_code(cells if is_common else (), rules),
        tuple(notes(base.subject, candidate.subject, pairs, cells, rules)),
        *((mean.value, mean.low, mean.high) if mean else (None, None, None)),
    )


def _exit_code(cells: Sequence[Judged], rules: Rules) -> int:
    """The worst of the cells' exit codes, what was asked for of code 3 and of improvements included."""
    instead = {"report": EXIT_INCONCLUSIVE, "pass": EXIT_OK, "fail": EXIT_FAILED}[rules.inconclusive]
    codes = [EXITS[cell.verdict] for cell in cells] or [EXITS[Verdict.NOTHING]]
    told = [instead if code == EXIT_INCONCLUSIVE else code for code in codes]
    return worst_exit([*told, *([EXIT_FAILED] if rules.fail_on_improvement and improved(cells) else [])])


@dataclass(frozen=True)
class _Judging:
    """Both sides and the rules. `new`: the cells that only the candidate has."""

    base: Side
    candidate: Side
    rules: Rules
    new: tuple[Identity, ...]

    @property
    def names(self) -> tuple[str, str]:
        return self.base.subject.label, self.candidate.subject.label

    def cell(self, one: Pair) -> tuple[Judged, Ratio | None]:
        """A cell, and the ratio of its times where that was judged."""
        spec, line = self.rules.where(one.identity)
        samples = (self.base.samples_of(one.base), self.candidate.samples_of(one.candidate))
        for side, name in zip(samples, self.names, strict=True):
            require_times(side, f"{one.identity.label} in {name}")
        verdict, message, checks, ratio = self._verdict(one, samples)
        counts = (len(samples[0]), len(samples[1]))
        return Judged(one.identity, checks, verdict, message, spec, line, counts), ratio

    def _verdict(
        self, one: Pair, samples: tuple[Sequence[Sequence[float]], Sequence[Sequence[float]]]
    ) -> tuple[Verdict, str, tuple[Check, ...], Ratio | None]:
        if one.base is None:
            return Verdict.NEW, f"only {self.names[1]} has it: there is nothing to compare it with", (), None
        if one.candidate is None:
            return Verdict.MISSING, self._missing(one.identity), (), None
        status = by_status(one.base, one.candidate, (self.base.subject, self.candidate.subject))
        checks = list(self._exact(one, measured=status is None))
        ratio = None
        if status is None:
            check, ratio = self._timing(one, samples)
            checks = [*([check] if check else []), *checks]
        verdict = worst([*([status[0]] if status else []), *(check.verdict for check in checks)])
        reasons = [status[1]] if status else []
        reasons += [check.message for check in checks if check.verdict is verdict and check.message]
        return verdict, "; ".join(reasons) or _NOTHING.get(verdict, ""), tuple(checks), ratio

    def _timing(
        self, one: Pair, samples: tuple[Sequence[Sequence[float]], Sequence[Sequence[float]]]
    ) -> tuple[Check | None, Ratio | None]:
        thresholds, rules = self.rules.thresholds(one.identity), self.rules
        if rules.timing == "leave out" or thresholds.latency is None:
            return None, None
        if rules.timing == "inconclusive":
            return untold(*samples, thresholds, rules.timing_reason), None
        if not all(samples):
            return not_timed(*samples, thresholds, self.names), None
        ratio = found_ratio(*samples, rules.paired, rules.seed)
        return timing(ratio, thresholds), ratio

    def _exact(self, one: Pair, measured: bool) -> Iterator[Check]:
        """The checks that need no clock. Of cells that were not measured, those of which both sides have a value."""
        thresholds = self.rules.thresholds(one.identity)
        same_torch = self.base.subject.torch == self.candidate.subject.torch
        for name, quantity in QUANTITIES.items():
            if quantity.rule not in RULES or (quantity.same_torch and not same_torch):
                continue
            old, new = getattr(one.base, quantity.field), getattr(one.candidate, quantity.field)
            if measured or None not in (old, new):
                check = RULES[quantity.rule](Values(name, old, new, thresholds), self.names)
                if check is not None:
                    yield check

    def _missing(self, identity: Identity) -> str:
        found = near(identity, self.new)
        told = f": is it now {' or '.join(found)}?" if found else ""
        return f"only {self.names[0]} has it, removed or renamed{told}"


#: what a cell says where no check has a reason
_NOTHING = {Verdict.NOTHING: "neither side has a value that a threshold bounds"}
