"""What a reader of a judgement must know besides its cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from invobench.judging.pairing import Pair
from invobench.judging.quantities import QUANTITIES
from invobench.judging.side import Rules
from invobench.judging.verdicts import Judged, Subject, Verdict

IMPROVED = "improved by more than the threshold: save a new baseline"
#: row fields that the version of PyTorch decides
_DISPATCHED = [quantity.field for quantity in QUANTITIES.values() if quantity.same_torch]


def notes(
    base: Subject, candidate: Subject, pairs: Sequence[Pair], cells: Sequence[Judged], rules: Rules
) -> Iterator[str]:
    """The notes, one a line."""
    if base.fingerprint != candidate.fingerprint:
        there = f"{base.label} {base.fingerprint}, {candidate.label} {candidate.fingerprint}"
        yield f"different environments: {there}"
    if base.torch != candidate.torch and any(_has_dispatched(one) for one in pairs):
        versions = f"torch {base.torch} in {base.label}, {candidate.torch} in {candidate.label}"
        yield f"operations and launches are not compared: {versions}"
    if rules.timing == "leave out":
        yield "latency is left out"
    if not any(one.is_common for one in pairs):
        yield f"{base.label} and {candidate.label} have no cell in common: nothing was judged"
    if rules.paired and any(min(cell.processes) and len(set(cell.processes)) > 1 for cell in cells):
        yield "one side has fewer processes in some cells: there they are not taken as pairs"
    if rules.fail_on_improvement and improved(cells):
        yield IMPROVED


def improved(cells: Sequence[Judged]) -> bool:
    """Whether anything is better by more than its threshold."""
    return any(check.verdict is Verdict.IMPROVED for cell in cells for check in cell.checks)


def _has_dispatched(one: Pair) -> bool:
    rows = [row for row in (one.base, one.candidate) if row is not None]
    return one.is_common and any(getattr(row, field) is not None for row in rows for field in _DISPATCHED)
