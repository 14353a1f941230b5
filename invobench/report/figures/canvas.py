"""Draws a chart: frontier, lines, bars, marks and rings, then names, legend and caption around them."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from invobench.report.figures.chart import Chart, Point, Series
from invobench.report.figures.geometry import sampled
from invobench.report.figures.labels import shortened, write_names
from invobench.report.figures.layout import Layout
from invobench.report.figures.style import FAINT, GREY, Mark, Page, marks
from invobench.report.figures.ticks import set_axis

_FRONTIER: dict[str, Any] = {"color": FAINT, "linewidth": 4.0}
_RING: dict[str, Any] = {
    "marker": "o",
    "markersize": 7.5,
    "markerfacecolor": "none",
    "markeredgewidth": 0.7,
    "linestyle": "none",
}
_MARGIN = 0.07


def draw(chart: Chart, page: Page) -> Figure:
    """The chart as a figure of `page`'s width. Needs no display; call it under `style.paper()`."""
    figure = Figure(figsize=(page.width, page.axes_height))
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.margins(_MARGIN)
    looks = marks(chart.series)
    if chart.frontier:
        xs, ys = zip(*chart.frontier, strict=True)
        axes.step(xs, ys, where="post", zorder=1, **_FRONTIER)
    for series, mark in zip(chart.series, looks, strict=True):
        _series(axes, series, mark)
    set_axis(axes, "x", chart.x)
    set_axis(axes, "y", chart.y)
    layout = Layout(figure, axes, canvas, lambda: sampled(axes, chart, figure.dpi))
    layout.arrange(_samples(chart, looks, page), "\u00a0· ".join(chart.caption), within=not chart.named)
    if chart.named:
        write_names(axes, chart, figure.dpi, layout.renderer)
    return figure


def _series(axes: Axes, series: Series, mark: Mark) -> None:
    """Lines, then bars, then marks, then rings."""
    for line in series.lines:
        axes.plot([p.x for p in line], [p.y for p in line], color=mark.colour, linestyle=mark.dashes, zorder=2)
    for point in series.points:
        _bars(axes, point, mark)
        if point.recomputed is not None:
            axes.plot([point.x, point.recomputed], [point.y] * 2, color=mark.colour, linewidth=0.5, zorder=2)
            axes.plot([point.recomputed], [point.y], markeredgecolor=mark.colour, zorder=4, **_RING)
    xs, ys = [p.x for p in series.points], [p.y for p in series.points]
    axes.plot(xs, ys, color=mark.colour, marker=mark.marker, linestyle="none", zorder=3)


def _bars(axes: Axes, point: Point, mark: Mark) -> None:
    """Intervals, without caps: one that is narrower than its mark would only blot it."""
    if point.x_interval:
        axes.plot(point.x_interval, [point.y] * 2, color=mark.colour, zorder=2.5)
    if point.y_interval:
        axes.plot([point.x] * 2, point.y_interval, color=mark.colour, zorder=2.5)


def _samples(chart: Chart, looks: tuple[Mark, ...], page: Page) -> list[Line2D]:
    """Samples of what the legend explains, each with its label."""
    found = []
    for series, mark in zip(chart.series, looks, strict=True):
        label = shortened(series.label, page.characters)
        dashes: Any = mark.dashes if any(len(line) > 1 for line in series.lines) else "none"
        found.append(Line2D([], [], color=mark.colour, marker=mark.marker, linestyle=dashes, label=label))
    if chart.frontier:
        found.append(Line2D([], [], label="Pareto frontier", **_FRONTIER))
    if any(point.recomputed is not None for series in chart.series for point in series.points):
        found.append(Line2D([], [], label=chart.ring, markeredgecolor=GREY, **_RING))
    return found
