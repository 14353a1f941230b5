"""The command line: parse, call one function, print. Heavy imports happen inside the commands."""

from __future__ import annotations

import functools
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invobench import __version__
from invobench.errors import EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_OK, InvobenchError, UsageError
from invobench.runner import interrupts

if TYPE_CHECKING:
    from invobench.report import Page

app = typer.Typer(
    name="invobench",
    help="What a vision layer really costs: involution, convolution and local self-attention, counted and measured.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

SpecPaths = Annotated[list[Path], typer.Argument(metavar="SPEC...", help="YAML files of layers and networks.")]
Overrides = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Override a key of every cell; VALUE may be a list a,b.")
]

#: checked where it is used, so that its message has a suggestion
Convention_ = Annotated[str, typer.Option("--convention", help="What counts as a multiply-add; see the README.")]
SheetFormat = Annotated[str, typer.Option("--format", help="table, csv, markdown, latex or jsonl.")]


def main() -> None:
    """Run the command line."""
    try:
        app()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # there is nothing left to interrupt but Python's own end


def _caught(command: Callable[..., None]) -> Callable[..., None]:
    """The one place where errors become messages and exit codes."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except InvobenchError as error:
            _say(str(error))
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            _say("interrupted")
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except BrokenPipeError:  # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(EXIT_OK) from None
        except typer.Exit:
            raise
        except Exception as error:
            traceback.print_exc()
            _say(f"internal error in invobench {__version__}: {type(error).__name__}: {error}; please report it")
            raise typer.Exit(EXIT_INTERNAL) from None

    return wrapped


def _say(message: str) -> None:
    """Print to stderr; stdout carries only what was asked for."""
    print(message, file=sys.stderr)  # noqa: T201


def _out(text: str) -> None:
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def _page() -> Page:
    """What stdout is: as wide as the terminal and coloured there, plain elsewhere."""
    from invobench.report import Page

    terminal = sys.stdout.isatty()
    return Page(os.get_terminal_size().columns if terminal else 120, terminal and "NO_COLOR" not in os.environ)


def _version(wanted: bool) -> None:
    if wanted:
        _out(f"invobench {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What a vision layer really costs: involution, convolution and local self-attention, counted and measured."""


@app.command()
@_caught
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
    wanted = [METRICS[name.strip()].path for name in metrics.split(",")] if metrics else None
    chosen = tuple(name for name, metric in METRICS.items() if wanted is None or metric.path in wanted)
    cells = read(specs, [*overrides, *([f"device={device}"] if device else [])])
    if dry_run:
        from invobench.report.plan import render_plan

        _out(render_plan(cells, chosen))
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
    text = entry.load()(outcome.run, outcome.rows, _page())
    try:
        with interrupts.waiting():
            _out(text)
            sys.stdout.flush()
    except KeyboardInterrupt:  # the reader does not read: how to go on is said all the same
        outcome.interrupted = True
    for line in ending(outcome, folder, len(cells)):
        _say(line)
    if not quiet and outcome.hint:
        _say(outcome.hint)
    raise typer.Exit(outcome.exit_code)


@app.command()
@_caught
def validate(specs: SpecPaths, overrides: Overrides = []) -> None:  # noqa: B006 - typer copies it
    """Check specs: every problem as file:line:column: key: message.

    Nothing that a spec names is imported or run.
    """
    from invobench.spec import read

    cells = read(specs, overrides)
    for path in specs:
        _out(f"{path}: ok, {sum(cell.spec == str(path) for cell in cells)} cells")


@app.command()
@_caught
def count(
    specs: SpecPaths,
    overrides: Overrides = [],  # noqa: B006 - typer copies it
    convention: Convention_ = "formula",
    tree: Annotated[bool, typer.Option("--tree", help="A network by stage and block, with sums.")] = False,
    depth: Annotated[int | None, typer.Option("--depth", min=1, help="Levels of the tree to show.")] = None,
    symbolic: Annotated[
        bool, typer.Option("--symbolic", help="The formulas, with the spec's numbers in them.")
    ] = False,
    report: SheetFormat = "table",
) -> None:
    """Count parameters, multiply-adds and minimum bytes term by term, by formula; nothing is run or timed.

    Exit codes: 0 counted; 2 bad spec or usage; 4 nothing has a formula.
    """
    from invobench.conventions import Convention
    from invobench.report import SHEETS
    from invobench.report.count_sheet import CountOptions, counted

    if symbolic and (tree or depth is not None or report != "table"):
        raise UsageError("--symbolic prints text: leave out --tree, --depth and --format")
    render = SHEETS[report].load()
    found = counted(specs, overrides, CountOptions(Convention.named(convention), tree or depth is not None, depth))
    for label in found.without_formula:
        _say(f"{label}: has no formula; invobench crosscheck counts what it dispatches")
    if found.cells:
        _out(found.symbolic() if symbolic else render(found.sheets(), _page()))
    raise typer.Exit(found.exit_code)


