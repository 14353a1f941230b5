"""Commands that measure: profile, ceilings, doctor, selftest."""

from __future__ import annotations

import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from invobench.cli.base import Overrides, SheetFormat, SpecPaths, app, caught, page, say, show, show_all
from invobench.errors import MeasurementError, UsageError
from invobench.runner import interrupts


@app.command()
@caught
@interrupts.held_back()  # Ctrl-C is heard where the run waits: an import would swallow it, a row be torn
def profile(
    specs: SpecPaths,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder of the results.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda or cuda:N, for every cell.")] = None,
    overrides: Overrides = [],  # noqa: B006 - typer copies it
    metrics: Annotated[str | None, typer.Option("--metrics", help="Comma-separated; all by default.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    report: Annotated[str, typer.Option("--format", help="table, csv, jsonl, markdown or latex.")] = "table",
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the cells and the time they may take.")] = False,
) -> None:
    """Count and measure layers and networks, and print a table; results are kept in --out as they come.

    Exit codes: 0 measured; 2 bad spec or usage; 4 a cell was not measured; 130 interrupted; 70 our bug.
    """
    from invobench.report import REPORTS
    from invobench.report.ending import ending
    from invobench.report.progress import observer
    from invobench.runner.metrics import METRICS
    from invobench.runner.session import Request, profile
    from invobench.spec import read

    interrupts.check()
    entry = REPORTS[report]
    wanted = [METRICS[name.strip()].path for name in metrics.split(",")] if metrics is not None else None
    chosen = tuple(name for name, metric in METRICS.items() if wanted is None or metric.path in wanted)
    cells = read(specs, [*overrides, *([f"device={device}"] if device else [])])
    if dry_run:
        from invobench.report.plan import render_plan

        show(render_plan(cells, chosen))
        return
    if resume and out is None:
        raise UsageError("--resume needs --out DIR, the folder to go on with")

    folder = out or Path("invobench-results") / datetime.now().strftime("%Y-%m-%d-%H%M%S")
    watching = observer(quiet, sys.stderr.isatty())
    try:
        command = shlex.join(["invobench", *sys.argv[1:]])
        outcome = profile(Request(cells, folder, chosen, command, tuple(overrides), resume), watching)
    finally:
        watching.finished()
    text = entry.load()(outcome.run, outcome.rows, page())
    try:
        with interrupts.waiting():
            show_all(text)
    except KeyboardInterrupt:  # the reader does not read: how to go on is said all the same
        outcome.interrupted = True
    except MeasurementError as error:
        outcome.error = outcome.error or error
    for line in ending(outcome, folder, len(cells)):
        say(line)
    if not quiet and outcome.hint:
        say(outcome.hint)
    raise typer.Exit(outcome.exit_code)


@app.command()
@caught
def ceilings(
    device: Annotated[
        str | None, typer.Option("--device", help="cpu, cuda or cuda:N; the CPU and the first GPU by default.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Of the CPU; as many as it has processors by default.")
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Measure again what is kept.")] = False,
    report: SheetFormat = "table",
) -> None:
    """Measure once what this machine can do: copy bandwidth, matrix rate by dtype, launch floor; kept for `profile`.

    Exit codes: 0 done; 2 no such device, or the cache folder takes nothing.
    """
    with interrupts.held_back():  # an import may swallow Ctrl-C
        from invobench.report import SHEETS

        render = SHEETS[report].load()
        from invobench.measure.ceiling_session import Asked, ceilings_here
        from invobench.report.ceilings_sheet import ceilings_sheet

    found = ceilings_here(Asked(device, threads, refresh), say)
    show(render([ceilings_sheet(found.environment, found.ceilings, found.created)], page()))


@app.command()
@caught
def doctor(report: SheetFormat = "table") -> None:
    """Say what hurts measuring on this machine and how to mend it, and print the environment's fingerprint."""
    with interrupts.held_back():
        from invobench.report import SHEETS

        render = SHEETS[report].load()
        from invobench.measure.doctor.snapshot import take
        from invobench.report.doctor_sheet import doctor_sheet

    show(render([doctor_sheet(take())], page()))


@app.command()
@caught
def selftest(
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")] = "auto",
    quick: Annotated[bool, typer.Option("--quick", help="About 20 s instead of 2 to 3 minutes.")] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Keep every pair as JSON lines.")] = None,
    report: SheetFormat = "table",
) -> None:
    """Measure what is known, and say how good the measuring is on this machine, as it is now.

    A ladder of exact ratios of work, the medians of other tools, and the overhead. Exit codes: 0 every aim is met;
    2 bad usage; 3 an aim is not met here, and the last lines say which and what to do.
    """
    with interrupts.held_back():
        from invobench.report import SHEETS

        render = SHEETS[report].load()
        from invobench.report.selftest_sheet import selftest_sheets
        from invobench.runner.selftest import FULL, QUICK, raw, selftest, write
        from invobench.spec.keys import wrong_device
    if wrong_device(device):
        raise UsageError(f"--device: {wrong_device(device)}")

    if out is not None:
        write(out, "")  # what cannot be kept is better known before than after
    found = selftest(device, QUICK if quick else FULL, say)
    show(render(selftest_sheets(found), page()))
    if out is not None:
        write(out, raw(found))
    raise typer.Exit(found.exit_code)
