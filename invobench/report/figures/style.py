"""One style for every figure: sizes, colours that colour-blind readers tell apart, files that repeat byte by byte."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from invobench.errors import UsageError
from invobench.report.figures.chart import Series


@dataclass(frozen=True)
class Page:
    """A figure's width and the height of its axes, in inches; `characters`: of a line of the legend."""

    width: float
    axes_height: float
    characters: int


#: --width: one column of a paper, or both
PAGES: Mapping[str, Page] = {"column": Page(3.5, 2.1, 48), "page": Page(7.0, 3.4, 100)}

#: the palette of Okabe and Ito; its yellow is left out, which is faint on paper
COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1.5, 1, 1.5)))
GREY = "0.35"
FAINT = "0.85"
FONT_SIZE = 8.0

_RC: Mapping[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so that a figure is the same on every machine
    "font.size": FONT_SIZE,
    "axes.labelsize": FONT_SIZE,
    "xtick.labelsize": FONT_SIZE,
    "ytick.labelsize": FONT_SIZE,
    "legend.fontsize": FONT_SIZE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "lines.linewidth": 1.0,
    "lines.markersize": 4.5,
    "lines.markeredgewidth": 0.4,
    "lines.markeredgecolor": "white",  # marks on top of one another stay apart
    "figure.dpi": 300,
    "savefig.dpi": "figure",
    "text.parse_math": False,  # names are the user's: a $ is a $
    "svg.hashsalt": "invobench",
    "svg.fonttype": "path",  # outlines: a reader need not have the font; PDF keeps text that can be searched
    "pdf.fonttype": 42,  # TrueType: publishers refuse Type 3
}

#: suffix of a file -> what makes it the same each time: no dates, no versions
_METADATA: Mapping[str, dict[str, None]] = {
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".png": {"Software": None},
}


@dataclass(frozen=True)
class Mark:
    """How a series looks."""

    colour: str
    marker: str
    dashes: Any


@contextmanager
def paper() -> Iterator[None]:
    """The style, whatever the user's matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        yield


def marks(series: tuple[Series, ...]) -> tuple[Mark, ...]:
    """A marker of its own for each series; a colour too while they last, else one for each family.

    Raises UsageError for more series than a reader can tell apart.
    """
    by_family = len(series) > len(COLOURS)
    keys = list(dict.fromkeys(item.family if by_family else item.label for item in series))
    if len(series) > len(MARKERS) or len(keys) > len(COLOURS):
        most = f"{len(MARKERS)} series of {len(COLOURS)} groups"
        raise UsageError(
            f"{len(series)} series cannot be told apart ({most} can): draw fewer rows, or --group-by other"
        )
    seen: dict[str, int] = {}
    found = []
    for index, item in enumerate(series):
        key = item.family if by_family else item.label
        variant = seen[key] = seen.get(key, -1) + 1
        dashes = DASHES[(variant if by_family else index) % len(DASHES)]
        found.append(Mark(COLOURS[keys.index(key)], MARKERS[index], dashes))
    return tuple(found)


def check_target(path: Path) -> None:
    """Raise UsageError unless `path` has a suffix that we know, in a folder that can be written."""
    if path.suffix.lower() not in _METADATA:
        raise UsageError(f"--out {path}: the suffix must be one of {', '.join(_METADATA)}")
    if not path.parent.is_dir():
        raise UsageError(f"--out {path}: there is no folder {path.parent}; make it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"--out {path}: cannot write there; choose another")


def save(figure: Figure, path: Path) -> None:
    """Write `figure` to `path` as its suffix says; equal figures make equal files."""
    suffix = path.suffix.lower()
    data = io.BytesIO()
    figure.savefig(data, format=suffix.removeprefix("."), metadata=_METADATA[suffix])
    try:
        path.write_bytes(data.getvalue())
    except OSError as error:
        raise UsageError(f"--out {path}: cannot write: {error.strerror}") from None
