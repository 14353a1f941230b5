"""Where the ink of a chart is, so that names and legend keep clear of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from matplotlib.axes import Axes

from invobench.report.figures.chart import Chart, Point

#: a run of straight strokes, as (x, y) in the data's units
Run = list[tuple[float, float]]
#: between two places along a stroke, in inches
STEP = 0.02


def runs(chart: Chart) -> Iterator[Run]:
    """Every stroke of the chart: lines, bars, ways to rings, and the frontier's steps."""
    for series in chart.series:
        yield from ([(point.x, point.y) for point in line] for line in series.lines)
        for point in series.points:
            yield from _bars(point)
    for (x0, y0), (x1, y1) in pairwise(chart.frontier):
        yield [(x0, y0), (x1, y0), (x1, y1)]


def _bars(point: Point) -> Iterator[Run]:
    if point.x_interval:
        yield [(x, point.y) for x in point.x_interval]
    if point.y_interval:
        yield [(point.x, y) for y in point.y_interval]
    if point.recomputed is not None:
        yield [(point.x, point.y), (point.recomputed, point.y)]


def sampled(axes: Axes, chart: Chart, pixels_per_inch: float) -> list[tuple[float, float]]:
    """Places along every stroke, `STEP` apart, in pixels; the layout must be final."""
    found = []
    for run in runs(chart):
        line = [axes.transData.transform(place) for place in run]
        for (x0, y0), (x1, y1) in pairwise(line) if len(line) > 1 else [(line[0], line[0])]:
            steps = math.ceil(math.hypot(x1 - x0, y1 - y0) / (STEP * pixels_per_inch)) or 1
            shares = (index / steps for index in range(steps + 1))
            found += [(float(x0 + share * (x1 - x0)), float(y0 + share * (y1 - y0))) for share in shares]
    return found
