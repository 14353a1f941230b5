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
from typing import Annotated, Any

import typer

from invobench import __version__
from invobench.errors import EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_OK, InvobenchError, UsageError

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


def main() -> None:
    """Run the command line."""
    app()


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
def profile(
    specs: SpecPaths,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder of the results.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda or cuda:N, for every cell.")] = None,
    overrides: Overrides = [],  # noqa: B006 - typer copies it
    metrics: Annotated[str | None, typer.Option("--metrics", help="Comma-separated; all by default.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Skip the cells that --out has rows of.")] = False,
    report: Annotated[str, typer.Option("--format", help="table, csv, jsonl or markdown.")] = "table",
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the cells and the time they may take.")] = False,
) -> None:
    """Count and measure layers and networks, and print a table; results are kept in --out as they come.

    Exit codes: 0 measured; 2 bad spec or usage; 4 a cell was not measured; 130 interrupted; 70 our bug.
    """
    from invobench.report import REPORTS, Page
    from invobench.runner.metrics import METRICS
    from invobench.spec import read

    entry = REPORTS[report]
    wanted = [METRICS[name.strip()].path for name in metrics.split(",")] if metrics else None
    chosen = tuple(name for name, metric in METRICS.items() if wanted is None or metric.path in wanted)
    cells = read(specs, [*overrides, *([f"device={device}"] if device else [])])
    if dry_run:
        from invobench.report.plan import render_plan

        _out(render_plan(cells))
        return
    if resume and out is None:
        raise UsageError("--resume needs --out DIR, the folder to go on with")

    from invobench.report.progress import observer
    from invobench.runner.session import Request, profile

    signal.signal(signal.SIGTERM, _terminated)
    folder = out or Path("invobench-results") / datetime.now().strftime("%Y-%m-%d-%H%M%S")
    watching = observer(quiet, sys.stderr.isatty())
    try:
        command = shlex.join(["invobench", *sys.argv[1:]])
        outcome = profile(Request(cells, folder, chosen, command, tuple(overrides), resume), watching)
    finally:
        watching.finished()
    terminal = sys.stdout.isatty()
    page = Page(os.get_terminal_size().columns if terminal else 120, terminal and "NO_COLOR" not in os.environ)
    _out(entry.load()(outcome.run, outcome.rows, page))
    _say(f"results: {folder / 'results.jsonl'}")
    if outcome.error is not None:
        _say(str(outcome.error))
    if outcome.interrupted:
        _say(f"interrupted: {len(outcome.rows)} of {len(cells)} cells are kept; go on with --resume --out {folder}")
    raise typer.Exit(outcome.exit_code)


def _terminated(signal_number: int, frame: Any) -> None:
    raise KeyboardInterrupt


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
def schema() -> None:
    """Print the JSON Schema of a spec, for editors."""
    import json

    from invobench.spec.schema import json_schema

    _out(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command("list")
@_caught
def list_(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="operators, backends, networks, metrics or formats.")],
) -> None:
    """List what there is, and why something is unavailable here."""
    from invobench.report.inventory import INVENTORIES

    _out(INVENTORIES[what].load()())


if __name__ == "__main__":
    main()
