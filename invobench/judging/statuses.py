"""What a cell's verdict is where a side was not measured, by the status of its rows."""

from __future__ import annotations

from invobench.judging.verdicts import Subject, Verdict
from invobench.results import MEASURED, Row

#: what a row's message has where the check against the float64 reference found its backend wrong
WRONG = "is wrong, and was not timed"


def by_status(base: Row, candidate: Row, subjects: tuple[Subject, Subject]) -> tuple[Verdict, str] | None:
    """The verdict and its message, None where both sides were measured and their values decide."""
    ok = (base.status in MEASURED, candidate.status in MEASURED)
    names = (subjects[0].label, subjects[1].label)
    if ok == (True, True):
        return None
    if ok == (True, False):
        return _of_candidate(candidate, names)
    if ok == (False, True):
        return Verdict.INCONCLUSIVE, f"{_said(base, names[0])}; there is nothing to compare {names[1]} with"
    return Verdict.FAILED, f"{_said(base, names[0])}; {_said(candidate, names[1])}"


def _of_candidate(row: Row, names: tuple[str, str]) -> tuple[Verdict, str]:
    """Of a candidate that was not measured where the base was: wrong and heavier are regressions."""
    if row.status == "failed" and WRONG in row.message:
        return Verdict.REGRESSED, f"wrong in {names[1]} and not in {names[0]}: {row.message}"
    if row.status == "oom":
        return Verdict.REGRESSED, f"too heavy in {names[1]} and not in {names[0]}: {row.message}"
    return Verdict.FAILED, _said(row, names[1])


def _said(row: Row, name: str) -> str:
    told = f": {row.message}" if row.message else ""
    return f"{row.status} in {name}{told}"
