"""The FIGURES table. Adding a figure is a file here with `chart(request) -> Chart`, and one line below.

A figure decides what is shown and says it as a `Chart`, without a word of matplotlib; `canvas` draws every chart in
one style.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from invobench.errors import UsageError
from invobench.table import Entry, Table, suggestion, unknown

if TYPE_CHECKING:
    from invobench.report.figures.chart import Chart


@dataclass(frozen=True)
class Request:
    """What was asked for; an option that was not given is None."""

    files: tuple[Path, ...] = ()
    x: str | None = None
    y: str | None = None
    group_by: str | None = None
    log: str | None = None


@dataclass(frozen=True)
class FigureEntry(Entry):
    """A figure; `takes`: the fields of a request that it reads."""

    takes: tuple[str, ...] = ()


_HERE = "invobench.report.figures"
#: the figure that is meant where the first argument is a results file
SCATTER = "scatter"

FIGURES: Table[FigureEntry] = Table(
    "figure",
    {
        "envelope": FigureEntry(f"{_HERE}.envelope:chart", "published top-1 over multiply-adds or parameters", ("x",)),
        SCATTER: FigureEntry(
            f"{_HERE}.scatter:chart",
            "two columns of results files; the name may be left out",
            ("files", "x", "y", "group_by", "log"),
        ),
    },
)
#: choices of --log -> which of the two axes is logarithmic
LOGS = {"x": (True, False), "y": (False, True), "xy": (True, True), "none": (False, False)}


def plot(arguments: Sequence[str], request: Request, out: Path, width: str) -> Chart:
    """Draw the figure that `arguments` name (a figure, then files; or files alone) into `out`, and return its chart.

    Raises UsageError for what cannot be drawn or written, and where matplotlib is missing.
    """
    name, files = _named(arguments)
    entry = FIGURES[name]
    request = replace(request, files=files)
    _check(name, entry, request)
    _need_matplotlib()
    from invobench.report.figures.canvas import draw
    from invobench.report.figures.style import PAGES, check_target, paper, save

    if width not in PAGES:
        raise UsageError(f"--width: {unknown('width', width, PAGES)}")
    check_target(out)
    chart: Chart = entry.load()(request)
    with paper():
        save(draw(chart, PAGES[width]), out)
    return chart


def _named(arguments: Sequence[str]) -> tuple[str, tuple[Path, ...]]:
    """The figure's name and the files after it."""
    first, *rest = arguments
    if first in FIGURES:
        return first, tuple(Path(path) for path in rest)
    if not Path(first).exists():
        names = ", ".join(FIGURES)
        raise UsageError(f"{first}: no such results file, nor a figure{suggestion(first, FIGURES)}; there are: {names}")
    return SCATTER, tuple(Path(path) for path in arguments)


def _check(name: str, entry: FigureEntry, request: Request) -> None:
    """Raise UsageError for an option that the figure does not read, or a --log that is none."""
    given = [field for field in ("files", "x", "y", "group_by", "log") if getattr(request, field)]
    for field in given:
        if field not in entry.takes:
            known = ", ".join(_option(item) for item in entry.takes)
            raise UsageError(f"plot {name} takes no {_option(field)}; it takes {known}")
    if request.log is not None and request.log not in LOGS:
        raise UsageError(f"--log: {unknown('axes', request.log, LOGS)}")


def _option(field: str) -> str:
    return "files" if field == "files" else f"--{field.replace('_', '-')}"


def _need_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        raise UsageError("plot needs matplotlib: pip install 'invobench[plot]'") from None
