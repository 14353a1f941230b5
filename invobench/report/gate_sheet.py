"""`invobench gate`: a line a cell, below it the exact checks that differ, and last what it comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from invobench import units
from invobench.judging.quantities import QUANTITIES
from invobench.judging.verdicts import Check, Judged, Judgement, Verdict
from invobench.report import judged_words as words
from invobench.report.sheet import Column, Line, Sheet

COLUMNS = (
    Column("cell", text=True, wrap=True),
    Column("verdict", text=True),
    Column("latency\nbase → candidate"),
    Column("ratio"),
    Column("95 % interval"),
    Column("what decides", text=True, wrap=True),
)
LEGEND = "ratio: candidate over base, of the medians; its 95 % interval by a bootstrap over processes."
_STYLES: Mapping[Verdict, Literal["plain", "strong", "bad", "dim"]] = {
    Verdict.PASS: "plain",
    Verdict.IMPROVED: "strong",
    Verdict.NEW: "dim",
}
#: verdict of a gate -> what to do about it
_ADVICE: Mapping[Verdict, str] = {
    Verdict.PASS: "nothing to do",
    Verdict.IMPROVED: "save a new baseline, so that the gain is kept",
    Verdict.REGRESSED: "mend what is marked, or raise its threshold (gate: in the spec) if the change is meant",
    Verdict.FAILED: "mend the cells that were not measured; their messages say why",
    Verdict.MISSING: "give cells of the base the name that they had, or save a new baseline if they were removed",
    Verdict.INCONCLUSIVE: "raise gate.time_s and gate.most_processes, or the threshold; --deterministic leaves timing "
    "out, --inconclusive pass|fail decides",
    Verdict.NOTHING: "check that both sides have cells of the same names, devices and backends",
}


def gate_sheet(judgement: Judgement, cells: Sequence[Judged] | None = None) -> Sheet:
    """The judgement as a sheet; its cells in their own order, or as `cells` has them."""
    shown = judgement.cells if cells is None else cells
    common = words.shared(cell.identity for cell in judgement.cells)
    counts = any(check.quantity.startswith("macs") and _differs(check) for cell in shown for check in cell.checks)
    return Sheet(
        title=title(judgement, common),
        columns=COLUMNS,
        lines=tuple(line for cell in shown for line in _lines(cell, common)),
        legend=f"{LEGEND} {words.MACS}" if counts else LEGEND,
        notes=(*_notes(judgement), *judgement.notes, conclusion(judgement)),
        records=tuple(record for cell in shown for record in records(cell)),
    )


def title(judgement: Judgement, common: Mapping[str, str]) -> str:
    """What is judged against what, and where."""
    heading = words.heading(common)
    specs = ", ".join(dict.fromkeys(cell.spec for cell in judgement.cells if cell.spec))
    sides = f"{words.side(judgement.base)} → {words.side(judgement.candidate)}"
    parts = [f"gate {specs}".strip(), sides, heading, _processes(judgement.cells), f"torch {judgement.candidate.torch}"]
    return " · ".join(part for part in parts if part)


def conclusion(judgement: Judgement) -> str:
    """The last line: what it comes to, the exit code, and what to do."""
    verdict = judgement.verdict
    told = f" ({words.counted(judgement.cells)})" if judgement.cells else ""
    return f"{verdict}{told}: exit code {judgement.exit_code}; {_ADVICE.get(verdict, _ADVICE[Verdict.PASS])}."


def records(cell: Judged) -> Iterator[dict[str, Any]]:
    """The cell for programs: a record a check, or one alone where it has none; base units, no key without a value."""
    head = cell_record(cell, prefix="cell_")
    for check in cell.checks or (None,):
        yield {**head, **(check_record(check) if check is not None else {})}


def cell_record(cell: Judged, prefix: str = "") -> dict[str, Any]:
    """A cell without its checks for programs; `prefix`: of its verdict and message, where a check's are beside them."""
    identity = cell.identity
    return _present(
        {
            "name": identity.name,
            "coordinates": dict(identity.coordinates),
            **{key: getattr(identity, key) for key in ("device", "dtype", "mode", "scope", "backend")},
            f"{prefix}verdict": str(cell.verdict),
            f"{prefix}message": cell.message or None,
            "spec": cell.spec or None,
            "line": cell.line or None,
            "base_processes": cell.processes[0] or None,
            "candidate_processes": cell.processes[1] or None,
        }
    )


