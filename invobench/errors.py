"""Every error that invobench raises on purpose, and the exit code that it ends in.

They are caught once, in `invobench.cli.base`; whatever else reaches the command line is a bug (exit 70).
"""

from __future__ import annotations

from dataclasses import dataclass

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INCONCLUSIVE = 3
EXIT_MEASUREMENT = 4
EXIT_INTERNAL = 70
EXIT_INTERRUPTED = 130

#: where several apply, the first in this order is the exit code
EXIT_PRECEDENCE = (
    EXIT_USAGE,
    EXIT_INTERRUPTED,
    EXIT_INTERNAL,
    EXIT_FAILED,
    EXIT_MEASUREMENT,
    EXIT_INCONCLUSIVE,
    EXIT_OK,
)


def worst_exit(codes: list[int]) -> int:
    """The exit code of a run in which each of `codes` occurred."""
    return min(codes, key=EXIT_PRECEDENCE.index, default=EXIT_OK)


class InvobenchError(Exception):
    """Base of all; the message is one line that names the place and the fix."""

    exit_code = EXIT_INTERNAL


class UsageError(InvobenchError):
    """A command line that cannot be carried out."""

    exit_code = EXIT_USAGE


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in a spec: where, which key, what, and what to do.

    `line` and `column` count from 1.
    """

    file: str
    line: int
    column: int
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.key}: {self.message}"


class SpecError(InvobenchError):
    """A spec with problems: all of them, one a line."""

    exit_code = EXIT_USAGE

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnknownName(InvobenchError):
    """A name that a table does not have; the message lists the ones that it has."""

    exit_code = EXIT_USAGE


class StoreError(InvobenchError):
    """A history that cannot be read or written. A gate warns of it, and ends as it would have without."""

    exit_code = EXIT_USAGE


class PluginError(InvobenchError):
    """What an installed package added to a table failed while it was used."""

    exit_code = EXIT_USAGE


class BackendUnavailable(InvobenchError):
    """A backend that cannot run this operator on this device in this mode or dtype."""

    exit_code = EXIT_MEASUREMENT


class MeasurementError(InvobenchError):
    """A measurement that did not succeed or cannot be trusted."""

    exit_code = EXIT_MEASUREMENT


def one_line(error: BaseException) -> str:
    """`ValueError: text`, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
