"""Names beside points, each at the one of eight places where it hides least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from invobench.report.figures.chart import Chart
from invobench.report.figures.geometry import STEP, sampled

#: where a name stands, in typographic points from its mark's centre: dx, dy, its alignment along both
Spot = tuple[float, float, str, str]
#: best first
SPOTS: tuple[Spot, ...] = (
    (5, 0, "left", "center"),
    (-5, 0, "right", "center"),
    (0, 5, "center", "bottom"),
    (0, -5, "center", "top"),
    (4, 4, "left", "bottom"),
    (-4, 4, "right", "bottom"),
    (4, -4, "left", "top"),
    (-4, -4, "right", "top"),
)
#: half the side of a mark, in typographic points
_MARK = 3.5
_LONGEST = 28
#: what hiding a mark or name, or leaving the axes, weighs against crossing a stroke
_OVERLAP, _OUTSIDE = 3.0, 10.0
#: names make way for one another this often
_ROUNDS = 4
#: on a patch of white, above lines and bars and below marks, so that a name which must cross a line can be read
_LOOK: dict[str, Any] = {"zorder": 2.6, "bbox": {"facecolor": "white", "linewidth": 0, "alpha": 0.75, "pad": 0.5}}


@dataclass(frozen=True)
class Surroundings:
    """What a name must mind, in pixels: marks, strokes by places `step` apart, and the axes that it must not leave."""

    marks: Sequence[Bbox]
    strokes: Sequence[tuple[float, float]]
    step: float
    inside: Bbox

    def cost(self, box: Bbox, others: Sequence[Bbox]) -> float:
        """How bad a place is: shares of its area that hide something or stick out, and strokes by its height."""
        area = box.width * box.height
        hidden = sum(_shared(box, other) for other in (*self.marks, *others)) / area
        outside = 1 - _shared(box, self.inside) / area
        crossed = sum(box.contains(x, y) for x, y in self.strokes) * self.step / box.height
        return _OUTSIDE * round(outside, 6) + _OVERLAP * hidden + crossed


def write_names(axes: Axes, chart: Chart, pixels_per_inch: float, renderer: Any) -> None:
    """Write each point's name beside it. The layout must be final."""
    points = [point for series in chart.series for point in series.points if point.name]
    half = _MARK * pixels_per_inch / 72
    centres = [axes.transData.transform((point.x, point.y)) for point in points]
    marks = [Bbox.from_extents(x - half, y - half, x + half, y + half) for x, y in centres]
    names = [
        axes.annotate(shortened(point.name, _LONGEST), (point.x, point.y), (0, 0), textcoords="offset points", **_LOOK)
        for point in points
    ]
    boxes = [{spot: _moved(name, spot, renderer) for spot in SPOTS} for name in names]
    strokes = sampled(axes, chart, pixels_per_inch)
    surroundings = Surroundings(marks, strokes, STEP * pixels_per_inch, axes.bbox)
    for name, spot in zip(names, choose(boxes, surroundings), strict=True):
        _moved(name, spot, renderer)


def choose(boxes: Sequence[Mapping[Spot, Bbox]], surroundings: Surroundings) -> list[Spot]:
    """A spot for each name, of those that it may take: where it costs least beside the others', looked at in turn."""
    chosen: list[Spot | None] = [None] * len(boxes)
    for _ in range(_ROUNDS):
        for index, own in enumerate(boxes):
            pairs = zip(boxes, chosen, strict=True)
            others = [box[spot] for other, (box, spot) in enumerate(pairs) if spot is not None and other != index]
            costs = {spot: surroundings.cost(box, others) for spot, box in own.items()}
            chosen[index] = min(costs, key=costs.__getitem__)
    return [spot for spot in chosen if spot is not None]


def shortened(text: str, longest: int) -> str:
    """`text`, its end cut off where it is longer."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _moved(name: Annotation, spot: Spot, renderer: Any) -> Bbox:
    """The room that `name` takes at `spot`, where it stays."""
    dx, dy, along_x, along_y = spot
    name.set_position((dx, dy))
    name.set(ha=along_x, va=along_y)
    return name.get_window_extent(renderer)


def _shared(box: Bbox, other: Bbox) -> float:
    """The area that both cover."""
    found = Bbox.intersection(box, other)
    return 0.0 if found is None else found.width * found.height
