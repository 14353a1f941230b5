"""`--junit FILE`: JUnit XML as pytest writes it and GitLab and Jenkins read it: a test case a cell."""

from __future__ import annotations

import re
from pathlib import PurePath
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from invobench.judging.quantities import QUANTITIES
from invobench.judging.verdicts import Judged, Judgement, Verdict
from invobench.report import judged_words as words
from invobench.report.gate_outputs.failing import fails, told, whole
from invobench.report.gate_sheet import conclusion

#: what XML 1.0 cannot hold, in whatever notation
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: `failure` is for what was judged and is worse; `error` for what could not be judged
_FAILURES = frozenset({Verdict.REGRESSED, Verdict.IMPROVED})
#: without a failure these were not judged all the same
_SKIPPED = frozenset({Verdict.INCONCLUSIVE, Verdict.MISSING})
SUITE = "invobench gate"


def render(judgement: Judgement) -> str:
    """The judgement as XML; no element fails where the exit code is 0, and at least one where it is not."""
    cases = [_case(judgement, cell) for cell in judgement.cells]
    wrong = whole(judgement)
    if wrong:
        case = Element("testcase", classname=SUITE, name=str(judgement.verdict))
        _outcome(case, "error", judgement.verdict, wrong)
        cases.append(case)
    numbers = {f"{kind}s": sum(case.find(kind) is not None for case in cases) for kind in ("failure", "error")}
    counts = {
        "name": SUITE,
        "tests": str(len(cases)),
        **{kind: str(number) for kind, number in numbers.items()},
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
        **({} if judgement.time_s is None else {"time": f"{judgement.time_s:.3f}"}),
    }
    top = Element("testsuites", {key: text for key, text in counts.items() if key != "skipped"})
    created = {"timestamp": judgement.candidate.created} if judgement.candidate.created else {}
    suite = SubElement(top, "testsuite", {**counts, **{key: _legal(text) for key, text in created.items()}})
    suite.extend(cases)
    SubElement(suite, "system-out").text = _legal("\n".join([*judgement.notes, conclusion(judgement)]))
    indent(top)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(top, encoding="unicode") + "\n"


def _case(judgement: Judgement, cell: Judged) -> Element:
    place = {"file": cell.spec, "line": str(cell.line)} if cell.spec and cell.line else {}
    names = {"classname": _class(cell.spec), "name": words.full_name(cell.identity), **place, **_time(cell)}
    case = Element("testcase", {key: _legal(text) for key, text in names.items()})
    if fails(judgement, cell):
        _outcome(case, "failure" if cell.verdict in _FAILURES else "error", cell.verdict, told(cell), _details(cell))
    elif cell.verdict in _SKIPPED:
        _outcome(case, "skipped", cell.verdict, told(cell))
    return case


def _class(spec: str) -> str:
    """The spec as test classes are written, since readers part them at dots: `specs/gate.yaml` as `specs.gate`."""
    path = PurePath(spec).with_suffix("") if spec else PurePath(SUITE)
    return ".".join(part for part in path.parts if part != path.anchor)


def _outcome(case: Element, kind: str, verdict: Verdict, message: str, text: str = "") -> None:
    outcome = SubElement(case, kind, message=_legal(f"{verdict}: {message}"), type=str(verdict))
    outcome.text = _legal(text or message)


def _time(cell: Judged) -> dict[str, str]:
    """The candidate's latency in seconds: what a test case's time is for a layer; nothing where there is none."""
    latency = cell.check("latency")
    if latency is None or latency.candidate is None:
        return {}
    return {"time": f"{latency.candidate:.9f}"}


def _details(cell: Judged) -> str:
    """A line a check: what it says, or its figures where it says nothing."""
    lines = [told(cell), *([""] if cell.checks else [])]
    for check in cell.checks:
        figures = f"{QUANTITIES[check.quantity].heading} {words.values(check)}"
        interval = words.limits(check.low, check.high)
        ratio = f", ratio {words.ratio(check.ratio)} ({interval})" if interval else ""
        lines.append(f"{check.verdict}: {check.message or figures}{ratio}")
    return "\n".join(lines)


def _legal(text: str) -> str:
    """`text` without what XML cannot hold."""
    return _ILLEGAL.sub("", text)
