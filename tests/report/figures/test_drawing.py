"""What is drawn: nothing overlaps or is cut off, series are told apart, files are the same each time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from invobench.errors import UsageError
from invobench.report.figures.canvas import draw
from invobench.report.figures.chart import Axis, Chart, Point, Series
from invobench.report.figures.labels import SPOTS, Surroundings, choose, shortened
from invobench.report.figures.style import COLOURS, FONT_SIZE, MARKERS, PAGES, check_target, marks, paper, save
from invobench.report.figures.ticks import plain
from tests.report.figures.stored import CONV, timed, write
from tests.rows import row

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _style() -> Iterator[None]:
    with paper():
        yield


def series(label: str, *points: Point, family: str = "") -> Series:
    return Series(label, family or label, (points,))


def chart(**changes: object) -> Chart:
    """Two families with intervals, rings and a frontier, crowded in a corner."""
    one = [Point(x, 79 - 5 / x, f"one{x}", y_interval=(78 - 5 / x, 80 - 5 / x)) for x in (2, 3, 9)]
    two = [Point(x, 78 - 5 / x, f"two{x}", recomputed=x + 0.2) for x in (2.1, 3.1, 9.1)]
    given = {
        "x": Axis("multiply-adds (10⁹; published as FLOPs)"),
        "y": Axis("top-1 (%)"),
        "series": (series("one", *one), series("two", *two)),
        "caption": ("a convention", "a machine with a name", "versions of everything", "and what was left out"),
        "frontier": ((2.0, 76.5), (3.0, 77.3), (9.0, 78.4)),
        "ring": "recomputed",
    }
    return Chart(**{**given, **changes})  # type: ignore[arg-type]


def drawn(shown: Chart, width: str = "column") -> Figure:
    figure = draw(shown, PAGES[width])
    figure.draw_without_rendering()
    return figure


def written(figure: Figure) -> list[Text]:
    """Every text that is seen: ticks beyond an axis are not."""
    unseen = set()
    for axis, index in ((figure.axes[0].xaxis, 0), (figure.axes[0].yaxis, 1)):
        low, high = axis.get_view_interval()
        unseen |= {tick for tick in axis.get_ticklabels(which="both") if not low <= tick.get_position()[index] <= high}
    return [item for item in figure.findobj(Text) if item.get_text() and item.get_visible() and item not in unseen]


MANY = tuple(
    series(
        f"family number {index // 2} ({'full' if index % 2 else 'conv-stem'})",
        Point(index + 1, 75 + index % 3),
        family=str(index // 2),
    )
    for index in range(12)
)


@pytest.mark.parametrize("width", ["column", "page"])
@pytest.mark.parametrize(
    "shown",
    [
        chart(),
        chart(named=True),
        chart(series=MANY, frontier=()),
        chart(x=Axis("x", log=True), y=Axis("a long label of the ordinate (10⁶)", log=True)),
    ],
    ids=["plain", "named", "many series", "log"],
)
def test_texts_neither_overlap_nor_leave_the_figure(shown: Chart, width: str) -> None:
    figure = drawn(shown, width)
    assert figure.get_size_inches()[0] == PAGES[width].width
    texts = [(item, item.get_window_extent()) for item in written(figure)]
    for item, box in texts:
        assert min(box.x0, box.y0, figure.bbox.x1 - box.x1, figure.bbox.y1 - box.y1) >= 0, item
    for (first, one), (second, other) in combinations(texts, 2):
        shared = Bbox.intersection(one, other)
        assert shared is None or shared.width * shared.height < 1, (first, second)


def test_names_and_legend_are_there() -> None:
    figure = drawn(chart(named=True))
    assert {item.get_text() for item in figure.findobj(Annotation)} == {f"one{x}" for x in (2, 3, 9)} | {
        f"two{x}" for x in (2.1, 3.1, 9.1)
    }
    assert {"one", "two", "Pareto frontier", "recomputed"} <= {item.get_text() for item in written(figure)}
    assert drawn(chart()).findobj(Annotation) == []


def test_a_legend_stands_within_the_axes_where_a_corner_is_free() -> None:
    """The chart's lower right is empty; names need the room; and twelve long entries have none."""
    within = drawn(chart())
    assert within.axes[0].get_legend() is not None
    assert within.legends == []
    below = drawn(chart(named=True))
    assert below.axes[0].get_legend() is None
    assert len(below.legends) == 1
    assert len(drawn(chart(series=MANY)).legends) == 1


