"""Published figures beside ours: what each row's network counts to under every convention."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from invobench.conventions import Convention
from invobench.errors import Problem, SpecError
from invobench.published.build import Buildable, buildable
from invobench.published.rows import Printed, PublishedRow
from invobench.units import GIGA, MEGA

if TYPE_CHECKING:
    from invobench.operators.base import LayerShape
    from invobench.runner.census import Census
    from invobench.spec.cells import NetworkSpec

    TakeCensus = Callable[[NetworkSpec, LayerShape], Census]


@dataclass(frozen=True)
class Comparison:
    """A published row and what its network counts to when it is built: parameters, and multiply-adds per image.

    Without `built` the row is published only, and has no figures of ours.
    """

    row: PublishedRow
    built: Buildable | None = None
    params: int | None = None
    macs: Mapping[Convention, int] = field(default_factory=dict)

    @property
    def params_match(self) -> bool | None:
        """Whether the parameters are within the row's tolerance, None where a figure is missing."""
        return _matches(self.params, MEGA, self.row.params_m, self.row.params_tolerance_m)

    def macs_match(self, convention: Convention) -> bool | None:
        """Whether the multiply-adds under `convention` are within the row's tolerance, None where one is missing."""
        return _matches(self.macs.get(convention), GIGA, self.row.flops_g, self.row.flops_tolerance_g)

    @property
    def reproduced_by(self) -> tuple[Convention, ...]:
        """Every convention that reproduces the row's multiply-adds."""
        return tuple(convention for convention in self.macs if self.macs_match(convention))

    def named(self, best: Convention | None) -> Convention | None:
        """The convention to name: `best`, the table's, where it reproduces the row, else the first that does."""
        found = self.reproduced_by
        return best if best in found else next(iter(found), None)


def _matches(value: int | None, unit: int, printed: Printed | None, tolerance: Printed) -> bool | None:
    """Whether `value` is within `tolerance` of what was `printed`, by exact arithmetic."""
    if value is None or printed is None:
        return None
    return abs(value - printed.exactly(unit)) <= tolerance.exactly(unit)


def compare(
    rows: Sequence[PublishedRow],
    conventions: Iterable[Convention] = tuple(Convention),
    take: TakeCensus | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[Comparison, ...]:
    """Build the network of every row, each network once, and count it under `conventions`.

    `take` counts a network (`invobench.runner.census.census_of` where it is not given); `say` is told how many there
    are. Raises SpecError with every setting that cannot be.
    """
    targets, wanted = _targets(rows), tuple(conventions)
    count = take or _census()
    once = [target for target in dict.fromkeys(targets) if target is not None]
    say(f"building and counting {len(once)} networks")
    censuses = {target: count(target.network, target.shape) for target in once}

    def compared(row: PublishedRow, target: Buildable | None) -> Comparison:
        if target is None:
            return Comparison(row)
        census = censuses[target]
        return Comparison(row, target, census.params, {item: census.macs(item) for item in wanted})

    return tuple(compared(row, target) for row, target in zip(rows, targets, strict=True))


def _census() -> TakeCensus:
    """What counts a built network (imports torch)."""
    from invobench.runner.census import census_of

    return census_of


def _targets(rows: Sequence[PublishedRow]) -> list[Buildable | None]:
    """What to build for each row. Raises SpecError with every row's problems."""
    targets: list[Buildable | None] = []
    problems: list[Problem] = []
    for row in rows:
        try:
            targets.append(buildable(row))
        except SpecError as error:
            problems.extend(error.problems)
    if problems:
        raise SpecError(problems)
    return targets


def distinct(comparisons: Iterable[Comparison]) -> tuple[Comparison, ...]:
    """The comparisons of networks that were built, each network once for the figures that are printed of it."""
    found = {(item.built, item.row.params_m, item.row.flops_g): item for item in comparisons if item.built is not None}
    return tuple(found.values())


def constants(comparisons: Iterable[Comparison], convention: Convention) -> tuple[Fraction, Fraction] | None:
    """The least and largest number that, taken off every value under `convention`, reproduces every row.

    None where no number does.
    """
    bounds = [
        (difference - tolerance, difference + tolerance)
        for item in comparisons
        if item.row.flops_g is not None and convention in item.macs
        for difference in [item.macs[convention] - item.row.flops_g.exactly(GIGA)]
        for tolerance in [item.row.flops_tolerance_g.exactly(GIGA)]
    ]
    if not bounds:
        return None
    low, high = max(low for low, _ in bounds), min(high for _, high in bounds)
    return (low, high) if low <= high else None
