"""The accuracy envelope: published top-1 over published multiply-adds or parameters, and where we find them to be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from invobench import __version__, units
from invobench.conventions import Convention
from invobench.errors import UnknownName
from invobench.published.compare import Comparison, compare
from invobench.published.rows import PublishedRow, read_published
from invobench.published.verdict import Verdict
from invobench.report.figures import Request
from invobench.report.figures.chart import Axis, Chart, Point, Series, is_log
from invobench.report.figures.pareto import frontier
from invobench.table import unknown

TABLE = "envelope"
RING = "recomputed by invobench"
#: a model's name: family, depth or size, and what is in parentheses
_MODEL = re.compile(r"(?P<base>.+?)(?:[- ]?\d+|-(?:X*[SL]|M))?(?: \((?P<variant>.*)\))?")


@dataclass(frozen=True)
class _Abscissa:
    """`published`: a row's figure, in the unit of the axis. `ours`: the same of what we build, under a convention."""

    label: str
    published: Callable[[PublishedRow], float | None]
    ours: Callable[[Comparison, Convention | None], float | None]
    of_macs: bool


def _our_macs(item: Comparison, convention: Convention | None) -> float | None:
    return None if convention is None or convention not in item.macs else item.macs[convention] / units.GIGA


def _our_params(item: Comparison, convention: Convention | None) -> float | None:
    return None if item.params is None else item.params / units.MEGA


ABSCISSAS: Mapping[str, _Abscissa] = {
    "macs": _Abscissa("multiply-adds (10⁹; published as FLOPs)", lambda row: row.flops_g, _our_macs, of_macs=True),
    "params": _Abscissa("parameters (10⁶)", lambda row: row.params_m, _our_params, of_macs=False),
}


def chart(request: Request) -> Chart:
    """Published top-1 over `x`, a series a family; multiply-adds of ours under the convention that reproduces most.

    Raises UnknownName for another `x`.
    """
    name = request.x or "macs"
    if name not in ABSCISSAS:
        raise UnknownName(unknown("abscissa", name, ABSCISSAS))
    abscissa = ABSCISSAS[name]
    rows = [row for row in read_published() if row.table == TABLE and row.top1 is not None]
    rows = [row for row in rows if abscissa.published(row) is not None]
    comparisons = compare(rows)
    convention = Verdict.on(comparisons).best if abscissa.of_macs else None
    series = tuple(_series(comparisons, abscissa, convention))
    points = [(point.x, point.y) for item in series for point in item.points]
    return Chart(
        Axis(abscissa.label, is_log(name, [x for x, _ in points], None)),
        Axis("published top-1 (%)"),
        series,
        caption=tuple(_caption(rows, series, convention)),
        frontier=frontier(points),
        ring=RING,
    )


def _series(comparisons: Sequence[Comparison], abscissa: _Abscissa, convention: Convention | None) -> Iterator[Series]:
    """The families in the order of their first rows, points of each in the order of theirs."""
    families: dict[tuple[str, str, str], list[Point]] = {}
    for item in comparisons:
        row = item.row
        x, y = abscissa.published(row), row.top1
        if x is not None and y is not None:
            point = Point(float(x), float(y), row.model, recomputed=abscissa.ours(item, convention))
            families.setdefault((row.operator, *family(row.model)), []).append(point)
    labels = Counter((base, variant) for _, base, variant in families)
    for (operator, base, variant), points in families.items():
        words = [*([variant] if variant else []), *([operator] if labels[base, variant] > 1 else [])]
        yield Series(f"{base} ({', '.join(words)})" if words else base, base, (tuple(points),))


def family(model: str) -> tuple[str, str]:
    """A model's name without its depth, and its variant: `SAN10 (pairwise)` -> `("SAN", "pairwise")`."""
    match = _MODEL.fullmatch(model)
    return (match["base"], match["variant"] or "") if match else (model, "")


def _caption(rows: Sequence[PublishedRow], series: Sequence[Series], convention: Convention | None) -> Iterator[str]:
    """Where the published figures are from, and what was recomputed, how."""
    (precision, source), _ = Counter((row.precision, row.source) for row in rows).most_common(1)[0]
    yield f"published figures {precision}: {source}"
    ours = sum(point.recomputed is not None for item in series for point in item.points)
    under = f" under convention {convention}" if convention else ""
    made = f"invobench {__version__} with torch {version('torch')}"
    yield f"rings: recomputed by {made}{under} for the {ours} of {len(rows)} networks that it builds"