@pytest.mark.parametrize("width", ["column", "page"])
def test_nothing_is_written_smaller_than_8_pt(width: str) -> None:
    assert {item.get_fontsize() for item in written(drawn(chart(named=True), width))} == {FONT_SIZE}
    assert FONT_SIZE >= 8


def test_the_font_has_every_sign() -> None:
    signs = get_font(findfont(FontProperties())).get_charmap()
    assert {sign for sign in "×±·µ–…−⁰¹²³⁴⁵⁶⁷⁸⁹⁻₂↓\u00a0" if ord(sign) not in signs} == set()


def test_series_have_markers_of_their_own_and_colours_while_they_last() -> None:
    few = marks(tuple(series(f"s{index}", family="all") for index in range(len(COLOURS))))
    assert [mark.colour for mark in few] == list(COLOURS)
    many = marks(MANY)
    assert [mark.marker for mark in many] == list(MARKERS)
    assert [mark.colour for mark in many] == [COLOURS[index // 2] for index in range(12)]
    assert len({(mark.colour, str(mark.dashes)) for mark in many}) == 12


def test_colours_are_those_of_okabe_and_ito() -> None:
    """Okabe and Ito 2008, in RGB of 0 to 255, without yellow."""
    table = [(0, 0, 0), (213, 94, 0), (0, 114, 178), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233)]
    assert [colour.lower() for colour in COLOURS] == [to_hex([part / 255 for part in rgb]) for rgb in table]


@pytest.mark.parametrize(("count", "groups"), [(13, 1), (8, 8)])
def test_more_series_than_can_be_told_apart(count: int, groups: int) -> None:
    with pytest.raises(UsageError) as error:
        marks(tuple(series(f"s{index}", family=str(index % groups)) for index in range(count)))
    fix = "draw fewer rows, or --group-by other"
    assert str(error.value) == f"{count} series cannot be told apart (12 series of 7 groups can): {fix}"


def test_a_name_gives_way_to_marks_and_to_another() -> None:
    """Two names to the right of marks that are a name's length apart: the first goes where nothing is."""
    inside = Bbox.from_bounds(0, 0, 100, 100)
    places = [{spot: Bbox.from_bounds(x + spot[0], 45 + 3 * spot[1], 20, 10) for spot in SPOTS} for x in (20, 40)]
    surroundings = Surroundings([Bbox.from_bounds(x - 2, 48, 4, 4) for x in (20, 40)], [], 1, inside)
    first, second = choose(places, surroundings)
    assert first != SPOTS[0]
    one, other = places[0][first], places[1][second]
    assert surroundings.cost(one, [other]) == surroundings.cost(other, [one]) == 0
    assert shortened("a name that is longer", 10) == "a name th…"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (0.02, "0.02"), (500, "500"), (10000, "10000"), (1e5, "10⁵"), (2e-7, "2×10⁻⁷"), (1e-4, "10⁻⁴")],
)
def test_ticks_are_plain_numbers(value: float, text: str) -> None:
    assert plain(value) == text


