"""Where a gate's outputs go: the files that were asked for, and GitHub's by themselves under GitHub Actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from invobench.errors import MeasurementError, UsageError
from invobench.judging.verdicts import Judgement
from invobench.report.gate_outputs import GATE_OUTPUTS
from invobench.report.gate_outputs.summary import LIMIT, render

Say = Callable[[str], None]


def emptied(files: Mapping[str, Path]) -> None:
    """Empty the files before anything is measured: what was there before is not this gate's.

    `files`: output -> where to. Raises UsageError for one that cannot be written.
    """
    for output, path in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--{output} {path}: cannot write: {error.strerror}; choose another FILE") from None


def write(judgement: Judgement, files: Mapping[str, Path]) -> None:
    """Write each output to its file. Raises MeasurementError for one that cannot be written, after the others."""
    failed = []
    for output, path in files.items():
        try:
            path.write_text(GATE_OUTPUTS[output].load()(judgement), encoding="utf-8")
        except OSError as error:
            failed.append(f"--{output} {path}: cannot write: {error.strerror}")
    if failed:
        raise MeasurementError("; ".join(failed))


def on_github(judgement: Judgement, environ: Mapping[str, str], say: Say) -> None:
    """Under GitHub Actions: annotations to stderr by `say`, and the summary to `$GITHUB_STEP_SUMMARY`; else nothing.

    GitHub reads workflow commands from stderr too, and stdout is the asked format's. A summary that cannot be written
    is a warning.
    """
    if environ.get("GITHUB_ACTIONS") != "true":
        return
    for command in GATE_OUTPUTS["github"].load()(judgement).splitlines():
        say(command)
    summary = environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return
    path = Path(summary)
    try:
        before = path.stat().st_size if path.exists() else 0
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(render(judgement, LIMIT - before))  # the limit is a step's, whatever wrote to it before
    except OSError as error:
        say(f"warning: $GITHUB_STEP_SUMMARY {path}: cannot write: {error.strerror}; the table has all of it")
