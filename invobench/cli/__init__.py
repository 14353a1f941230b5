"""The command line: parse, call one function, print. Heavy imports happen inside the commands."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from invobench import __version__
from invobench.cli.base import app, show

# importing them registers their commands, in this order
# isort: off
from invobench.cli import measuring, counting, specs  # noqa: F401
# isort: on

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line."""
    try:
        app()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # there is nothing left to interrupt but Python's own end


def _version(wanted: bool) -> None:
    if wanted:
        show(f"invobench {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What a vision layer really costs: involution, convolution and local self-attention, counted and measured."""
