"""Two or more results -> their ratios, cell by cell, without a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from invobench.judging.mean import Mean, geometric_mean
from invobench.judging.pairing import pair, require_comparable
from invobench.judging.quantities import QUANTITIES
from invobench.judging.ratio import Processes, Ratio, ratio_of_medians
from invobench.judging.samples import require_times
from invobench.judging.side import Side
from invobench.judging.statuses import by_status
from invobench.judging.verdicts import Identity, Subject
from invobench.results import Row
from invobench.spec.gate import MIN_PROCESSES


@dataclass(frozen=True)
class Difference:
    """A quantity other than the latency that both sides have and that differs; `quantity`: a key of QUANTITIES."""

    quantity: str
    base: Any
    other: Any


@dataclass(frozen=True)
class Compared:
    """A cell of both sides. `ratio`: of its latencies, None where a side was not timed, and `message` says why."""

    identity: Identity
    ratio: Ratio | None
    differences: tuple[Difference, ...]
    message: str = ""


@dataclass(frozen=True)
class Against:
    """The base against one other: cells sorted by effect, the largest first; those without a ratio last."""

    other: Subject
    cells: tuple[Compared, ...]
    only_base: tuple[Identity, ...]
    only_other: tuple[Identity, ...]
    mean: Mean | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """One base against each of the others."""

    base: Subject
    others: tuple[Against, ...]


def compare(base: Side, others: Sequence[Side], seed: int = 0) -> Comparison:
    """Compare `base` with each of `others`, which were measured apart from it.

    Raises UsageError, naming the cell, where conventions, devices or contracts differ, and MeasurementError for
    samples that are no times.
    """
    return Comparison(base.subject, tuple(_against(base, other, seed) for other in others))


def _against(base: Side, other: Side, seed: int) -> Against:
    pairs = pair(base.rows, other.rows)
    require_comparable(pairs)
    cells = [
        _compared(one.identity, one.base, one.candidate, base, other, seed)
        for one in pairs
        if one.base and one.candidate
    ]
    ratios = [cell.ratio for cell in cells if cell.ratio is not None]
    return Against(
        other.subject,
        tuple(sorted(cells, key=_effect)),
        tuple(one.identity for one in pairs if one.candidate is None),
        tuple(one.identity for one in pairs if one.base is None),
        geometric_mean(ratios),
        tuple(_notes(base.subject, other.subject, bool(cells))),
    )


def _notes(base: Subject, other: Subject, has_cells: bool) -> Iterator[str]:
    if not has_cells:
        yield f"{base.label} and {other.label} have no cell in common"
    if base.conditions != other.conditions:
        of = f"{base.label} is of a {base.conditions} and {other.label} of a {other.conditions}"
        yield f"{of}, which use processes and memory otherwise: measure both by the same command"


def _effect(cell: Compared) -> float:
    """What cells are sorted by: the larger the change, the smaller; those without a ratio come last."""
    return -abs(math.log(cell.ratio.value)) if cell.ratio else math.inf


def _compared(identity: Identity, old: Row, new: Row, base: Side, other: Side, seed: int) -> Compared:
    status = by_status(old, new, (base.subject, other.subject))
    samples = (base.samples_of(old), other.samples_of(new))
    for side, subject in zip(samples, (base.subject, other.subject), strict=True):
        require_times(side, f"{identity.label} in {subject.label}")
    ratio = ratio_of_medians(*samples, paired=False, seed=seed) if status is None and all(samples) else None
    return Compared(identity, ratio, tuple(_differences(old, new)), status[1] if status else _said(samples, ratio))


def _said(samples: tuple[Processes, Processes], ratio: Ratio | None) -> str:
    """Why there is no ratio, or none with an interval."""
    counts = " and ".join(str(len(side)) for side in samples)
    if ratio is None:
        return "" if not any(samples) else f"timed in {counts} processes"
    return "" if ratio.low is not None else f"timed in {counts} processes: an interval takes {MIN_PROCESSES} or more"


def _differences(old: Row, new: Row) -> Iterator[Difference]:
    for name, quantity in QUANTITIES.items():
        base, other = getattr(old, quantity.field), getattr(new, quantity.field)
        if quantity.rule != "timing" and None not in (base, other) and base != other:
            yield Difference(name, base, other)
