"""A chart: what a figure shows, in the units of its axes, without a word about how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from invobench.errors import UsageError

#: an axis is logarithmic by itself where its values span more than this
LOG_SPAN = 10.0


@dataclass(frozen=True)
class Axis:
    """An axis with its label, unit included."""

    label: str
    log: bool = False


@dataclass(frozen=True)
class Point:
    """A point; `x_interval` and `y_interval` are (low, high); `recomputed`: the abscissa that we find for it."""

    x: float
    y: float
    name: str = ""
    x_interval: tuple[float, float] | None = None
    y_interval: tuple[float, float] | None = None
    recomputed: float | None = None


@dataclass(frozen=True)
class Series:
    """Points that look alike, as `lines` each of which is joined; `family`: the series that belong together."""

    label: str
    family: str
    lines: tuple[tuple[Point, ...], ...]

    @property
    def points(self) -> tuple[Point, ...]:
        """All points, line by line."""
        return tuple(point for line in self.lines for point in line)


@dataclass(frozen=True)
class Chart:
    """A figure. `caption`: what stands below it, part by part; `notes`: what else the user must hear.

    `frontier`: the corners of the Pareto frontier, by x. `ring`: what the legend says of recomputed abscissas.
    `named`: whether points carry their names.
    """

    x: Axis
    y: Axis
    series: tuple[Series, ...]
    caption: tuple[str, ...]
    notes: tuple[str, ...] = ()
    frontier: tuple[tuple[float, float], ...] = ()
    ring: str = ""
    named: bool = False


def is_log(name: str, values: list[float], asked: bool | None) -> bool:
    """Whether the axis of `name` is logarithmic: as `asked`, else where its positive `values` span more than tenfold.

    Raises UsageError where a logarithmic axis is asked for and a value is not positive.
    """
    positive = min(values) > 0
    if asked and not positive:
        raise UsageError(f"--log: {name} has a value of {min(values):g}, which a logarithmic axis cannot show")
    return positive and max(values) > LOG_SPAN * min(values) if asked is None else asked
