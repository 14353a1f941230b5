"""What `invobench gate` does with its options: checks them, gates, and prints and writes what was asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from invobench.cli.base import page, say, show_all
from invobench.errors import MeasurementError, UsageError, worst_exit

if TYPE_CHECKING:
    from invobench.judging.verdicts import Judgement
    from invobench.report.gate_history import History
    from invobench.report.gate_progress import Quiet
    from invobench.report.sheet import Sheet
    from invobench.runner.gate.request import GateOutcome, GateRequest

_BASES = ("base_ref", "against_python", "baseline")
_ONE_BASE = (
    "gate needs exactly one base: --base-ref REV (a revision of this git repository, the one to recommend), "
    "--against-python PATH (another environment's interpreter) or --baseline FILE (of invobench baseline save)"
)


@dataclass(frozen=True)
class Asked:
    """What is to come out. `files`: output of GATE_OUTPUTS -> where to. `store`: None for the user's data folder."""

    files: Mapping[str, Path]
    as_json: bool
    report: str
    store: Path | None
    no_store: bool
    quiet: bool


def only_one_format(as_json: bool, report: str) -> None:
    """Raises UsageError for --json with another format than the default."""
    if as_json and report != "table":
        raise UsageError(f"--json and --format {report} contradict each other: leave one out")


def run(request: GateRequest, asked: Asked, self_test: bool) -> int:
    """Gate, or test the gate, with what was asked for on stdout and in files; the exit code."""
    from invobench.baselines.store import Store
    from invobench.report.gate_files import emptied
    from invobench.report.gate_history import History
    from invobench.report.gate_progress import observer

    given = [f"--{key.replace('_', '-')}" for key in _BASES if getattr(request, key) is not None]
    if self_test:
        _require_no_more([*given, *(f"--{name}" for name in asked.files), *(["--json"] if asked.as_json else [])])
    elif len(given) != 1:
        raise UsageError(_ONE_BASE + (f"; given: {', '.join(given)}" if given else ""))
    only_one_format(asked.as_json, asked.report)
    if asked.store is not None and asked.no_store:
        raise UsageError("--store and --no-store contradict each other: leave one out")
    history = None if asked.no_store else History(Store(asked.store), request.specs, say)
    emptied(asked.files)
    watching = observer(asked.quiet, sys.stderr.isatty())
    return (_self_test if self_test else _gate)(request, asked, watching, history)


def _require_no_more(given: list[str]) -> None:
    if given:
        raise UsageError(f"--self-test measures one side against itself: leave out {', '.join(given)}")


def _self_test(request: GateRequest, asked: Asked, watching: Quiet, history: History | None) -> int:
    from invobench.report.gate_selftest_sheet import gate_selftest_sheet
    from invobench.runner.gate.selftest import gate_selftest

    try:
        found = gate_selftest(request, watching)
    finally:
        watching.finished()
    if history is not None:
        history.keep(found)
    return _shown(_drawn(gate_selftest_sheet(found), asked), found.exit_code)


def _gate(request: GateRequest, asked: Asked, watching: Quiet, history: History | None) -> int:
    from invobench.runner.gate.gate import gate

    try:
        outcome = gate(request, watching)
    finally:
        watching.finished()
    code = outcome.exit_code
    if outcome.judgement is not None:
        judgement = outcome.judgement if history is None else history.told(outcome.judgement)
        code = _published(judgement, asked, code)
        if history is not None:
            history.add(judgement, next(key.replace("_", "-") for key in _BASES if getattr(request, key) is not None))
    _say_ending(outcome, asked.quiet)
    return code


def _published(judgement: Judgement, asked: Asked, code: int) -> int:
    """Files first, so that a reader of stdout who goes away takes none with him; the exit code with what failed."""
    from invobench.report.gate_files import on_github, write
    from invobench.report.gate_outputs import GATE_OUTPUTS
    from invobench.report.gate_sheet import gate_sheet

    try:
        write(judgement, asked.files)
    except MeasurementError as error:
        say(str(error))
        code = worst_exit([code, error.exit_code])
    on_github(judgement, os.environ, say)
    return _shown(
        GATE_OUTPUTS["json"].load()(judgement) if asked.as_json else _drawn(gate_sheet(judgement), asked), code
    )


def _drawn(sheet: Sheet, asked: Asked) -> str:
    from invobench.report import SHEETS

    return str(SHEETS[asked.report].load()([sheet], page()))


def _shown(text: str, code: int) -> int:
    """Print to stdout; the exit code, which is kept where whoever read it has seen enough."""
    try:
        show_all(text)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except MeasurementError as error:
        say(str(error))
        return worst_exit([code, error.exit_code])
    return code


def _say_ending(outcome: GateOutcome, quiet: bool) -> None:
    """Where the results are, unless quiet, and what broke the gate off."""
    if not quiet or outcome.judgement is None:
        say(f"results: {outcome.folder}")
    if outcome.error is not None:
        say(str(outcome.error))
    if outcome.interrupted:
        say("interrupted: not judged; a gate starts again from the beginning")
