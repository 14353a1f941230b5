"""Annotations of GitHub Actions, read back as its runner reads them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from invobench.judging.verdicts import Judgement
from invobench.report.gate_outputs.github import MOST, render
from tests.report.golden import is_golden
from tests.report.judgements import EVERYTHING, FASTER, MISSING, NOTHING, PASSED, SLOWER, UNSURE, judgement, one_each

_COMMAND = re.compile(r"::(?P<kind>[a-z]+) (?P<properties>[^:]*)::(?P<message>.*)")
_UNDO = {"%3A": ":", "%2C": ",", "%0D": "\r", "%0A": "\n", "%25": "%"}


def unescaped(text: str) -> str:
    return re.sub("|".join(_UNDO), lambda found: _UNDO[found.group()], text)


def commands(judged: Judgement) -> list[tuple[str, dict[str, str], str]]:
    """Kind, properties and message of each line, which must be a command."""
    found = []
    for line in render(judged).splitlines():
        match = _COMMAND.fullmatch(line)
        assert match is not None, line
        pairs = (pair.partition("=") for pair in match["properties"].split(","))
        found.append((match["kind"], {key: unescaped(text) for key, _, text in pairs}, unescaped(match["message"])))
    return found


def test_golden() -> None:
    assert is_golden(render(EVERYTHING), "gate.github.txt")


@pytest.mark.parametrize("judged", one_each())
def test_an_error_where_the_exit_code_is_not_0_and_none_where_it_is(judged: Judgement) -> None:
    assert ("error" in {kind for kind, _, _ in commands(judged)}) == (judged.exit_code != 0)


def test_worst_first_and_at_most_10() -> None:
    worse = [replace(SLOWER, line=100 + number) for number in range(30)]
    growing = [
        replace(one, checks=(replace(one.checks[0], ratio=1.1 + number / 10),)) for number, one in enumerate(worse)
    ]
    found = commands(judgement(PASSED, UNSURE, *growing))
    assert len(found) == MOST == 10
    assert [properties["line"] for _, properties, _ in found] == [str(129 - number) for number in range(10)]
    few = commands(judgement(UNSURE, PASSED, SLOWER))
    assert [properties["title"].rpartition(": ")[2] for _, properties, _ in few] == ["regressed", "inconclusive"]


def test_escaping() -> None:
    odd = "5 % more,\r\nof: a::b %0A"
    name = "a:b,c=d%\n"
    judged = judgement(replace(SLOWER, message=odd, identity=replace(SLOWER.identity, name=name), spec="a,b:c%.yaml"))
    text = render(judged)
    assert text.count("\n") == 1
    assert "::5 %25 more,%0D%0Aof: a::b %250A\n" in text
    assert "file=a%2Cb%3Ac%25.yaml,line=4,title=a%3Ab%2Cc=d%25%0A kernel_size=7" in text
    ((_, properties, message),) = commands(judged)
    assert message == odd
    assert properties["file"] == "a,b:c%.yaml"
    assert properties["title"].startswith(name)


def test_what_was_let_through_is_a_warning() -> None:
    assert [kind for kind, _, _ in commands(replace(judgement(UNSURE, PASSED), exit_code=0))] == ["warning"]
    assert commands(judgement(PASSED, FASTER)) == []
    assert [kind for kind, _, _ in commands(replace(judgement(PASSED, FASTER), exit_code=1))] == ["error"]


def test_nothing_measured_is_an_error_without_a_place() -> None:
    message = "nothing measured; no cell is on both sides"
    assert commands(NOTHING) == [("error", {"title": "invobench gate: nothing measured"}, message)]


def test_a_place_that_is_not_known_is_left_out() -> None:
    ((_, properties, _),) = commands(judgement(MISSING))
    assert "line" not in properties


def test_paths_are_from_the_top_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "python"
    inner.mkdir()
    monkeypatch.chdir(inner)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert commands(judgement(SLOWER))[0][1]["file"] == "python/specs/gate.yaml"
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "other"))
    assert commands(judgement(SLOWER))[0][1]["file"] == "specs/gate.yaml"
    monkeypatch.delenv("GITHUB_WORKSPACE")
    assert commands(judgement(SLOWER))[0][1]["file"] == "specs/gate.yaml"
