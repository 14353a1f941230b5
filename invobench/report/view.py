"""What the reports for people show: rows as text, grouped by layer, and what stands above and below them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from invobench import units
from invobench.results import MEASURED, Row, Run

#: heading (of up to two lines), and whether the column is text (left-aligned)
HEADINGS: tuple[tuple[str, bool], ...] = (
    ("layer", True),
    ("input", True),
    ("backend", True),
    ("params", False),
    ("MACs\nformula", False),
    ("MACs\ncounted", False),
    ("latency", False),
    ("±95 %", False),
    ("peak\nmemory", False),
    ("max\nerror", False),
)
LEGEND = "MACs are multiply-adds of the whole batch (flops = 2 × MACs); what papers call FLOPs are MACs."
FASTEST = "*"
_NOISY = "~"
_CONTRACT = ("device", "dtype", "mode", "scope")


@dataclass(frozen=True)
class Line:
    """A row as text, one cell a heading; `first` of its layer; `fastest` of the backends it is compared with."""

    cells: tuple[str, ...]
    first: bool
    fastest: bool
    measured: bool


@dataclass(frozen=True)
class View:
    """A result as text: the title, what the figures mean, lines, and notes below."""

    title: str
    legend: str
    lines: tuple[Line, ...]
    notes: tuple[str, ...]


def view(run: Run, rows: Sequence[Row]) -> View:
    """Rows as text, in their order."""
    usual = _usual(rows)
    fastest = _fastest(rows)
    lines: list[Line] = []
    previous: Row | None = None
    for row in rows:
        first = previous is None or (previous.spec, previous.name) != (row.spec, row.name)
        repeated = previous is not None and not first and _label(previous, usual) == _label(row, usual)
        lines.append(_line(row, "" if repeated else _label(row, usual), first, id(row) in fastest))
        previous = row
    return View(_title(run, rows, usual), LEGEND, tuple(lines), tuple(_notes(rows, usual, bool(fastest))))


def _usual(rows: Sequence[Row]) -> dict[str, str]:
    """What most rows have of device, dtype, mode and scope: it stands in the title, and rows say where they differ."""
    found = {}
    for key in _CONTRACT:
        values = Counter(str(getattr(row, key)) for row in rows if getattr(row, key) is not None)
        if values:
            found[key] = values.most_common(1)[0][0]
    return found


def _line(row: Row, label: str, first: bool, fastest: bool) -> Line:
    measured = row.status in MEASURED
    mark = (FASTEST if fastest else "") + (_NOISY if row.status == "noisy" else "")
    latency = units.duration(row.latency_s) + mark if row.latency_s is not None else ""
    cells = (
        label,
        f"{row.batch}×{row.in_channels}×{row.height}×{row.width}",
        row.backend or row.backend_requested,
        _or_empty(units.count, row.params),
        _or_empty(units.count, row.macs_formula),
        _or_empty(units.count, row.macs_dispatched),
        latency if measured else row.status,
        _half_width(row),
        _or_empty(units.size, row.peak_memory_bytes),
        f"{row.max_error:.0e}" if row.max_error is not None else "",
    )
    return Line(cells, first, fastest, measured)


def _or_empty(text: object, value: int | None) -> str:
    return "" if value is None else str(text(value))  # type: ignore[operator]


def _half_width(row: Row) -> str:
    if row.latency_s is None or row.latency_low_s is None or row.latency_high_s is None:
        return ""
    return units.percent((row.latency_high_s - row.latency_low_s) / 2 / row.latency_s)


def _label(row: Row, usual: Mapping[str, str]) -> str:
    """Name and coordinates, and where the row differs from the title without having a coordinate for it."""
    parts = [f"{key}={value}" for key, value in row.coordinates.items() if key != "backend"]
    for key in _CONTRACT:
        value = getattr(row, key)
        if value is not None and key not in row.coordinates and str(value) != usual.get(key):
            parts.append(str(value))
    return " ".join([row.name, *parts])


def _fastest(rows: Sequence[Row]) -> set[int]:
    """The fastest row of each set that differs in its backend alone, where its interval is apart from the others'."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.status in MEASURED and row.latency_s is not None:
            groups.setdefault((row.spec, _label(row, {})), []).append(row)
    compared = [group for group in groups.values() if len({row.backend for row in group}) > 1]
    winners = [_told_apart(group) for group in compared]
    return {id(winner) for winner in winners if winner is not None}


def _told_apart(group: Sequence[Row]) -> Row | None:
    """The row whose interval lies below those of the others, None where there is no such row."""
    best, *others = sorted(group, key=lambda row: row.latency_s or 0.0)
    high = best.latency_high_s
    apart = high is not None and all(row.latency_low_s is not None and high < row.latency_low_s for row in others)
    return best if apart else None


def _title(run: Run, rows: Sequence[Row], usual: Mapping[str, str]) -> str:
    here = run.environment
    device = usual.get("device", "")
    on_gpu = device.startswith("cuda:") and here.gpus
    machine = here.gpus[int(device.partition(":")[2])] if on_gpu else here.cpu
    threads = next((f"{row.threads} threads" for row in rows if row.threads), None)
    words = [*(usual[key] for key in _CONTRACT if key in usual), *([threads] if threads else [])]
    overrides = [f"set {' '.join(run.overrides)}"] if run.overrides else []
    return " · ".join([*([", ".join(words)] if words else []), machine, f"torch {here.torch}", *overrides])


def _notes(rows: Sequence[Row], usual: Mapping[str, str], any_fastest: bool) -> list[str]:
    notes = []
    if any_fastest:
        notes.append(f"{FASTEST} fastest backend of the layer, by intervals that do not overlap.")
    if any(row.status == "noisy" for row in rows):
        notes.append(f"{_NOISY} noisy: the interval is wider than measure.target_ci; raise measure.max_time_s.")
    for row in rows:
        if row.uncounted:
            notes.append(f"{_label(row, usual)}: not counted, no rule for: {row.uncounted}")
        if row.fvcore_error:
            notes.append(f"{_label(row, usual)}: fvcore cannot count this: {row.fvcore_error}")
        if row.message and row.status != "noisy":
            notes.append(f"{_label(row, usual)} ({row.backend_requested}): {row.status}: {row.message}")
    return notes
