"""Axes: labels, scales, and ticks in plain numbers."""

from __future__ import annotations

from typing import Literal

from matplotlib.axes import Axes
from matplotlib.axis import Axis as DrawnAxis
from matplotlib.ticker import (
    AutoLocator,
    FuncFormatter,
    Locator,
    LogLocator,
    NullFormatter,
    NullLocator,
    ScalarFormatter,
)

from invobench.report.figures.chart import Axis

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
#: spans up to which a logarithmic axis has ticks at 1, 2 and 5 of each decade; numbers beside each other need more room
_DENSE = {"x": 200, "y": 2000}
#: a span in which powers of ten may not even occur
_NARROW = 10


def set_axis(axes: Axes, which: Literal["x", "y"], axis: Axis) -> None:
    """Label and scale an axis whose data have been drawn."""
    drawn: DrawnAxis = axes.xaxis if which == "x" else axes.yaxis
    drawn.set_label_text(axis.label)
    if not axis.log:
        drawn.set_major_formatter(ScalarFormatter(useOffset=False))
        return
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    major, minor = _locators(high / low, _DENSE[which])
    drawn.set_major_locator(major)
    drawn.set_minor_locator(minor)
    drawn.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    drawn.set_minor_formatter(NullFormatter())


def _locators(span: float, dense: float) -> tuple[Locator, Locator]:
    """Major and minor ticks of a logarithmic axis."""
    if span < _NARROW:
        return AutoLocator(), NullLocator()
    if span <= dense:
        return LogLocator(subs=(1.0, 2.0, 5.0)), NullLocator()
    return LogLocator(), LogLocator(subs=tuple(range(2, 10)))


def plain(value: float) -> str:
    """A tick as text: 0.02, 500, 2×10⁻⁷."""
    mantissa, _, exponent = f"{value:e}".partition("e")
    power = int(exponent)
    if -4 < power < 5:
        return f"{value:g}"
    digit = f"{float(mantissa):g}"
    return ("" if digit == "1" else f"{digit}×") + f"10{str(power).translate(_SUPERSCRIPTS)}"
