"""Commands that count and draw: count, crosscheck, tables, plot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from invobench.cli.base import ConventionName, Overrides, SheetFormat, SpecPaths, app, caught, page, say, show
from invobench.errors import UsageError


@app.command()
@caught
def count(
    specs: SpecPaths,
    overrides: Overrides = [],  # noqa: B006 - typer copies it
    convention: ConventionName = "formula",
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
        say(f"{label}: has no formula; invobench crosscheck counts what it dispatches")
    if found.cells:
        show(found.symbolic() if symbolic else render(found.sheets(), page()))
    raise typer.Exit(found.exit_code)


@app.command()
@caught
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
        say(str(error))
    if outcome.checked:
        show(render([check_sheet(checked) for checked in outcome.checked], page()))
    raise typer.Exit(outcome.exit_code)


@app.command()
@caught
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
    show(render(sheets_of(asked, say), page()))


@app.command()
@caught
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
        say(note)
    say(f"figure: {out}")
