"""A side of a judgement, and the rules that it is judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from invobench.judging.pairing import identity_of
from invobench.judging.samples import processes_of
from invobench.judging.verdicts import Identity, Subject
from invobench.results import Conditions, Environment, Results, Row
from invobench.spec.gate import STANDARD_THRESHOLDS, Thresholds


@dataclass(frozen=True)
class Side:
    """Rows of one side; `samples`: of each process of a cell that was timed, seconds a call."""

    subject: Subject
    rows: Sequence[Row]
    samples: Mapping[Identity, Sequence[Sequence[float]]]

    def samples_of(self, row: Row | None) -> Sequence[Sequence[float]]:
        """The samples of each process of the side's `row`, none of them empty; empty where it was not timed."""
        if row is None:
            return ()
        known = self.samples.get(identity_of(row))
        return processes_of(row) if known is None else [process for process in known if process]


@dataclass(frozen=True)
class Rules:
    """How two sides are judged.

    `thresholds`: of a cell. `paired`: whether process i of both sides ran next to one another. `timing`: `judge`;
    `inconclusive`, because of `timing_reason`; or `leave out`. `inconclusive`: whether exit code 3 is kept (`report`)
    or becomes 0 (`pass`) or 1 (`fail`). `where`: spec and line of a cell, 0 where the line is not known. `seed`: of
    the bootstrap.
    """

    thresholds: Callable[[Identity], Thresholds] = lambda identity: STANDARD_THRESHOLDS
    paired: bool = False
    timing: Literal["judge", "inconclusive", "leave out"] = "judge"
    timing_reason: str = ""
    fail_on_improvement: bool = False
    inconclusive: Literal["report", "pass", "fail"] = "report"
    where: Callable[[Identity], tuple[str, int]] = lambda identity: ("", 0)
    seed: int = 0


def subject_of(
    label: str, there: Environment, created: str, conditions: Conditions = "profile", revision: str = ""
) -> Subject:
    """A side as a judgement names it, measured in the environment `there`."""
    return Subject(label, there.fingerprint, there.invobench, there.torch, created, revision, conditions)


def side_of_results(results: Results, label: str) -> Side:
    """The side that a results file is. Raises MeasurementError, naming the cell, for samples that are no times."""
    subject = subject_of(label, results.run.environment, results.run.created, results.run.conditions)
    found = {identity_of(row): processes_of(row) for row in results.rows}
    return Side(subject, results.rows, {identity: samples for identity, samples in found.items() if samples})
