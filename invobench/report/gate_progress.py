"""A gate's progress on stderr: a bar on a terminal, plain lines elsewhere, warnings alone when quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invobench import units
from invobench.files import to_stderr

if TYPE_CHECKING:
    from rich.progress import Progress

    from invobench.runner.gate.request import GateProgress


class Quiet:
    """Watches and says nothing but warnings."""

    def stage(self, text: str) -> None:
        """Nothing to say."""

    def started(self, progress: GateProgress) -> None:
        """Nothing to say."""

    def round_finished(self, progress: GateProgress) -> None:
        """Nothing to say."""

    def warned(self, message: str) -> None:
        """Print a warning."""
        _print(f"warning: {message}")

    def finished(self) -> None:
        """Nothing to clear."""


class Lines(Quiet):
    """A line a stage and a line a round."""

    def stage(self, text: str) -> None:
        """Print what begins."""
        _print(text)

    def round_finished(self, progress: GateProgress) -> None:
        """Print how far it is."""
        cells = f"{progress.cells} cell{'' if progress.cells == 1 else 's'}"
        time = units.duration(progress.time_s)
        _print(f"[{progress.rounds_done}/{progress.rounds}] rounds of both sides, {cells} in the next, {time}")


class Bar(Quiet):
    """A bar of rounds under what takes its time."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        # drawn seldom: drawing takes time from what is measured
        self._progress: Progress = Progress(
            *columns, console=Console(stderr=True), transient=True, refresh_per_second=2
        )
        self._task = self._progress.add_task("starting", total=None)

    def stage(self, text: str) -> None:
        """Show what takes its time."""
        self._progress.update(self._task, description=text)
        self._progress.start()

    def started(self, progress: GateProgress) -> None:
        """Show the rounds."""
        self._progress.update(self._task, total=progress.rounds, completed=progress.rounds_done)
        self._progress.start()

    def round_finished(self, progress: GateProgress) -> None:
        """Advance."""
        self._progress.update(self._task, total=progress.rounds, completed=progress.rounds_done)

    def warned(self, message: str) -> None:
        """Print a warning above the bar."""
        self._progress.console.print(f"warning: {message}", markup=False, highlight=False, soft_wrap=True)

    def finished(self) -> None:
        """Clear the bar."""
        self._progress.stop()


def observer(quiet: bool, terminal: bool) -> Quiet:
    """The observer for a gate: silent, a bar, or lines."""
    if quiet:
        return Quiet()
    return Bar() if terminal else Lines()


def _print(text: str) -> None:
    to_stderr(text)
