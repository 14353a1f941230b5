"""What a gate is asked, what watches it, and what it answers (no torch)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from invobench.errors import EXIT_INCONCLUSIVE, EXIT_INTERRUPTED, EXIT_MEASUREMENT, EXIT_OK, InvobenchError, worst_exit
from invobench.judging.verdicts import Judgement
from invobench.results import Environment, Run

Inconclusive = Literal["report", "pass", "fail"]


@dataclass(frozen=True)
class GateRequest:
    """What to gate, against what, and where its results go. At most one of the three bases is given.

    `base_ref`: a revision of the working directory's git repository. `against_python`: the interpreter of another
    environment. `baseline`: a file of `baseline save`. `out`: the folder of the results. `device`: for every cell,
    None for what the spec says. `deterministic`: timing is left out. `command`: as the user typed it. `slow`: layers of
    the candidate of which every call takes so many times its own time, to study the gate itself.
    """

    specs: tuple[Path, ...]
    out: Path
    overrides: tuple[str, ...] = ()
    device: str | None = None
    base_ref: str | None = None
    against_python: Path | None = None
    baseline: Path | None = None
    deterministic: bool = False
    fail_on_improvement: bool = False
    inconclusive: Inconclusive = "report"
    command: str = ""
    slow: tuple[tuple[str, float], ...] = ()

    @property
    def settings(self) -> tuple[str, ...]:
        """`overrides`, with the device as one of them."""
        return (*self.overrides, *([f"device={self.device}"] if self.device else []))


@dataclass(frozen=True)
class GateProgress:
    """How far a gate is: rounds done of those that it takes at least, seconds since its start, cells in the next one.

    `rounds` grows where it goes on with cells that are undecided.
    """

    rounds_done: int
    rounds: int
    cells: int
    time_s: float


class GateObserver(Protocol):
    """Who watches a gate."""

    def stage(self, text: str) -> None:
        """What takes its time now, such as `starting base (main) and candidate (working tree)`."""

    def started(self, progress: GateProgress) -> None:
        """The first round begins."""

    def round_finished(self, progress: GateProgress) -> None:
        """A round is on disk."""

    def warned(self, message: str) -> None:
        """Something that the user should know."""


@dataclass(frozen=True)
class GateOutcome:
    """How a gate ended. `judgement` is None where it was interrupted or broken off before it could judge.

    `base_run` is None against a baseline. `folder`: where `base/` and `candidate/` are.
    """

    judgement: Judgement | None
    base_run: Run | None
    candidate_run: Run | None
    folder: Path
    interrupted: bool = False
    error: InvobenchError | None = None

    @property
    def exit_code(self) -> int:
        """The judgement's; 130 interrupted, and the error's where there is one; never 0 without a judgement."""
        codes = [EXIT_INTERRUPTED] * self.interrupted + ([self.error.exit_code] if self.error else [])
        judged = self.judgement.exit_code if self.judgement else EXIT_MEASUREMENT
        return worst_exit([*codes, judged] if self.judgement or not codes else codes)


@dataclass(frozen=True)
class Rate:
    """`count` of `of` gates, with the 95 % interval that independent gates would have (Wilson); of 0: 0 to 1."""

    count: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        """`count / of`, None of none."""
        return self.count / self.of if self.of else None


@dataclass(frozen=True)
class SelftestCell:
    """What gates said of one cell, or of all together (`label` is `all cells` then; regressed where any cell is).

    A against A: how many gates said `regressed` (`false_alarms`) and `pass` (`passes`). `detected`: factor of slowing
    -> how many said `regressed`. `smallest`: the smallest threshold with which 95 % of the gates of A against A would
    say `pass`, None where no gate had an interval. `threshold`: what the spec or the command line asks for, None where
    it asks for none. `latency_s`: A's median.
    """

    label: str
    threshold: float | None
    latency_s: float | None
    false_alarms: Rate
    passes: Rate
    detected: tuple[tuple[float, Rate], ...]
    smallest: float | None

    @property
    def is_supported(self) -> bool:
        """Whether the threshold asked for is one that this machine supports."""
        return self.threshold is None or (self.smallest is not None and self.smallest <= self.threshold)


@dataclass(frozen=True)
class GateSelftest:
    """How good the gate is on this machine, as it is now.

    `gates` were drawn, each of `processes` of the `rounds` that were measured: they overlap, so that they are not as
    many independent ones. `failed`: cells that were not measured -> why.
    """

    environment: Environment
    device: str
    rounds: int
    processes: int
    gates: int
    factors: tuple[float, ...]
    cells: tuple[SelftestCell, ...]
    whole: SelftestCell | None
    failed: tuple[tuple[str, str], ...] = ()
    time_s: float = 0.0
    interrupted: bool = False
    notes: tuple[str, ...] = ()

    @property
    def unsupported(self) -> Sequence[SelftestCell]:
        """Cells whose threshold is below what this machine supports."""
        return [cell for cell in self.cells if not cell.is_supported]

    @property
    def exit_code(self) -> int:
        """0 where every threshold is supported; 3 where one is not; 4 where a cell was not measured; 130."""
        nothing = [EXIT_MEASUREMENT] * bool(self.failed or not self.cells)
        below = [EXIT_INCONCLUSIVE] * bool(self.unsupported)
        return worst_exit([EXIT_OK, *nothing, *below, *([EXIT_INTERRUPTED] * self.interrupted)])