@pytest.mark.parametrize(("span", "least"), [(1.2, 3), (3, 3), (20, 3), (1e3, 3), (1e6, 3)])
@pytest.mark.parametrize("low", [1.3e-7, 0.7, 2.1, 4.0, 70.0])
def test_a_logarithmic_axis_has_numbers_whatever_it_spans(low: float, span: float, least: int) -> None:
    points = [Point(1, low), Point(2, low * span)]
    (axes,) = drawn(chart(y=Axis("y", log=True), series=(series("a", *points),), frontier=())).axes
    bottom, top = axes.get_ylim()
    inside = [tick for tick in axes.yaxis.get_majorticklabels() if bottom <= tick.get_position()[1] <= top]
    assert len({tick.get_text() for tick in inside}) >= least


def test_names_of_users_are_taken_as_they_are() -> None:
    """A $ is no mathematics, a leading _ hides nothing."""
    point = Point(1, 1, "cost $x_1$")
    shown = chart(series=(series("_mine $a^2$", point), series("b", Point(2, 2))), frontier=(), named=True)
    assert {"_mine $a^2$", "cost $x_1$"} <= {item.get_text() for item in written(drawn(shown))}


def test_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusal(path: Path) -> str:
        with pytest.raises(UsageError) as error:
            check_target(path)
        return str(error.value)

    jpeg, nowhere, fine = tmp_path / "a.jpeg", tmp_path / "missing" / "a.svg", tmp_path / "A.PDF"
    assert refusal(jpeg) == f"--out {jpeg}: the suffix must be one of .svg, .pdf, .png"
    assert refusal(tmp_path / "a") == f"--out {tmp_path / 'a'}: the suffix must be one of .svg, .pdf, .png"
    assert refusal(nowhere) == f"--out {nowhere}: there is no folder {nowhere.parent}; make it first"
    check_target(fine)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert refusal(fine) == f"--out {fine}: cannot write there; choose another"


def test_a_folder_in_the_files_place(tmp_path: Path) -> None:
    taken = tmp_path / "a.png"
    taken.mkdir()
    with pytest.raises(UsageError) as error:
        save(Figure(figsize=(1, 1)), taken)
    assert str(error.value) == f"--out {taken}: cannot write: Is a directory"


@pytest.mark.parametrize(("suffix", "head"), [(".svg", b"<?xml"), (".pdf", b"%PDF"), (".png", b"\x89PNG")])
def test_files_are_what_their_suffix_says_and_are_overwritten(suffix: str, head: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"figure{suffix}"
    path.write_bytes(b"before")
    save(draw(chart(), PAGES["column"]), path)
    assert path.read_bytes().startswith(head)
    assert not any(
        mark in path.read_bytes() for mark in (b"CreationDate", b"<dc:date>", b"Software", b"matplotlib.org")
    )


DRAW = """
import sys
from pathlib import Path
from invobench.report.figures import Request, plot
for suffix in ("svg", "pdf", "png"):
    plot(["{results}"], Request(x="macs", y="latency"), Path("{folder}") / f"a.{{suffix}}", "column")
assert "matplotlib.pyplot" not in sys.modules
assert "torch" not in sys.modules
"""


def test_figures_are_the_same_byte_by_byte(tmp_path: Path) -> None:
    """Of another process, at another time, with another hash seed, backend and matplotlibrc."""
    results = write(tmp_path / "r.jsonl", [row("a"), row("b", macs_formula=10**9, **timed(0.5)), row("c", **CONV)])
    (tmp_path / "matplotlibrc").write_text("font.size: 20\nlines.linewidth: 9\nsvg.fonttype: none\n")
    settings = (
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2", "MPLBACKEND": "tkagg", "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), "DISPLAY": ""},
    )
    for name, setting in zip(("one", "two"), settings, strict=True):
        folder = tmp_path / name
        folder.mkdir()
        code = DRAW.format(results=results, folder=folder)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **setting}
        command = [sys.executable, "-W", "error", "-c", code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
    for suffix in ("svg", "pdf", "png"):
        first, second = (tmp_path / name / f"a.{suffix}" for name in ("one", "two"))
        assert first.read_bytes() == second.read_bytes(), suffix
        assert len(first.read_bytes()) > 5000
