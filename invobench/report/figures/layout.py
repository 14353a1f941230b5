"""Places axes, legend and caption in a figure so that nothing overlaps and nothing is cut off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from invobench.report.figures.style import GREY

#: inches around everything, and between axes, legend and caption
_EDGE = 0.04
_GAP = 0.08
#: labels change the axes' width, which changes the ticks, which change the labels: so often at most
_ROUNDS = 4
#: corners for a legend within the axes, best first
_CORNERS: tuple[Literal["lower right", "upper left", "upper right", "lower left"], ...] = (
    "lower right",
    "upper left",
    "upper right",
    "lower left",
)
#: how much higher the axes may become for a legend within them
_HEIGHTS = (1.0, 1.15, 1.3, 1.45)


@dataclass(frozen=True)
class Layout:
    """A figure with one pair of axes. `strokes()`: where ink is, in pixels, for the layout as it stands."""

    figure: Figure
    axes: Axes
    canvas: FigureCanvasAgg
    strokes: Callable[[], list[tuple[float, float]]]

    def arrange(self, samples: list[Line2D], caption: str, within: bool) -> None:
        """Caption at the bottom; legend of `samples` in a free corner of the axes if `within`, else below them.

        The figure's width stays, and its height at first is that of the axes; it then follows from what is in it.
        """
        text = self._caption(caption)
        axes_height = float(self.figure.get_size_inches()[1])
        below = _EDGE + self._height(text) + _GAP
        if not (within and self._legend_within(samples, below, axes_height)):
            legend = self._legend_below(samples)
            self._settle(below + self._height(legend) + _GAP, axes_height)
            legend.set_bbox_to_anchor((0.5, below / self.figure.get_size_inches()[1]))
        width, height = self.figure.get_size_inches()
        text.set_position((_EDGE / width, _EDGE / height))

    @property
    def renderer(self) -> Any:
        """What measures text."""
        return self.canvas.get_renderer()  # type: ignore[no-untyped-call]

    @property
    def _room(self) -> float:
        """Width that can be written on, in pixels."""
        return (float(self.figure.get_size_inches()[0]) - 2 * _EDGE) * self.figure.dpi

    def _height(self, artist: Text | Legend) -> float:
        """In inches."""
        return artist.get_window_extent(self.renderer).height / self.figure.dpi

    def _settle(self, below: float, axes_height: float) -> None:
        """Give the axes their height and all of the width that ticks and labels leave, `below` inches from the edge."""
        width = float(self.figure.get_size_inches()[0])
        settled = None
        for _ in range(_ROUNDS):
            reach = self._overhang()
            if reach == settled:
                return
            left, bottom, right, top = settled = reach
            height = below + bottom + axes_height + top + _EDGE
            self.figure.set_size_inches(width, height)
            inner = width - left - right - 2 * _EDGE
            self.axes.set_position(
                ((_EDGE + left) / width, (below + bottom) / height, inner / width, axes_height / height)
            )

    def _overhang(self) -> tuple[float, float, float, float]:
        """How far ticks and labels reach beyond the axes: left, bottom, right, top, in inches."""
        inner, outer = self.axes.get_window_extent(), self.axes.get_tightbbox(self.renderer) or Bbox.null()
        reach = (inner.x0 - outer.x0, inner.y0 - outer.y0, outer.x1 - inner.x1, outer.y1 - inner.y1)
        left, bottom, right, top = (max(0.0, length) / self.figure.dpi for length in reach)
        return left, bottom, right, top

    def _caption(self, caption: str) -> Text:
        """The caption, broken into lines that fit the figure."""
        text = self.figure.text(0, 0, "", color=GREY, ha="left", va="bottom", linespacing=1.15)
        lines = [""]
        for word in caption.split(" "):
            longer = f"{lines[-1]} {word}".strip()
            text.set_text(longer)
            if lines[-1] and text.get_window_extent(self.renderer).width > self._room:
                lines.append(word)
            else:
                lines[-1] = longer
        text.set_text("\n".join(lines))
        return text

    def _legend_within(self, samples: list[Line2D], below: float, axes_height: float) -> bool:
        """Put the legend into a corner that no ink is in, of axes that may become higher; False where there is none."""
        for factor in _HEIGHTS:
            self._settle(below, factor * axes_height)
            strokes, inside = self.strokes(), self.axes.get_window_extent()
            for corner in _CORNERS:
                legend = self.axes.legend(handles=samples, loc=corner, **_look(samples) | {"borderaxespad": 0.4})
                box = legend.get_window_extent(self.renderer)
                if inside.containsx(box.x0) and inside.containsy(box.y1) and _is_free(box, strokes, self.figure.dpi):
                    return True
                legend.remove()
        return False

    def _legend_below(self, samples: list[Line2D]) -> Legend:
        """The legend, in as many columns as fit the figure."""
        columns = len(samples)
        while True:
            legend = self.figure.legend(handles=samples, loc="lower center", ncols=columns, **_look(samples))
            if columns == 1 or legend.get_window_extent(self.renderer).width <= self._room:
                return legend
            legend.remove()
            columns -= 1


_LEGEND: dict[str, Any] = {
    "frameon": False,
    "borderpad": 0,
    "borderaxespad": 0,
    "handletextpad": 0.5,
    "columnspacing": 1.2,
    "labelspacing": 0.3,
}


def _look(samples: list[Line2D]) -> dict[str, Any]:
    """How a legend looks: its samples are long only where one is a line."""
    lines = any(sample.get_linestyle() != "None" for sample in samples)
    return _LEGEND | {"handlelength": 2.0 if lines else 1.0}


def _is_free(box: Bbox, strokes: list[tuple[float, float]], dpi: float) -> bool:
    """Whether no stroke comes as near to `box` as a ring is wide."""
    room = box.padded(_GAP * dpi)
    return not any(room.contains(x, y) for x, y in strokes)
