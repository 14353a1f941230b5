"""From one layer or network of a document to its cells."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from invobench.errors import Problem
from invobench.operators.base import LayerShape, LayerSpec
from invobench.spec import layers, networks
from invobench.spec.cells import Cell, Measure, NetworkSpec
from invobench.spec.contract import conflicts
from invobench.spec.gate import STANDARD_RUN, GateRun, Thresholds
from invobench.spec.keys import CellKeys, LayerKeys
from invobench.spec.located import Located, Place, shown
from invobench.spec.matrix import MOST_CELLS, canonical, expand, too_many
from invobench.spec.messages import built, unknown_key
from invobench.spec.overrides import Override
from invobench.spec.targets import overlaid


class Kind(Protocol):
    """What a kind of entry defines: `invobench.spec.layers` and `invobench.spec.networks` are the two."""

    SECTION: str
    KEYS: type[CellKeys]

    def normal(self, values: Mapping[str, Located], report: set[Problem]) -> dict[str, Located]:
        """The entry's keys in the form that the matrix extends."""
        ...

    def put(self, values: Mapping[str, Located], point: Mapping[str, Located]) -> dict[str, Located]:
        """`values` with the keys of a point of the matrix."""
        ...

    def known(self, values: Mapping[str, Located]) -> frozenset[str] | None:
        """The keys that it has, None where that cannot be known."""
        ...

    def fitting(self, defaults: Mapping[str, Located], values: Mapping[str, Located]) -> dict[str, Located]:
        """The defaults that hold for it."""
        ...

    def target(
        self,
        values: Mapping[str, Located],
        keys: CellKeys | None,
        bad: Collection[str],
        place: Place,
        report: set[Problem],
    ) -> LayerSpec | NetworkSpec | None:
        """What is measured; what is wrong goes to `report`."""
        ...


KINDS: tuple[Kind, ...] = (layers, networks)


@dataclass(frozen=True)
class Entry:
    """A layer or network of a document."""

    kind: Kind
    name: str
    item: Located


@dataclass
class Usage:
    """Which keys the cells of a run have, so that an override of another can be told."""

    used: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    #: whether some cell's keys could not be known
    unsure: bool = False


@dataclass(frozen=True)
class Gating:
    """How a gate measures; thresholds of the whole spec, and those among them that `--set` gave, which win."""

    run: GateRun = STANDARD_RUN
    thresholds: Mapping[str, Located] = field(default_factory=dict)
    asked: Mapping[str, Located] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """What the entries of a document share."""

    spec: str
    defaults: Mapping[str, Located]
    measure: Measure
    overrides: Sequence[Override]
    usage: Usage
    report: set[Problem]
    gating: Gating = field(default_factory=Gating)


@dataclass(frozen=True)
class _Point:
    """A point of an entry's matrix, overrides applied: all keys, and those that are coordinates."""

    values: dict[str, Located]
    coordinates: dict[str, Located]


def cells_of(entry: Entry, context: Context) -> list[Cell]:
    """The cells of `entry`; what is wrong goes to the context's report."""
    own = {key: item for key, item in entry.item.mapping.items() if key not in ("name", "matrix", "gate")}
    base = entry.kind.normal(own, context.report)
    points = [
        _Point(entry.kind.put(base, combination), combination)
        for combination in expand(entry.item.mapping.get("matrix"), context.report)
    ]
    for override in context.overrides:
        points = _overridden(points, override, entry, context)
    thresholds = _thresholds(entry, context)
    cells = [_cell(point, entry, context, thresholds) for point in points]
    return [cell for cell in cells if cell is not None]


def _overridden(points: list[_Point], override: Override, entry: Entry, context: Context) -> list[_Point]:
    """The points with `override` where they have its key, each once."""
    found: dict[tuple[tuple[str, str], ...], _Point] = {}
    for point in points:
        for made in _set(point, override, entry.kind, context):
            found.setdefault(tuple(canonical(made.coordinates).items()), made)
        if len(found) > MOST_CELLS:
            context.report.add(override.place.problem(f"with the matrix {too_many(len(found))}"))
            return points[:1]
    return list(found.values())


