"""Annotations of GitHub Actions: a workflow command a cell that failed, at its place in the spec."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from invobench.judging.verdicts import EXITS, Judged, Judgement
from invobench.report import judged_words as words
from invobench.report.gate_outputs.failing import fails, told, whole

#: what GitHub shows of a step at most
MOST = 10
#: `%` first: what comes after is written with it
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def render(judgement: Judgement) -> str:
    """The commands, one a line, worst first, at most 10; empty where there is nothing to say.

    A cell that failed is an `error`; one that was let through although it could not be judged, a `warning`.
    """
    wrong = whole(judgement)
    commands = [_command("error", {"title": f"invobench gate: {judgement.verdict}"}, wrong)] if wrong else []
    told_of = [cell for cell in words.worst_first(judgement.cells) if fails(judgement, cell) or EXITS[cell.verdict]]
    commands += [_annotation(judgement, cell) for cell in told_of[: MOST - len(commands)]]
    return "".join(f"{command}\n" for command in commands)


def _annotation(judgement: Judgement, cell: Judged) -> str:
    place = {"file": _in_repository(cell.spec)} if cell.spec else {}
    place |= {"line": str(cell.line)} if cell.spec and cell.line else {}
    title = f"{words.full_name(cell.identity)}: {cell.verdict}"
    return _command("error" if fails(judgement, cell) else "warning", {**place, "title": title}, told(cell))


def _command(kind: str, properties: Mapping[str, str], message: str) -> str:
    listed = ",".join(f"{key}={_escaped(text, _PROPERTY)}" for key, text in properties.items())
    return f"::{kind} {listed}::{_escaped(message, _DATA)}"


def _escaped(text: str, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in text)


def _in_repository(spec: str) -> str:
    """The path as GitHub knows it: from the top of the checkout, whatever folder the gate runs in."""
    top = os.environ.get("GITHUB_WORKSPACE")
    path = Path(spec).resolve()
    inside = top and path.is_relative_to(Path(top).resolve())
    return path.relative_to(Path(top).resolve()).as_posix() if top and inside else spec
