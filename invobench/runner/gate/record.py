"""What a side has measured, in memory and in its results file (no torch)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from invobench.errors import UsageError
from invobench.judging.side import Side
from invobench.judging.verdicts import Identity, Subject
from invobench.results import Conditions, Environment, Replicate, ResultsFile, Row, Run, digest
from invobench.runner.gate.measurer import Planned
from invobench.runner.merge import merge
from invobench.runner.resume import spec_id


class Record:
    """The replicates of a side's cells, each on disk as it is kept, and the row that they come to at the end.

    `target_ci`: of a cell, how narrow the interval of an `ok` row is. Raises UsageError where the folder has results.
    """

    def __init__(
        self, folder: Path, run: Run, cells: Iterable[Identity], target_ci: Callable[[Identity], float]
    ) -> None:
        self.run, self._target_ci = run, target_ci
        self.taken: dict[Identity, list[Row]] = {identity: [] for identity in cells}
        self._file = ResultsFile(folder, run)
        if not self._file.fresh:
            self._file.close()
            raise UsageError(f"{self._file.path}: there are results already; choose another --out DIR")

    def keep(self, identity: Identity, row: Row) -> None:
        """Keep what one process measured of a cell. Raises MeasurementError where it cannot be written."""
        replicates = self.taken[identity]
        self._file.append(Replicate(**row.model_dump(exclude_none=True), replicate=len(replicates)))
        replicates.append(row)

    def side(self, subject: Subject, timed: Callable[[Identity], Sequence[int]]) -> Side:
        """What is there so far as a side of a judgement. `timed`: the processes of a cell whose times count."""
        rows = [self._merged(identity, taken) for identity, taken in self.taken.items() if taken]
        samples = {
            identity: [taken[number].samples_s for number in timed(identity)] for identity, taken in self.taken.items()
        }
        return Side(subject, rows, {identity: found for identity, found in samples.items() if found})

    def finish(self) -> None:
        """Write a row of each cell, of the processes that are in."""
        for identity, taken in self.taken.items():
            if taken:
                self._file.append(self._merged(identity, taken))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _merged(self, identity: Identity, taken: Sequence[Row]) -> Row:
        return merge(taken, len(taken), self._target_ci(identity))


def head(
    command: str,
    overrides: Sequence[str],
    planned: Sequence[Planned],
    environment: Environment,
    metrics: Sequence[str],
    conditions: Conditions,
) -> Run:
    """The head of a side's results file."""
    cells = {cell.key: dict(cell.describe) for cell in planned}
    specs = tuple(dict.fromkeys(cell.row.spec for cell in planned))
    return Run(
        run_key=digest({"cells": sorted(cells), "metrics": sorted(metrics)}),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        specs=specs,
        overrides=tuple(overrides),
        environment=environment,
        metrics=tuple(metrics),
        cells=cells,
        spec_ids=tuple(spec_id(spec) for spec in specs),
        conditions=conditions,
    )
