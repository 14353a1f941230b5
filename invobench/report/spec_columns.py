"""What a row of `invobench tables --spec` can show: FIGURES by name, and facts of its cell.

Adding a column of figures is one line in FIGURES.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from invobench import units
from invobench.conventions import Convention
from invobench.cost import Cost
from invobench.operators.base import LayerSpec
from invobench.report.view import NOISY
from invobench.results import MEASURED, Row
from invobench.runner.rows import make_row
from invobench.spec.cells import Cell

Bounds = tuple[float, float]


@dataclass(frozen=True)
class Point:
    """A cell, what counting says about it, and what was measured, if anything was.

    `counted` is a row of what the cell alone decides, `cost` that of one image (None without a formula).
    """

    cell: Cell
    counted: Row
    cost: Cost | None
    row: Row | None
    convention: Convention

    @property
    def known(self) -> Row:
        """The measured row, else the counted one."""
        return self.row or self.counted

    @property
    def measured(self) -> bool:
        """Whether the cell was measured."""
        return self.row is not None and self.row.status in MEASURED


def point(cell: Cell, row: Row | None, convention: Convention) -> Point:
    """`cell`, counted under `convention`, beside its `row` of a results file."""
    cost = replace(cell, shape=replace(cell.shape, batch=1)).cost()
    return Point(cell, make_row(cell, {}), cost, row, convention)


@dataclass(frozen=True)
class Figure:
    """A column of figures.

    `heading`: `{convention}` in it is the chosen one. `field`: its name in records, with the unit. `text`: by
    magnitude. `measured`: it comes from a results file; `carried`: and its convention with it. Where `bounds` knows
    the 95 % interval, `within` prints the digits that it supports, and `bound_fields` name its ends in records.
    """

    heading: str
    field: str
    value: Callable[[Point], float | None]
    text: Callable[[float], str]
    measured: bool = False
    carried: bool = False
    bounds: Callable[[Point], Bounds | None] = lambda point: None
    within: Callable[[float, float], str] = units.within
    bound_fields: tuple[str, ...] = ()

    def of(self, point: Point) -> float | None:
        """The figure of `point`; none that is measured where its cell was not."""
        return self.value(point) if point.measured or not self.measured else None

    def shown(self, point: Point) -> str:
        """The figure as text, the status in its place where the cell was not measured."""
        if self.measured and not point.measured:
            return point.known.status
        value, bounds = self.of(point), self.bounds(point)
        if value is None:
            return ""
        half_width = (bounds[1] - bounds[0]) / 2 if bounds else 0.0
        text = self.within(value, half_width) if half_width else self.text(value)
        return text + (NOISY if self.bound_fields and point.known.status == "noisy" else "")

    def change(self, point: Point, base: Point) -> str:
        """How the figure compares with that of `base`: `↓ 35 %`, or `≈` where their intervals overlap."""
        ratio = self.ratio(point, base)
        if ratio is None or point is base:
            return ""
        ours, theirs = self.bounds(point), self.bounds(base)
        apart = ours is None or theirs is None or ours[1] < theirs[0] or theirs[1] < ours[0]
        return units.change(ratio) if apart else "≈"

    def ratio(self, point: Point, base: Point) -> float | None:
        """The figure over that of `base`, None where there is no such number."""
        value, other = self.of(point), self.of(base)
        return value / other if value is not None and other else None

    def record(self, point: Point) -> dict[str, float]:
        """The figure, and its interval, for programs."""
        value, bounds = self.of(point), self.bounds(point) if point.measured else None
        ends = dict(zip(self.bound_fields, bounds, strict=True)) if bounds else {}
        return ({} if value is None else {self.field: value}) | ends


def _field(name: str) -> Callable[[Point], float | None]:
    """Field `name` of the measured row."""
    return lambda point: getattr(point.row, name)


def _macs(point: Point) -> int | None:
    return None if point.cost is None else point.cost.macs(point.convention, point.cell.mode)


def _params(point: Point) -> int | None:
    return point.known.params if point.counted.params is None else point.counted.params


def _per_image(name: str) -> Callable[[Point], float | None]:
    """Field `name` of the measured row, which is that of the batch, for one image."""

    def value(point: Point) -> float | None:
        found = getattr(point.row, name)
        if found is None:
            return None
        whole, rest = divmod(found, point.cell.shape.batch)
        return found / point.cell.shape.batch if rest else whole  # type: ignore[no-any-return]

    return value


def _latency(point: Point) -> Bounds | None:
    row = point.row
    if row is None or row.latency_low_s is None or row.latency_high_s is None:
        return None
    return row.latency_low_s, row.latency_high_s


def _throughput(point: Point) -> Bounds | None:
    bounds, batch = _latency(point), point.cell.shape.batch
    return None if bounds is None else (batch / bounds[1], batch / bounds[0])


_TIMES, _RATES = ("latency_low_s", "latency_high_s"), ("throughput_low_per_s", "throughput_high_per_s")

#: name -> column of figures
FIGURES: Mapping[str, Figure] = {
    "params": Figure("params", "params", _params, units.count),
    "macs": Figure("MACs\n{convention}", "macs_per_image", _macs, units.count),
    "min_bytes": Figure("min\nbytes", "min_bytes", lambda point: point.counted.min_bytes, units.size),
    "macs_dispatched": Figure(
        "MACs\ncounted", "macs_dispatched_per_image", _per_image("macs_dispatched"), units.count, True, True
    ),
    "macs_fvcore": Figure("MACs\nfvcore", "macs_fvcore_per_image", _per_image("macs_fvcore"), units.count, True, True),
    "macs_torch": Figure("MACs\ntorch", "macs_torch_per_image", _per_image("macs_torch"), units.count, True, True),
    "latency": Figure(
        "latency",
        "latency_s",
        _field("latency_s"),
        units.duration,
        True,
        False,
        _latency,
        units.duration_within,
        _TIMES,
    ),
    "throughput": Figure(
        "images/s",
        "throughput_per_s",
        _field("throughput_per_s"),
        units.significant,
        True,
        False,
        _throughput,
        units.within,
        _RATES,
    ),
    "peak_memory": Figure("peak\nmemory", "peak_memory_bytes", _field("peak_memory_bytes"), units.size, True),
    "max_error": Figure("max\nerror", "max_error", _field("max_error"), "{:.0e}".format, True),
}

#: fields of a row that are facts of its cell
_WORDS = (
    *("name", "kind", "operator", "dtype", "mode", "scope", "batch", "in_channels", "out_channels"),
    *("height", "width", "kernel_size", "stride", "spec"),
)


def facts(point: Point) -> dict[str, Any]:
    """What a row can be grouped and sorted by, or have as a column: its cell's fields, coordinates and words.

    `backend` and `device` are what ran, those asked for where nothing was measured.
    """
    cell, row = point.cell, point.known
    fields = {key: getattr(cell.what.fields, key) for key in type(cell.what.fields).model_fields}
    plain = {key: value for key, value in fields.items() if isinstance(value, str | int | float)}
    network = {} if isinstance(cell.what, LayerSpec) else {"network": cell.what.network}
    words = {key: getattr(row, key) for key in _WORDS}
    ran = {"backend": row.backend or row.backend_requested, "device": row.device or row.device_requested}
    shape = {"input": "×".join(map(str, cell.shape.dims))}
    found = {**plain, **network, **dict(cell.coordinates), **words, **ran, **shape}
    return {key: value for key, value in found.items() if value is not None}
