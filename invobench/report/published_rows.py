"""A published row beside ours, as a line of a sheet and as a record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from invobench.conventions import Convention
from invobench.published.compare import Comparison
from invobench.published.rows import Printed
from invobench.report.sheet import Column, Line
from invobench.units import GIGA, MEGA

WITHIN = "*"
#: digits of our figures beyond those that the table prints
_MORE_DIGITS = 2
_NAMES = {True: "setting", False: "model"}


def columns(by_setting: bool, conventions: Sequence[Convention]) -> tuple[Column, ...]:
    """The headings of what `line` makes; the first is the setting or the model."""
    return (
        Column(_NAMES[by_setting], text=True, wrap=not by_setting),
        Column("published\nparams\nM"),
        Column("our\nparams\nM"),
        Column("Δ\nparams\nM"),
        Column("published\nMACs\nG"),
        *(Column(folded(item)) for item in conventions),
        Column("Δ\nMACs\nG"),
        Column("reproduced\nby", text=True),
        Column("published\ntop-1\n%"),
    )


def folded(convention: Convention) -> str:
    """A convention's name, a line for each of its words."""
    return convention.replace("-", "\n")


def digits(items: Sequence[Comparison]) -> tuple[int, int]:
    """Digits after the point of our parameters and multiply-adds in a table of `items`."""
    params = [item.row.params_m.decimals for item in items if item.row.params_m is not None]
    macs = [item.row.flops_g.decimals for item in items if item.row.flops_g is not None]
    return max(params, default=0) + _MORE_DIGITS, max(macs, default=0) + _MORE_DIGITS


def line(
    item: Comparison,
    by_setting: bool,
    conventions: Sequence[Convention],
    best: Convention | None,
    places: tuple[int, int],
) -> Line:
    """`item` as text, with `places` digits after the point. `best`: the convention that reproduces its table.

    Its multiply-adds' difference is that of the convention which is named, of `best` where none is. Dim where it is
    published only, bad where a figure is not reproduced.
    """
    row, (params_places, macs_places) = item.row, places
    named = item.named(best)
    compared = named or best or next(iter(conventions))
    cells = (
        row.setting if by_setting else f"{row.model} {row.setting}".strip(),
        _printed(row.params_m),
        _ours(item.params, MEGA, params_places, item.params_match),
        _difference(item.params, MEGA, row.params_m, params_places),
        _printed(row.flops_g),
        *(_ours(item.macs.get(name), GIGA, macs_places, item.macs_match(name)) for name in conventions),
        _difference(item.macs.get(compared), GIGA, row.flops_g, macs_places),
        _reproduced(item, named),
        _printed(row.top1),
    )
    if item.built is None:
        return Line(cells, "dim")
    missed = item.params_match is False or (row.flops_g is not None and not item.reproduced_by)
    return Line(cells, "bad" if missed else "plain")


def _printed(figure: Printed | None) -> str:
    return "" if figure is None else figure.text


def _ours(value: int | None, unit: int, places: int, match: bool | None) -> str:
    """Our figure, marked where it is within the tolerance."""
    return "" if value is None else f"{value / unit:.{places}f}{WITHIN if match else ''}"


def _difference(value: int | None, unit: int, figure: Printed | None, places: int) -> str:
    """Ours less the published figure, with its sign."""
    if value is None or figure is None:
        return ""
    return f"{float(value - figure.exactly(unit)) / unit:+.{places}f}"


def _reproduced(item: Comparison, named: Convention | None) -> str:
    """Which convention reproduces the multiply-adds."""
    if item.built is None:
        return "published only"
    return "" if item.row.flops_g is None else named or "none"


def record(item: Comparison) -> dict[str, Any]:
    """`item` in base units, without keys for what is missing."""
    return {key: value for key, value in _record(item) if value is not None and value != ""}


def _record(item: Comparison) -> Iterator[tuple[str, Any]]:
    row = item.row
    yield from (("table", row.table), ("model", row.model), ("operator", row.operator), ("setting", row.setting))
    yield "published_params", _base(row.params_m, MEGA)
    yield "params", item.params
    yield "params_tolerance", _base(row.params_tolerance_m, MEGA)
    yield "published_macs", _base(row.flops_g, GIGA)
    yield from ((f"macs_{name.replace('-', '_')}", value) for name, value in item.macs.items())
    yield "macs_tolerance", _base(row.flops_tolerance_g, GIGA)
    yield "reproduced_by", "+".join(item.reproduced_by)
    yield from (("published_top1", row.top1), ("source", row.source), ("precision", row.precision))


def _base(figure: Printed | None, unit: int) -> int | float | None:
    """A printed figure in base units, whole where it is."""
    if figure is None:
        return None
    value = figure.exactly(unit)
    return value.numerator if value.denominator == 1 else float(value)
