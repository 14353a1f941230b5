"""Progress on stderr: a bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from invobench import units
from invobench.results import Row
from invobench.spec.cells import Cell


class Quiet:
    """Watches and says nothing but warnings."""

    def started(self, total: int, done: int) -> None:
        """Nothing to say."""

    def cell_started(self, cell: Cell) -> None:
        """Nothing to say."""

    def cell_finished(self, cell: Cell, row: Row) -> None:
        """Nothing to say."""

    def warned(self, message: str) -> None:
        """Print a warning."""
        print(f"warning: {message}", file=sys.stderr)  # noqa: T201

    def finished(self) -> None:
        """Nothing to clear."""


class Lines(Quiet):
    """One line a finished cell."""

    def started(self, total: int, done: int) -> None:
        """Remember how many there are."""
        self.total, self.done = total, done
        if done:
            print(f"resumed: {done} of {total} cells were finished before", file=sys.stderr)  # noqa: T201

    def cell_finished(self, cell: Cell, row: Row) -> None:
        """Print what was measured, or why not."""
        self.done += 1
        print(f"[{self.done}/{self.total}] {cell.label}: {_summary(row)}", file=sys.stderr, flush=True)  # noqa: T201


class Bar(Quiet):
    """A bar with the running cell's name and the time left."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        # drawn seldom: drawing takes time from what is measured
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=2)

    def started(self, total: int, done: int) -> None:
        """Show the bar."""
        self._task = self._progress.add_task("starting", total=total, completed=done)
        self._progress.start()

    def cell_started(self, cell: Cell) -> None:
        """Show the cell's name."""
        self._progress.update(self._task, description=cell.label)

    def cell_finished(self, cell: Cell, row: Row) -> None:
        """Advance, and leave a line behind for a cell that was not measured."""
        if row.status not in {"ok", "noisy"}:
            self._progress.console.print(f"{cell.label}: {_summary(row)}", markup=False, highlight=False)
        self._progress.advance(self._task)

    def warned(self, message: str) -> None:
        """Print a warning above the bar."""
        self._progress.console.print(f"warning: {message}", markup=False, highlight=False)

    def finished(self) -> None:
        """Take the bar away."""
        self._progress.stop()


def _summary(row: Row) -> str:
    if row.latency_s is not None:
        return f"{row.status}, {units.duration(row.latency_s)} ({row.backend})"
    return f"{row.status}: {row.message}" if row.message else row.status


def observer(quiet: bool, terminal: bool) -> Quiet:
    """The observer for a run: silent, a bar, or lines."""
    if quiet:
        return Quiet()
    return Bar() if terminal else Lines()