def _set(point: _Point, override: Override, kind: Kind, context: Context) -> list[_Point]:
    """`point` with each value of `override`, or as it is where it lacks the key."""
    known = kind.known(point.values)
    if known is None or (override.key not in known and not _free(override.key, known)):
        return [point]
    context.usage.used.add(override.key)
    dimension = len(override.values) > 1 or override.key in point.coordinates
    return [
        _Point(
            kind.put(point.values, {override.key: value}),
            point.coordinates | ({override.key: value} if dimension else {}),
        )
        for value in override.values
    ]


def _free(key: str, known: Collection[str]) -> bool:
    """Whether `key` leads into the keyword arguments of a module of the user's own."""
    return any(key.startswith(f"{name}.") for name in known if name.rpartition(".")[2] == "kwargs")


def _thresholds(entry: Entry, context: Context) -> Thresholds:
    """What a gate allows the entry; what is wrong goes to the context's report."""
    item = entry.item.mapping.get("gate")
    if item is not None and not isinstance(item.value, dict):
        context.report.add(item.place.problem(f"must be a mapping, not {shown(item.value)}"))
    own = item.mapping if item is not None else {}
    known = tuple(Thresholds.model_fields)
    for key, value in own.items():
        if key in GateRun.model_fields:
            context.report.add(value.key.problem("holds for the whole spec: give it in the spec's own gate"))
        elif key not in known:
            context.report.add(value.key.problem(unknown_key(key, known)))
    mine = {key: value for key, value in own.items() if key in known}
    built(Thresholds, mine, entry.item.place, context.report)
    thresholds, _ = built(
        Thresholds, {**context.gating.thresholds, **mine, **context.gating.asked}, entry.item.place, context.report
    )
    return thresholds or Thresholds()


def _cell(point: _Point, entry: Entry, context: Context, thresholds: Thresholds) -> Cell | None:
    """The cell at `point`, None where something is wrong."""
    kind, place, report = entry.kind, entry.item.place, context.report
    values = overlaid(kind.fitting(context.defaults, point.values), point.values)
    known = kind.known(values)
    context.usage.known |= known or set()
    context.usage.unsure |= known is None
    own = {key: item for key, item in values.items() if key in kind.KEYS.model_fields}
    keys, bad = built(kind.KEYS, own, place, report)
    what = kind.target(values, keys, bad, place, report)
    if keys is not None:
        _check_together(keys, values, bad, place, report)
    if keys is None or what is None:
        return None
    return Cell(
        spec=context.spec,
        name=entry.name,
        coordinates=tuple((key, _coordinate(item)) for key, item in point.coordinates.items()),
        what=what,
        shape=LayerShape(keys.batch, keys.in_channels, keys.height, keys.width),
        dtype=keys.dtype,
        mode=keys.mode,
        scope=keys.scope if isinstance(keys, LayerKeys) else "module",
        backend=keys.backend,
        device=keys.device,
        measure=context.measure,
        contract=keys.contract(),
        thresholds=thresholds,
        gate=context.gating.run,
        line=place.line,
    )


def _check_together(
    keys: CellKeys, values: Mapping[str, Located], bad: Collection[str], place: Place, report: set[Problem]
) -> None:
    """Report keys that cannot be together, where the one that says so stands."""
    for found in conflicts(keys.contract(), keys.dtype, keys.mode, keys.device):
        if not {found.key, *found.others}.intersection(bad):
            at = values[found.key].place if found.key in values else place.below(found.key)
            report.add(at.problem(found.message))


def _coordinate(item: Located) -> Any:
    """A coordinate's value: a scalar, or the text of a list or mapping."""
    return item.canonical() if isinstance(item.value, dict | list) else item.value
