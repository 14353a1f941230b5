"""Commands that judge: compare, gate, baseline, history."""

from __future__ import annotations

import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from invobench.cli.base import Overrides, SheetFormat, SpecPaths, app, caught, page, say, show
from invobench.errors import EXIT_MEASUREMENT, EXIT_OK, UnknownName, UsageError
from invobench.runner import interrupts
from invobench.table import unknown

StoreFile = Annotated[
    Path | None, typer.Option("--store", metavar="FILE", help="The history; in the user's data folder by default.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")]
_INCONCLUSIVE = ("pass", "fail")

baselines = typer.Typer(
    help="Keep results as a baseline that gates compare with, and look at it.", no_args_is_help=True
)
app.add_typer(baselines, name="baseline")


@app.command()
@caught
def compare(
    results: Annotated[list[Path], typer.Argument(metavar="A B [C...]", help="Results files: the others against A.")],
    as_json: Json = False,
    report: SheetFormat = "table",
) -> None:
    """Compare results of profile with the first: ratios of latencies with 95 % intervals, the largest effects first.

    Exit codes: 0 compared; 2 bad usage, or results that are not comparable; 4 two results have no cell in common.
    """
    from invobench.cli.gating import only_one_format
    from invobench.report import SHEETS

    render = SHEETS[report].load()
    only_one_format(as_json, report)
    if len(results) < 2:
        raise UsageError("compare needs two results files or more: the base, and what is held against it")
    from invobench.judging.compare import compare
    from invobench.judging.side import side_of_results
    from invobench.report import compare_sheet
    from invobench.results import read_results

    sides = [side_of_results(read_results(path), str(path)) for path in results]
    found = compare(sides[0], sides[1:])
    show(compare_sheet.as_json(found) if as_json else render(compare_sheet.compare_sheets(found), page()))
    apart = [against.other.label for against in found.others if not against.cells]
    for label in apart:
        say(f"{label}: nothing compared: no cell in common with {found.base.label}; cells pair by name and coordinates")
    raise typer.Exit(EXIT_MEASUREMENT if apart else EXIT_OK)


@app.command()
@caught
@interrupts.held_back()  # Ctrl-C is heard where the gate waits: an import would swallow it, a row be torn
def gate(
    specs: SpecPaths,
    base_ref: Annotated[
        str | None, typer.Option("--base-ref", metavar="REV", help="Base: a revision of this git repository.")
    ] = None,
    against_python: Annotated[
        Path | None, typer.Option("--against-python", metavar="PATH", help="Base: another environment's interpreter.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="FILE", help="Base: a file of baseline save.")
    ] = None,
    overrides: Overrides = [],  # noqa: B006 - typer copies it
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda or cuda:N, for every cell.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder of the results.")] = None,
    deterministic: Annotated[bool, typer.Option("--deterministic", help="Leave timing out.")] = False,
    fail_on_improvement: Annotated[
        bool,
        typer.Option("--fail-on-improvement", help="Exit 1 for an improvement too, so that baselines are renewed."),
    ] = False,
    inconclusive: Annotated[
        str | None, typer.Option("--inconclusive", metavar="pass|fail", help="Exit 0 or 1 where it would be 3.")
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="JUnit XML.")] = None,
    bmf: Annotated[Path | None, typer.Option("--bmf", metavar="FILE", help="Bencher Metric Format.")] = None,
    github_benchmark: Annotated[
        Path | None,
        typer.Option("--github-benchmark", metavar="FILE", help="customSmallerIsBetter of github-action-benchmark."),
    ] = None,
    as_json: Json = False,
    report: SheetFormat = "table",
    store: StoreFile = None,
    no_store: Annotated[bool, typer.Option("--no-store", help="Add nothing to the history.")] = False,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Measure how good the gate is on this machine; takes no base.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
) -> None:
    """Say whether layers and networks got slower, heavier or wrong, against a base that is measured in turn with them.

    Under GitHub Actions it annotates and writes a step summary besides. Exit codes: 0 pass; 1 regressed; 2 bad spec or
    usage; 3 inconclusive, or a cell is missing; 4 a cell was not measured, or none was; 70 our bug; 130 interrupted.
    """
    interrupts.check()
    from invobench.cli.gating import Asked, run
    from invobench.report import SHEETS
    from invobench.runner.gate.request import GateRequest

    SHEETS[report].load()  # told before anything is measured
    if inconclusive not in (None, *_INCONCLUSIVE):
        raise UnknownName(unknown("--inconclusive", str(inconclusive), _INCONCLUSIVE))
    request = GateRequest(
        specs=tuple(specs),
        out=out or Path("invobench-results") / datetime.now().strftime("gate-%Y-%m-%d-%H%M%S"),
        overrides=tuple(overrides),
        device=device,
        base_ref=base_ref,
        against_python=against_python,
        baseline=baseline,
        deterministic=deterministic,
        fail_on_improvement=fail_on_improvement,
        inconclusive=inconclusive or "report",  # type: ignore[arg-type]  # one of its words, as was checked
        command=shlex.join(["invobench", *sys.argv[1:]]),
    )
    files = {"junit": junit, "bmf": bmf, "github-benchmark": github_benchmark}
    wanted = {output: path for output, path in files.items() if path is not None}
    raise typer.Exit(run(request, Asked(wanted, as_json, report, store, no_store, quiet), self_test))


@baselines.command()
@caught
def save(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Results of profile, best with processes: 10.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The baseline: JSON, to be committed.")],
) -> None:
    """Write a baseline of results, in place of an older one.

    Exit codes: 0 saved; 2 nothing was measured, or the file cannot be written.
    """
    from invobench.baselines.file import save
    from invobench.results import read_results

    saved = save(read_results(results), file)
    for warning in saved.warnings:
        say(f"warning: {warning}")
    say(f"baseline: {file}, {len(saved.rows)} cells")


@baselines.command("show")
@caught
def show_baseline(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A baseline.")],
    report: SheetFormat = "table",
) -> None:
    """Print what a baseline holds, and where and of what it was made.

    Exit codes: 0 shown; 2 not a baseline.
    """
    from invobench.report import SHEETS

    render = SHEETS[report].load()
    from invobench.baselines.file import read_baseline
    from invobench.report.baseline_sheet import baseline_sheet

    show(render([baseline_sheet(read_baseline(file))], page()))


@baselines.command("list")
@caught
def list_baselines(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="[FOLDER...]", help="Where to look; here by default.")
    ] = None,
    report: SheetFormat = "table",
) -> None:
    """List the baselines in folders and below.

    Exit codes: 0 listed; 2 no such folder.
    """
    from invobench.report import SHEETS

    render = SHEETS[report].load()
    from invobench.baselines.listing import list_baselines
    from invobench.report.baseline_sheet import baselines_sheet

    searched = folders or [Path()]
    show(render([baselines_sheet(list_baselines(searched), ", ".join(map(str, searched)))], page()))


@app.command()
@caught
def history(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A layer or network, with or without its coordinates.")],
    quantity: Annotated[str, typer.Option("--quantity", help="latency, peak_memory, params, ...")] = "latency",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="So many gates, the newest.")] = None,
    store: StoreFile = None,
    report: SheetFormat = "table",
) -> None:
    """Print and draw what gates have found of a cell over time.

    Exit codes: 0 shown; 2 no history, or none of that name.
    """
    from invobench.report import SHEETS

    render = SHEETS[report].load()
    from invobench.baselines.store import Store
    from invobench.report.history_sheet import history_sheets

    show(render(history_sheets(Store(store).history(name, quantity, limit)), page()))