def check_record(check: Check) -> dict[str, Any]:
    """A check for programs; `base` and `candidate` are values of the row's field that `field` names."""
    return _present(
        {
            "quantity": check.quantity,
            "field": check.field,
            "base": check.base,
            "candidate": check.candidate,
            "threshold": check.threshold,
            "ratio": check.ratio,
            "ratio_low": check.low,
            "ratio_high": check.high,
            "needs_processes": check.needs,
            "verdict": str(check.verdict),
            "message": check.message or None,
        }
    )


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _lines(cell: Judged, common: Mapping[str, str]) -> Iterator[Line]:
    """The cell with its latency, and a line for each other check that differs."""
    latency = cell.check("latency")
    below = [check for check in cell.checks if check.quantity != "latency" and _differs(check)]
    name = words.named(cell.identity, common)
    yield Line((name, str(cell.verdict), *_figures(latency), _reason(cell, below)), _STYLES.get(cell.verdict, "bad"))
    for check in below:
        heading = QUANTITIES[check.quantity].heading
        said = check.message.removeprefix(f"{heading} {words.values(check)} ")
        cells = (f"  {heading}", str(check.verdict), *_figures(check), said)
        yield Line(cells, _STYLES.get(check.verdict, "bad"))


def _figures(check: Check | None) -> tuple[str, str, str]:
    if check is None:
        return "", "", ""
    return words.values(check), words.ratio(check.ratio), words.limits(check.low, check.high)


def _reason(cell: Judged, below: Sequence[Check]) -> str:
    """The cell's message, with a number in place of what the lines of its checks say; and what the latency's says."""
    text = f"; {cell.message}"
    for check in below:
        if check.message:
            text = text.replace(f"; {check.message}", "", 1)
    deciding = sum(check.verdict is cell.verdict for check in below)
    latency = cell.check("latency")
    unsaid = latency is not None and latency.verdict is not Verdict.PASS and latency.message not in cell.message
    parts = (
        text.removeprefix("; "),
        f"{deciding} check{'' if deciding == 1 else 's'} below" if deciding else "",
        latency.message if latency is not None and unsaid else "",
    )
    return "; ".join(part for part in parts if part)


def _differs(check: Check) -> bool:
    """Whether a check has a line: a verdict that is not `pass`, or an exact value that is not the same."""
    return check.verdict is not Verdict.PASS or (check.quantity not in words.INEXACT and check.base != check.candidate)


def _notes(judgement: Judgement) -> Iterator[str]:
    """What the lines do not say: the checks that are equal, and the mean over cells."""
    checks = [check for cell in judgement.cells for check in cell.checks if check.quantity not in words.INEXACT]
    equal = sum(not _differs(check) for check in checks)
    if checks:
        yield f"{equal} of {len(checks)} exact checks equal on both sides."
    if judgement.mean is not None:
        interval = words.limits(judgement.mean_low, judgement.mean_high)
        yield f"latency over all cells, geometric mean of the ratios: {words.ratio(judgement.mean)}" + (
            f" ({interval})." if interval else "."
        )
    if judgement.time_s is not None:
        yield f"measured in {units.duration(judgement.time_s)}."


def _processes(cells: Sequence[Judged]) -> str:
    """How many processes measured a side, over the cells."""
    numbers = sorted({number for cell in cells for number in cell.processes if number})
    if not numbers:
        return ""
    span = f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else str(numbers[0])
    return f"{span} process{'' if numbers == [1] else 'es'} a side"
