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
    groups = _by_role(found)
    base = "formula" if found.has_formula else "by our count"
    lines = [_line(name, checks, counters, found.has_formula) for name, checks in groups.items()]
    size = "×".join(str(length) for length in checked.shape)
    head = Column("term" if found.has_formula else "place", text=True)
    shown = counters if found.has_formula else counters[1:]
    return Sheet(
        title=f"{checked.label} · {size} · {checked.dtype}, {checked.mode}, backend {checked.backend}",
        legend=_legend(found),
        columns=(head, Column(base), *(Column(_heading(name)) for name in shown)),
        lines=(*lines, _total(found, shown)),
        notes=(_verdict(found), *_elements(found), *_reasons(found, groups)),
        records=tuple(_records(checked)),
    )


def _legend(found: Crosscheck) -> str:
    counted = "convention formula" if found.has_formula else "every product of two tensors that was dispatched"
    return (
        f"MACs are multiply-adds of the whole batch (flops = 2 × MACs), {counted}; what a counter does not count in "
        "full shows how much it misses."
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


def _by_role(found: Crosscheck) -> dict[str, list[Check]]:
    """Checks of the same role in all blocks together; places of a module without a formula each on its own."""
    groups: dict[str, list[Check]] = {}
    for check in found.checks:
        groups.setdefault(role(check.name) if found.has_formula else check.name, []).append(check)
    return groups


def _line(name: str, checks: Sequence[Check], counters: Sequence[str], has_formula: bool) -> Line:
    many = f" ×{len(checks)}" if len(checks) > 1 else ""
    expected = sum(check.expected for check in checks)
    shown = counters if has_formula else counters[1:]
    cells = [_cell(checks, counter) for counter in shown]
    wrong = has_formula and any(check.verdicts[OURS].word in {Word.MISSES, Word.EXCEEDS} for check in checks)
    return Line((f"{name}{many}", units.exact(expected), *cells), "bad" if wrong else "plain")


def _cell(checks: Sequence[Check], counter: str) -> str:
    """`match` where all match; else what is missing and what is too much."""
    verdicts = [check.verdicts[counter] for check in checks]
    words = {verdict.word for verdict in verdicts}
    if Word.UNKNOWN in words:
        return ""
    if words <= {Word.MATCH, Word.DECLARED}:
        return Word.DECLARED if Word.DECLARED in words else Word.MATCH
    differences = [(verdict.macs or 0) - check.expected for check, verdict in zip(checks, verdicts, strict=True)]
    short, over = -sum(min(0, value) for value in differences), sum(max(0, value) for value in differences)
    expected = sum(check.expected for check in checks)
    texts = []
    if short:
        texts.append("misses all" if short == expected else f"misses {units.exact(short)} ({_share(short, expected)})")
    if over:
        texts.append(f"+{units.exact(over)}")
    return ", ".join(texts)


def _share(part: int, whole: int) -> str:
    return units.percent(part / whole)


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
            differs = _differs(checks, counter)
            if differs:
                yield f"{heading} differs in {name}: {differs}."
        besides = _besides(found, counter)
        if besides:
            yield f"{heading} counts besides: {besides}."


def _differs(checks: Sequence[Check], counter: str) -> str:
    """Operations that it counts otherwise than we do."""
    theirs: Counter[str] = Counter()
    ours: Counter[str] = Counter()
    for check in checks:
        for name, (their_macs, our_macs) in check.verdicts[counter].differs.items():
            theirs[name] += their_macs
            ours[name] += our_macs
    return ", ".join(
        f"it counts {units.exact(macs)} for {name}" + (f", we {units.exact(ours[name])}" if ours[name] else "")
        for name, macs in sorted(theirs.items())
    )


def _besides(found: Crosscheck, counter: str) -> str:
    by_operation: Counter[str] = Counter()
    for where, macs in found.besides(counter).items():
        by_operation[where.rpartition(": ")[2]] += macs
    return ", ".join(f"{name} {units.exact(macs)}" for name, macs in sorted(by_operation.items()))


def _records(checked: Checked) -> Iterable[dict[str, Any]]:
    """A record a term and counter, and one a counter and place with counts where there are no multiply-adds."""
    head = {
        "name": checked.label,
        "shape": list(checked.shape),
        "dtype": checked.dtype,
        "mode": checked.mode,
        "backend": checked.backend,
        "convention": "formula" if checked.found.has_formula else None,
    }
    for check in checked.found.checks:
        for counter, verdict in check.verdicts.items():
            yield _present(head | _verdict_fields(check, counter, verdict, checked.found.readings[counter].problem))
    for item in checked.found.elements:
        verdict_word = "match" if item.formula == item.counted else "differs"
        values = {"term": str(item.kind), "counter": OURS, "verdict": verdict_word}
        yield _present(head | values | {"elements_expected": item.formula, "elements": item.counted})
    for counter in checked.found.readings:
        for where, macs in checked.found.besides(counter).items():
            yield _present(head | {"term": where, "counter": counter, "macs": macs, "verdict": "besides"})


def _verdict_fields(check: Check, counter: str, verdict: Verdict, problem: str) -> dict[str, Any]:
    return {
        "term": check.name,
        "place": check.place or None,
        "macs_expected": check.expected,
        "counter": counter,
        "macs": verdict.macs,
        "verdict": str(verdict.word),
        "unseen": dict(verdict.unseen) or None,
        "differs": {name: list(pair) for name, pair in verdict.differs.items()} or None,
        "problem": problem or None,
    }


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
