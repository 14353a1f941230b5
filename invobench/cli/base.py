"""What every command shares: the application, options, where errors become exit codes, and what is printed where."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invobench import __version__
from invobench.errors import EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_OK, InvobenchError, MeasurementError
from invobench.files import to_stderr

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
ConventionName = Annotated[str, typer.Option("--convention", help="What counts as a multiply-add; see the README.")]
SheetFormat = Annotated[str, typer.Option("--format", help="table, csv, markdown, latex or jsonl.")]


def caught(command: Callable[..., None]) -> Callable[..., None]:
    """The one place where errors become messages and exit codes."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except InvobenchError as error:
            say(str(error))
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            say("interrupted")
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except BrokenPipeError:  # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(EXIT_OK) from None
        except typer.Exit:
            raise
        except Exception as error:
            from invobench.plugins import at_fault

            theirs = at_fault(error)
            if theirs is not None:
                say(str(theirs))
                raise typer.Exit(theirs.exit_code) from None
            traceback.print_exc()
            say(f"internal error in invobench {__version__}: {type(error).__name__}: {error}; please report it")
            raise typer.Exit(EXIT_INTERNAL) from None

    return wrapped


def say(message: str) -> None:
    """Print to stderr; stdout carries only what was asked for."""
    to_stderr(message)


def show(text: str) -> None:
    """Print to stdout, in what characters it has."""
    from invobench.report.plain import printable

    sys.stdout.write(printable(text if text.endswith("\n") else text + "\n", sys.stdout.encoding))


def show_all(text: str) -> None:
    """Print to stdout, all of it. Raises MeasurementError where its disk is full."""
    try:
        show(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is buffered would fail again at the end
        raise MeasurementError(f"stdout: cannot write the report: {error.strerror}; the results are kept") from None


def page() -> Page:
    """What stdout is: as wide as the terminal and coloured there, plain elsewhere."""
    from invobench.report import Page

    terminal = sys.stdout.isatty()
    return Page(os.get_terminal_size().columns if terminal else 120, terminal and "NO_COLOR" not in os.environ)
