"""The command line: parse, call one function, print. Heavy imports happen inside the commands."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import Annotated

import typer

from invobench import __version__
from invobench.cli.base import app, show

# importing them registers their commands, in this order
# isort: off
from invobench.cli import measuring, judging, counting, specs  # noqa: F401
# isort: on

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line."""
    _fill_descriptors()
    try:
        app()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # there is nothing left to interrupt but Python's own end


def _fill_descriptors() -> None:
    """Open what the shell closed (`2>&-`): the next file would get its number, and what is printed would end there."""
    for number in range(3):
        with suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 - for as long as the program
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


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
