"""What a run has measured, in memory and on disk, and what is left to measure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from invobench.errors import MeasurementError
from invobench.results import Replicate, ResultsFile, Row
from invobench.runner.merge import merge
from invobench.runner.schedule import Job, complete, processes_of
from invobench.spec.cells import Cell


@dataclass(frozen=True)
class Progress:
    """How far a run is, in cells and in processes; a process that is not needed any more counts as done."""

    cells: int
    cells_done: int
    processes: int
    processes_done: int


@dataclass(frozen=True)
class Left:
    """A cell that has no row yet, and how many of its processes are done."""

    cell: Cell
    done: int
    processes: int


class Ledger:
    """The rows and replicates of `cells`, each on disk before the next is measured.

    `kept`: what the file had of them. `finish` makes of a cell's own row the one that is kept.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        metrics: Sequence[str],
        file: ResultsFile,
        kept: tuple[Sequence[Row], Sequence[Replicate]],
        finish: Callable[[Row], Row],
    ) -> None:
        rows, replicates = kept
        self.cells, self._file, self._finish = tuple(cells), file, finish
        self.wanted = [processes_of(cell, metrics) for cell in cells]
        place = {cell.key: index for index, cell in enumerate(cells)}
        self._rows = {place[row.cell_key]: row for row in rows}
        self._taken: list[dict[int, Row]] = [{} for _ in cells]
        for replicate in replicates:
            self._taken[place[replicate.cell_key]][replicate.replicate] = replicate

    def needs(self, job: Job) -> bool:
        """Whether `job` has not been done, and is still of use."""
        return job.cell not in self._rows and job.replicate not in self._taken[job.cell]

    def record(self, job: Job, row: Row) -> Replicate | None:
        """Keep what one process measured: as a record of its own where its cell has several, returned then.

        Raises MeasurementError, naming the cell, where it cannot be written.
        """
        self._taken[job.cell][job.replicate] = row
        if self.wanted[job.cell] == 1:
            return None
        replicate = Replicate(**row.model_dump(exclude_none=True), replicate=job.replicate)
        self._append(job.cell, replicate)
        return replicate

    def close(self, index: int) -> Row | None:
        """Keep the row of a cell, and return it, if its processes are in and it has none."""
        if index in self._rows or not complete(self._replicates(index), self.wanted[index]):
            return None
        row = self._rows[index] = self._merged(index)
        self._append(index, row)
        return row

    def progress(self) -> Progress:
        """How far the run is."""
        done = sum(
            wanted if index in self._rows else len(self._taken[index]) for index, wanted in enumerate(self.wanted)
        )
        return Progress(len(self.cells), len(self._rows), sum(self.wanted), done)

    def left(self) -> list[Left]:
        """The cells without a row."""
        return [
            Left(cell, len(self._taken[index]), self.wanted[index])
            for index, cell in enumerate(self.cells)
            if index not in self._rows
        ]

    def rows(self) -> list[Row]:
        """A row of each cell in their order, of the processes that are in where they are not all; none without any."""
        return [
            self._rows[index] if index in self._rows else self._merged(index)
            for index in range(len(self.cells))
            if index in self._rows or self._taken[index]
        ]

    def _merged(self, index: int) -> Row:
        target = self.cells[index].measure.target_ci
        return self._finish(merge(self._replicates(index), self.wanted[index], target))

    def _replicates(self, index: int) -> list[Row]:
        return [row for _, row in sorted(self._taken[index].items())]

    def _append(self, index: int, row: Row) -> None:
        try:
            self._file.append(row)
        except MeasurementError as error:
            raise MeasurementError(f"{self.cells[index].label}: {error}") from None
