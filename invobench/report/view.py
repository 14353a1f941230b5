"""The sheet of a run: rows as text, grouped by layer, and what stands above and below them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from invobench import units
from invobench.report.sheet import Column, Line, Sheet
from invobench.results import COLUMNS as FIELDS
from invobench.results import MEASURED, Row, Run

COLUMNS = (
    Column("layer", text=True, wrap=True),
    Column("input", text=True),
    Column("backend", text=True),
    Column("params"),
    Column("MACs\nformula"),
    Column("MACs\ncounted"),
    Column("latency"),
    Column("±95 %"),
    Column("peak\nmemory"),
    Column("max\nerror"),
)
LEGEND = "MACs are multiply-adds of the whole batch (flops = 2 × MACs); what papers call FLOPs are MACs."
FASTEST = "*"
NOISY = "~"
NOISY_NOTE = f"{NOISY} noisy: the interval is wider than measure.target_ci; raise measure.max_time_s."
_CONTRACT = ("device", "dtype", "mode", "scope")


def view(run: Run, rows: Sequence[Row]) -> Sheet:
    """Rows as text, in their order."""
    common = usual(rows)
    fastest = _fastest(rows)
    lines: list[Line] = []
    previous: Row | None = None
    for row in rows:
        first = previous is None or (previous.spec, previous.name) != (row.spec, row.name)
        repeated = previous is not None and not first and label(previous, common) == label(row, common)
        lines.append(_line(row, "" if repeated else label(row, common), first, id(row) in fastest))
        previous = row
    records = tuple(row.model_dump(include=set(FIELDS), exclude_none=True) for row in rows)
    notes = tuple(_notes(rows, common, bool(fastest)))
    return Sheet(_title(run, rows, common), COLUMNS, tuple(lines), LEGEND, notes, records)


def usual(rows: Sequence[Row]) -> dict[str, str]:
    """What most rows have of device, dtype, mode and scope: it stands in the title, and rows say where they differ."""
    found = {}
    for key in _CONTRACT:
        values = Counter(str(getattr(row, key)) for row in rows if getattr(row, key) is not None)
        if values:
            found[key] = values.most_common(1)[0][0]
    return found


def _line(row: Row, name: str, first: bool, fastest: bool) -> Line:
    measured = row.status in MEASURED
    mark = (FASTEST if fastest else "") + (NOISY if row.status == "noisy" else "")
    latency = units.duration(row.latency_s) + mark if row.latency_s is not None else ""
    cells = (
        name,
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
    return Line(cells, "strong" if fastest else "plain" if measured else "bad", section=first)


def _or_empty(text: object, value: int | None) -> str:
    return "" if value is None else str(text(value))  # type: ignore[operator]


def _half_width(row: Row) -> str:
    if row.latency_s is None or row.latency_low_s is None or row.latency_high_s is None:
        return ""
    return units.percent((row.latency_high_s - row.latency_low_s) / 2 / row.latency_s)


def label(row: Row, common: Mapping[str, str], elsewhere: Collection[str] = ("backend",)) -> str:
    """Name and coordinates, and where the row differs from the title without having a coordinate for it.

    What is said `elsewhere`, in columns of their own, is left out.
    """
    parts = [f"{key}={value}" for key, value in row.coordinates.items() if key not in elsewhere]
    for key in _CONTRACT:
        value = getattr(row, key)
        if value is not None and key not in row.coordinates and key not in elsewhere and str(value) != common.get(key):
            parts.append(str(value))
    return " ".join([row.name, *parts])


def _fastest(rows: Sequence[Row]) -> set[int]:
    """The fastest row of each set that differs in its backend alone, where its interval is apart from the others'."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.status in MEASURED and row.latency_s is not None:
            groups.setdefault((row.spec, label(row, {})), []).append(row)
    compared = [group for group in groups.values() if len({row.backend for row in group}) > 1]
    winners = [_told_apart(group) for group in compared]
    return {id(winner) for winner in winners if winner is not None}


def _told_apart(group: Sequence[Row]) -> Row | None:
    """The row whose interval lies below those of the others, None where there is no such row."""
    best, *others = sorted(group, key=lambda row: row.latency_s or 0.0)
    high = best.latency_high_s
    apart = high is not None and all(row.latency_low_s is not None and high < row.latency_low_s for row in others)
    return best if apart else None


def _title(run: Run, rows: Sequence[Row], common: Mapping[str, str]) -> str:
    words = ", ".join([*(common[key] for key in _CONTRACT if key in common), *threads(rows)])
    overrides = [f"set {' '.join(run.overrides)}"] if run.overrides else []
    here = machine(run, common.get("device", ""))
    return " · ".join([*([words] if words else []), here, f"torch {run.environment.torch}", *overrides])


def machine(run: Run, device: str) -> str:
    """The GPU or processor that `device` was when it was measured."""
    here = run.environment
    return here.gpus[int(device.partition(":")[2])] if device.startswith("cuda:") and here.gpus else here.cpu


def threads(rows: Sequence[Row]) -> list[str]:
    """`2 threads`, where a row says so."""
    return [f"{row.threads} threads" for row in rows if row.threads][:1]


def _notes(rows: Sequence[Row], common: Mapping[str, str], any_fastest: bool) -> list[str]:
    notes = []
    if any_fastest:
        notes.append(f"{FASTEST} fastest backend of the layer, by intervals that do not overlap.")
    if any(row.status == "noisy" for row in rows):
        notes.append(NOISY_NOTE)
    for row in rows:
        if row.uncounted:
            notes.append(f"{label(row, common)}: not counted, no rule for: {row.uncounted}")
        if row.fvcore_error:
            notes.append(f"{label(row, common)}: fvcore cannot count this: {row.fvcore_error}")
        if row.message and row.status != "noisy":
            notes.append(f"{label(row, common)} ({row.backend_requested}): {row.status}: {row.message}")
    return notes