@app.command()
@_caught
def crosscheck(
    specs: Annotated[list[Path] | None, typer.Argument(metavar="[SPEC...]", help="YAML files.")] = None,
    overrides: Overrides = [],  # noqa: B006 - typer copies it
    module: Annotated[
        str | None, typer.Option("--module", metavar="PACKAGE.MODULE:FACTORY", help="A module of yours instead.")
    ] = None,
    size: Annotated[str | None, typer.Option("--input", metavar="N,C,H,W", help="Shape of the module's input.")] = None,
    mode: Annotated[
        str | None, typer.Option("--mode", help="forward (default), backward or train_step, for --module.")
    ] = None,
    counters: Annotated[str | None, typer.Option("--counters", help="Comma-separated; all by default.")] = None,
    storage: Annotated[str, typer.Option("--storage", help="meta, or cpu where values are needed.")] = "meta",
    report: SheetFormat = "table",
) -> None:
    """Compare the formula, term by term, with what PyTorch dispatched and with what other counters say.

    Exit codes: 0 formula and our count agree, or there is no formula; 1 they differ; 2 bad spec or usage; 4 our
    counter has no rule for an operation, or the module does not run.
    """
    from invobench.report import SHEETS
    from invobench.report.check_sheet import check_sheet
    from invobench.runner.crosscheck import Asked, check

    render = SHEETS[report].load()
    outcome = check(Asked(specs or [], overrides, module, size, mode, counters, storage))
    for error in outcome.errors:
        _say(str(error))
    if outcome.checked:
        _out(render([check_sheet(checked) for checked in outcome.checked], _page()))
    raise typer.Exit(outcome.exit_code)


@app.command()
@_caught
def tables(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="TABLE", help="ablation, model_zoo, envelope, or a table of --published; or all."),
    ] = None,
    published: Annotated[
        Path | None, typer.Option("--published", metavar="FILE", help="Published figures of yours: a CSV like ours.")
    ] = None,
    specs: Annotated[
        list[Path] | None, typer.Option("--spec", metavar="SPEC", help="A table of your own cells instead.")
    ] = None,
    overrides: Overrides = [],  # noqa: B006 - typer copies it
    results: Annotated[
        Path | None, typer.Option("--results", metavar="FILE", help="Results of --spec, for measured columns.")
    ] = None,
    group_by: Annotated[str | None, typer.Option("--group-by", metavar="KEY", help="A part a value of KEY.")] = None,
    columns: Annotated[str | None, typer.Option("--columns", metavar="A,B", help="Columns, in this order.")] = None,
    sort: Annotated[str | None, typer.Option("--sort", metavar="KEY", help="-KEY for descending.")] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="NAME", help="The row that changes are against.")
    ] = None,
    convention: Annotated[
        str | None, typer.Option("--convention", help="This one alone; every one by default, formula with --spec.")
    ] = None,
    report: SheetFormat = "table",
) -> None:
    """Published tables beside what their networks count to when they are built: which convention reproduces which.

    With --spec, the same kind of table of your own cells. Exit codes: 0 done; 2 bad usage, spec or file.
    """
    from invobench.report import SHEETS
    from invobench.report.tables import Asked, sheets_of

    render = SHEETS[report].load()
    asked = Asked(
        names or (), published, convention, specs or (), overrides, results, group_by, columns, sort, baseline
    )
    _out(render(sheets_of(asked, _say), _page()))


@app.command()
@_caught
def plot(
    what: Annotated[
        list[str], typer.Argument(metavar="FIGURE|RESULTS...", help="envelope, or results files of --x against --y.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The figure: .svg, .pdf or .png by its suffix.")],
    x: Annotated[str | None, typer.Option("--x", help="macs (default), params; of results any numeric column.")] = None,
    y: Annotated[str | None, typer.Option("--y", help="A numeric column of results; latency by default.")] = None,
    group_by: Annotated[str | None, typer.Option("--group-by", help="A series each; operator by default.")] = None,
    log: Annotated[
        str | None, typer.Option("--log", help="x, y, xy or none; by default where values span tenfold.")
    ] = None,
    width: Annotated[str, typer.Option("--width", help="column or page of a paper.")] = "column",
) -> None:
    """Draw a figure as a paper would print it: the published envelope, or two columns of results.

    Exit codes: 0 drawn; 2 bad usage, or matplotlib is missing.
    """
    from invobench.report.figures import Request, plot

    chart = plot(what, Request(x=x, y=y, group_by=group_by, log=log), out, width)
    for note in chart.notes:
        _say(note)
    _say(f"figure: {out}")


@app.command()
@_caught
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
    from invobench.report import SHEETS

    render = SHEETS[report].load()
    from invobench.report.selftest_sheet import selftest_sheets
    from invobench.runner.selftest import FULL, QUICK, raw, selftest, write

    if out is not None:
        write(out, "")  # what cannot be kept is better known before than after
    found = selftest(device, QUICK if quick else FULL, _say)
    _out(render(selftest_sheets(found), _page()))
    if out is not None:
        write(out, raw(found))
    raise typer.Exit(found.exit_code)


@app.command()
@_caught
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
    from invobench.report import SHEETS

    render = SHEETS[report].load()
    from invobench.measure.ceiling_session import Asked, ceilings_here
    from invobench.report.ceilings_sheet import ceilings_sheet

    found = ceilings_here(Asked(device, threads, refresh), _say)
    _out(render([ceilings_sheet(found.environment, found.ceilings, found.created)], _page()))


@app.command()
@_caught
def doctor(report: SheetFormat = "table") -> None:
    """Say what hurts measuring on this machine and how to mend it, and print the environment's fingerprint."""
    from invobench.report import SHEETS

    render = SHEETS[report].load()
    from invobench.measure.doctor.snapshot import take
    from invobench.report.doctor_sheet import doctor_sheet

    _out(render([doctor_sheet(take())], _page()))


@app.command()
@_caught
def schema() -> None:
    """Print the JSON Schema of a spec, for editors."""
    import json

    from invobench.spec.schema import json_schema

    _out(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command("list")
@_caught
def list_(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="operators, backends, networks, metrics, counters, conventions, figures or formats."
        ),
    ],
) -> None:
    """List what there is, and why something is unavailable here."""
    from invobench.report.inventory import INVENTORIES

    _out(INVENTORIES[what].load()())


if __name__ == "__main__":
    main()
