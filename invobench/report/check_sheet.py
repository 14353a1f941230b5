"""`invobench crosscheck`: formula against counters as a sheet, one a cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from invobench import units
from invobench.complexity.crosscheck import Check, Crosscheck, Verdict, Word
from invobench.complexity.reading import OURS
from invobench.report.count_lines import role
from invobench.report.sheet import Column, Line, Sheet

if TYPE_CHECKING:  # whose module imports torch
    from invobench.runner.crosscheck import Checked


def check_sheet(checked: Checked) -> Sheet:
    """A line a term (the same role in all blocks together), a column a counter, and below why they differ."""
    found = checked.found
    counters = list(found.readings)
    groups = _by_role(found.checks)
    base = "formula" if found.has_formula else "by our count"
    lines = [_line(name, checks, counters, found.has_formula) for name, checks in groups.items()]
    size = "×".join(str(length) for length in checked.shape)
    head = Column("term" if found.has_formula else "place", text=True)
    shown = counters if found.has_formula else counters[1:]
    return Sheet(
        title=f"{checked.label} · {size} · {checked.dtype}, {checked.mode}, backend {checked.backend}",
        legend="MACs are multiply-adds of the whole batch (flops = 2 × MACs), convention formula; a term that a "
        "counter does not count in full shows how much it misses.",
        columns=(head, Column(base), *(Column(_heading(name)) for name in shown)),
        lines=(*lines, _total(found, shown)),
        notes=(_verdict(found), *_elements(found), *_reasons(found, groups)),
        records=tuple(
            _record(checked, check, name, verdict) for check in found.checks for name, verdict in check.verdicts.items()
        ),
    )


_HEADINGS = {
    OURS: "our count\n(dispatched)",
    "fvcore+ours": "fvcore with\nour handles",
    "fvcore": "fvcore\nas it comes",
    "torch+ours": "torch with\nour formulas",
    "torch": "torch\nas it comes",
}


def _heading(counter: str) -> str:
    return _HEADINGS.get(counter, counter)


def _by_role(checks: Sequence[Check]) -> dict[str, list[Check]]:
    groups: dict[str, list[Check]] = {}
    for check in checks:
        groups.setdefault(role(check.name), []).append(check)
    return groups


def _line(name: str, checks: Sequence[Check], counters: Sequence[str], has_formula: bool) -> Line:
    many = f" ×{len(checks)}" if len(checks) > 1 else ""
    expected = sum(check.expected for check in checks)
    shown = counters if has_formula else counters[1:]
    cells = [_cell([check.verdicts[counter] for check in checks], expected) for counter in shown]
    wrong = has_formula and any(check.verdicts[OURS].word in {Word.MISSES, Word.EXCEEDS} for check in checks)
    return Line((f"{name}{many}", units.exact(expected), *cells), "bad" if wrong else "plain")


def _cell(verdicts: Sequence[Verdict], expected: int) -> str:
    """`match` where all match; else what is missing of `expected` or too much."""
    words = {verdict.word for verdict in verdicts}
    if Word.UNKNOWN in words:
        return ""
    if words <= {Word.MATCH, Word.DECLARED}:
        return Word.DECLARED if Word.DECLARED in words else Word.MATCH
    difference = sum(verdict.macs or 0 for verdict in verdicts) - expected
    if difference > 0:
        return f"+{units.exact(difference)}"
    if -difference == expected:
        return "misses all"
    return f"misses {units.exact(-difference)} ({units.percent(-difference / expected)})"


def _total(found: Crosscheck, counters: Sequence[str]) -> Line:
    totals = [found.readings[counter].total for counter in counters]
    cells = [units.exact(total) if total is not None else "" for total in totals]
    return Line(("total reported", units.exact(found.expected), *cells), "strong", section=True)


def _verdict(found: Crosscheck) -> str:
    if not found.has_formula:
        return "There is no formula: counters are compared with our count of what was dispatched."
    if found.agrees:
        return "Formula and our count agree in every term."
    return "FORMULA AND OUR COUNT DIFFER: one of them is wrong."


def _elements(found: Crosscheck) -> Iterable[str]:
    if found.elements:
        texts = (
            f"{item.kind} {units.exact(item.formula)}"
            + ("" if item.formula == item.counted else f" by formula, {units.exact(item.counted)} counted")
            for item in found.elements
        )
        yield f"Elements besides multiply-adds, by formula and by count: {', '.join(texts)}."


def _reasons(found: Crosscheck, groups: dict[str, list[Check]]) -> Iterable[str]:
    """For each counter: why it could not count, what it has no rule for, and what it counts besides."""
    for counter, reading in found.readings.items():
        heading = _heading(counter).replace("\n", " ")
        if reading.problem:
            yield f"{heading}: did not count: {reading.problem}."
        for name, checks in groups.items():
            unseen = sum((check.verdicts[counter].unseen for check in checks), Counter[str]())
            if unseen:
                names = ", ".join(f"{operation} ×{calls}" for operation, calls in sorted(unseen.items()))
                yield f"{heading} misses {name}: it has no rule for {names}."
        besides = _besides(found, counter)
        if besides:
            yield f"{heading} counts besides: {besides}."


def _besides(found: Crosscheck, counter: str) -> str:
    by_operation: Counter[str] = Counter()
    for where, macs in found.besides(counter).items():
        by_operation[where.rpartition(": ")[2]] += macs
    return ", ".join(f"{name} {units.exact(macs)}" for name, macs in sorted(by_operation.items()))


def _record(checked: Checked, check: Check, counter: str, verdict: Verdict) -> dict[str, Any]:
    values = {
        "name": checked.label,
        "shape": list(checked.shape),
        "dtype": checked.dtype,
        "mode": checked.mode,
        "backend": checked.backend,
        "convention": "formula",
        "term": check.name,
        "place": check.place or None,
        "macs_expected": check.expected,
        "counter": counter,
        "macs": verdict.macs,
        "verdict": str(verdict.word),
        "unseen": dict(verdict.unseen) or None,
    }
    return {key: value for key, value in values.items() if value is not None}
