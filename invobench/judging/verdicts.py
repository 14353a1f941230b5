"""What a judgement is made of, and the exit code that each verdict ends in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from invobench.errors import EXIT_FAILED, EXIT_INCONCLUSIVE, EXIT_MEASUREMENT, EXIT_OK
from invobench.results import Conditions


class Verdict(StrEnum):
    """Of a check, a cell or a whole gate.

    `improved`: better by more than the threshold; `new` and `missing`: a cell of one side alone; `failed`: a cell that
    was measured on the base's side and not on the candidate's, or on neither.
    """

    PASS = "pass"  # noqa: S105 - a verdict
    IMPROVED = "improved"
    REGRESSED = "regressed"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"
    NEW = "new"
    MISSING = "missing"
    NOTHING = "nothing measured"


#: verdict -> exit code of a gate that has it
EXITS: Mapping[Verdict, int] = {
    Verdict.PASS: EXIT_OK,
    Verdict.IMPROVED: EXIT_OK,
    Verdict.REGRESSED: EXIT_FAILED,
    Verdict.INCONCLUSIVE: EXIT_INCONCLUSIVE,
    Verdict.FAILED: EXIT_MEASUREMENT,
    Verdict.NEW: EXIT_OK,
    Verdict.MISSING: EXIT_INCONCLUSIVE,
    Verdict.NOTHING: EXIT_MEASUREMENT,
}

#: of several verdicts the first in this order is the whole's; what exits worse comes first
SEVERITY = (
    Verdict.REGRESSED,
    Verdict.NOTHING,
    Verdict.FAILED,
    Verdict.MISSING,
    Verdict.INCONCLUSIVE,
    Verdict.IMPROVED,
    Verdict.PASS,
    Verdict.NEW,
)


@dataclass(frozen=True)
class Identity:
    """What pairs a row with one of another result: everything else is compared.

    `device`: its kind where it ran (`cpu`, `cuda`), not its number. `backend`: as requested.
    """

    name: str
    coordinates: tuple[tuple[str, Any], ...]
    device: str
    dtype: str
    mode: str
    scope: str
    backend: str

    @property
    def label(self) -> str:
        """The name with its coordinates: `involution kernel_size=7 backend=shift`."""
        return " ".join([self.name, *(f"{key}={value}" for key, value in self.coordinates)])


@dataclass(frozen=True)
class Check:
    """One quantity of one cell on both sides.

    `quantity`: a key of QUANTITIES. `field`: the row's, in SI base units; `base` and `candidate` are its values, None
    where a side has none. `threshold`: the growth allowed (0.05 for 5 %), None where there is none. `ratio`: candidate
    over base, with its 95 % interval where it has one. `needs`: processes a side that it would take to tell, where it
    is inconclusive and that can be said.
    """

    quantity: str
    field: str
    base: Any
    candidate: Any
    threshold: float | None
    verdict: Verdict
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    needs: int | None = None
    message: str = ""


@dataclass(frozen=True)
class Judged:
    """A cell: its checks, in the order of QUANTITIES, and what they come to.

    `spec`, `line`: where it stands, for annotations; line 0 where that is not known. `message` says what decides the
    verdict. `processes`: of base and candidate.
    """

    identity: Identity
    checks: tuple[Check, ...]
    verdict: Verdict
    message: str = ""
    spec: str = ""
    line: int = 0
    processes: tuple[int, int] = (0, 0)

    def check(self, quantity: str) -> Check | None:
        """The check of `quantity`, None where it was not looked at."""
        return next((check for check in self.checks if check.quantity == quantity), None)


@dataclass(frozen=True)
class Subject:
    """A side of a judgement: what it is called, and where it was measured.

    `label`: such as a file, `working tree` or a revision. `revision`: the full hash where there is one. `conditions`:
    as its run has them.
    """

    label: str
    fingerprint: str
    invobench: str
    torch: str
    created: str
    revision: str = ""
    conditions: Conditions = "profile"


@dataclass(frozen=True)
class Judgement:
    """A gate's outcome. `exit_code` follows the verdict, and what was asked for of inconclusive ones.

    `notes`: what a reader must know (other environments, what was left out, what to do). `mean`, `mean_low`,
    `mean_high`: the geometric mean of the latency ratios over cells, with its interval.
    """

    base: Subject
    candidate: Subject
    cells: tuple[Judged, ...]
    verdict: Verdict
    exit_code: int
    notes: tuple[str, ...] = ()
    mean: float | None = None
    mean_low: float | None = None
    mean_high: float | None = None
    time_s: float | None = None
    spec_hash: str = ""


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict of a whole with these; `nothing measured` where there are none."""
    return min(verdicts, key=SEVERITY.index, default=Verdict.NOTHING)
