"""JUnit XML, read back as GitLab and Jenkins read it."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from invobench.judging.verdicts import Judgement
from invobench.report.gate_outputs.junit import render
from tests.report.golden import is_golden
from tests.report.judgements import EVERYTHING, FASTER, NOTHING, PASSED, SLOWER, UNSURE, judgement, one_each

KINDS = ("failure", "error", "skipped")


def suite_of(judged: Judgement) -> ElementTree.Element:
    top = ElementTree.fromstring(render(judged))
    assert top.tag == "testsuites"
    (suite,) = top
    assert suite.tag == "testsuite"
    return suite


def outcomes(judged: Judgement) -> list[str]:
    """`passed`, or what each test case has."""
    return [next((kind for kind in KINDS if case.find(kind) is not None), "passed") for case in cases(judged)]


def cases(judged: Judgement) -> list[ElementTree.Element]:
    return suite_of(judged).findall("testcase")


def test_golden() -> None:
    assert is_golden(render(EVERYTHING), "gate.junit.xml")


@pytest.mark.parametrize("judged", one_each())
def test_something_fails_where_the_exit_code_is_not_0_and_nothing_where_it_is(judged: Judgement) -> None:
    assert ({"failure", "error"} & set(outcomes(judged)) != set()) == (judged.exit_code != 0)


@pytest.mark.parametrize("judged", one_each())
def test_structure(judged: Judgement) -> None:
    """What parsers rely on: counts that add up, names that tell apart, one outcome a case at most."""
    suite = suite_of(judged)
    found = cases(judged)
    assert int(suite.get("tests", "")) == len(found) >= 1
    assert len({(case.get("classname"), case.get("name")) for case in found}) == len(found)
    for kind, attribute in zip(KINDS, ("failures", "errors", "skipped"), strict=True):
        assert int(suite.get(attribute, "")) == sum(case.find(kind) is not None for case in found)
    for case in found:
        assert sum(case.find(kind) is not None for kind in KINDS) <= 1
        assert case.get("time") is None or float(case.get("time", "")) > 0
        assert {child.get("message") for child in case if child.tag in KINDS} != {""}


def test_what_each_verdict_is() -> None:
    assert outcomes(judgement(PASSED, SLOWER, UNSURE)) == ["passed", "failure", "error"]
    assert outcomes(replace(judgement(PASSED, UNSURE), exit_code=0)) == ["passed", "skipped"]
    assert outcomes(replace(judgement(PASSED, FASTER), exit_code=1)) == ["passed", "failure"]
    assert outcomes(judgement(PASSED, FASTER)) == ["passed", "passed"]
    assert outcomes(NOTHING) == ["error"]
    error = cases(NOTHING)[0].find("error")
    assert error is not None
    assert error.get("message") == "nothing measured: nothing measured; no cell is on both sides"


def test_a_failure_has_its_place_and_its_figures() -> None:
    case = cases(judgement(SLOWER))[0]
    assert (case.get("classname"), case.get("file"), case.get("line")) == ("specs.gate", "specs/gate.yaml", "4")
    absolute = cases(judgement(replace(SLOWER, spec="/srv/my.specs/gate.yaml")))[0]
    assert absolute.get("classname") == "srv.my.specs.gate"
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("type") == "regressed"
    lines = (failure.text or "").splitlines()
    assert "regressed: latency +14.6 % (+12.6 % to +16.6 %), allowed +5 %, ratio 1.146 (1.126 to 1.166)" in lines
    assert "pass: multiply-adds by formula 22,880,256 → 22,880,256" in lines


def test_what_xml_cannot_hold_is_left_out_and_what_it_must_escape_is() -> None:
    odd = '\x00\x1b[31m<a & "b">\ufffe\ud800 ]]> é 名\x0b\nnext'
    judged = judgement(replace(SLOWER, message=odd, identity=replace(SLOWER.identity, name=f"n{odd}")))
    (case,) = cases(judged)
    kept = '[31m<a & "b"> ]]> é 名\nnext'
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("message") == f"regressed: {kept}"
    assert (failure.text or "").startswith(kept)
    assert (case.get("name") or "").startswith(f"n{kept}")
