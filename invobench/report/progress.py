"""Progress on stderr: a bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from invobench import units
from invobench.files import to_stderr
from invobench.results import MEASURED, Replicate, Row
from invobench.runner.ledger import Progress as Done
from invobench.spec.cells import Cell


class Quiet:
    """Watches and says nothing but warnings."""

    def started(self, done: Done) -> None:
        """Nothing to say."""

    def cell_started(self, cell: Cell, replicate: int) -> None:
        """Nothing to say."""

    def replicate_finished(self, cell: Cell, row: Replicate, done: Done) -> None:
        """Nothing to say."""

    def cell_finished(self, cell: Cell, row: Row, done: Done) -> None:
        """Nothing to say."""

    def warned(self, message: str) -> None:
        """Print a warning."""
        to_stderr(f"warning: {message}")

    def finished(self) -> None:
        """Nothing to clear."""


class Lines(Quiet):
    """One line a finished process, where cells have several, and one a finished cell."""

    def started(self, done: Done) -> None:
        """Say what was finished before."""
        if done.processes_done:
            self._print(f"resumed: {_resumed(done)} before")

    def replicate_finished(self, cell: Cell, row: Replicate, done: Done) -> None:
        """Print what one process measured, or why it did not."""
        self._print(f"[{_of(done)}] {cell.label}: process {row.replicate + 1}: {_summary(row)}")

    def cell_finished(self, cell: Cell, row: Row, done: Done) -> None:
        """Print what was measured, or why not."""
        self._print(f"[{_of(done)}] {cell.label}: {_summary(row)}")

    @staticmethod
    def _print(text: str) -> None:
        to_stderr(text)


class Bar(Quiet):
    """A bar of processes with the running cell's name and the time left."""

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

    def started(self, done: Done) -> None:
        """Show the bar."""
        self._task = self._progress.add_task("starting", total=done.processes, completed=done.processes_done)
        self._progress.start()

    def cell_started(self, cell: Cell, replicate: int) -> None:
        """Show the cell's name, and which of its processes runs after the first."""
        self._progress.update(self._task, description=cell.label + (f", process {replicate + 1}" if replicate else ""))

    def replicate_finished(self, cell: Cell, row: Replicate, done: Done) -> None:
        """Advance."""
        self._progress.update(self._task, completed=done.processes_done)

    def cell_finished(self, cell: Cell, row: Row, done: Done) -> None:
        """Advance, and leave a line behind for a cell that was not measured, or has something to say."""
        if row.status not in MEASURED or row.message:
            self._progress.console.print(f"{cell.label}: {_summary(row)}", markup=False, highlight=False)
        self._progress.update(self._task, completed=done.processes_done)

    def warned(self, message: str) -> None:
        """Print a warning above the bar."""
        self._progress.console.print(f"warning: {message}", markup=False, highlight=False)

    def finished(self) -> None:
        """Take the bar away."""
        self._progress.stop()


def _of(done: Done) -> str:
    return f"{done.processes_done}/{done.processes}"


def _resumed(done: Done) -> str:
    """What was finished before, in cells, and in processes where cells have several."""
    cells = f"{done.cells_done} of {done.cells} cells"
    several = f" ({done.processes_done} of {done.processes} processes)" if done.processes > done.cells else ""
    return f"{cells}{several} were finished"


def _summary(row: Row) -> str:
    measured = [] if row.latency_s is None else [f"{units.duration(row.latency_s)} ({row.backend})"]
    if row.status in MEASURED and measured:
        return f"{row.status}, {measured[0]}" + (f": {row.message}" if row.message else "")
    parts = [": ".join(part for part in (row.status, row.message) if part), *measured]
    return "; measured: ".join(parts)


def observer(quiet: bool, terminal: bool) -> Quiet:
    """The observer for a run: silent, a bar, or lines."""
    if quiet:
        return Quiet()
    return Bar() if terminal else Lines()
