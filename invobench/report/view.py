"""The sheet of a run: rows as text, grouped by layer, and what stands above and below them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from invobench import units
from invobench.report.contract import differences, threads, usual
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
#: shown where a row has it
LIMIT = Column("% of\nlimit")
LIMIT_NOTE = "% of limit: least time by what invobench ceilings measured, over latency; m memory, c compute, l launch."
LEGEND = "MACs are multiply-adds of the whole batch (flops = 2 × MACs); what papers call FLOPs are MACs."
FASTEST = "*"
NOISY = "~"
NOISY_NOTE = (
    f"{NOISY} noisy: wide interval, drift, throttling or coarse clock: each row's message says what to do (csv, jsonl)."
)

__all__ = ["COLUMNS", "FASTEST", "LEGEND", "NOISY", "NOISY_NOTE", "label", "machine", "threads", "usual", "view"]


def view(run: Run, rows: Sequence[Row]) -> Sheet:
    """Rows as text, in their order."""
    common = usual(rows)
    fastest = _fastest(rows)
    limits = any(row.limit_share is not None for row in rows)
    lines: list[Line] = []
    previous: Row | None = None
    for row in rows:
        first = previous is None or (previous.spec, previous.name) != (row.spec, row.name)
        repeated = previous is not None and not first and label(previous, common) == label(row, common)
        lines.append(_line(row, "" if repeated else label(row, common), first, id(row) in fastest, limits))
        previous = row
    records = tuple(row.model_dump(include=set(FIELDS), exclude_none=True) for row in rows)
    notes = tuple(_notes(rows, common, bool(fastest)))
    return Sheet(
        _title(run, rows, common), (*COLUMNS, *([LIMIT] if limits else [])), tuple(lines), LEGEND, notes, records
    )


def _line(row: Row, name: str, first: bool, fastest: bool, limits: bool) -> Line:
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
        *([_limit(row)] if limits else []),
    )
    return Line(cells, "strong" if fastest else "plain" if measured else "bad", section=first)


def _limit(row: Row) -> str:
    return "" if row.limit_share is None else f"{units.percent(row.limit_share)} {(row.bound or '')[:1]}"


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
    return " ".join([row.name, *parts, *differences(row, common, elsewhere)])


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
    words = ", ".join(common.values())
    overrides = [f"set {' '.join(run.overrides)}"] if run.overrides else []
    here = machine(run, common.get("device", ""))
    return " · ".join([*([words] if words else []), here, f"torch {run.environment.torch}", *overrides])


def machine(run: Run, device: str) -> str:
    """The GPU or processor that `device` was when it was measured."""
    here = run.environment
    return here.gpus[int(device.partition(":")[2])] if device.startswith("cuda:") and here.gpus else here.cpu


def _notes(rows: Sequence[Row], common: Mapping[str, str], any_fastest: bool) -> list[str]:
    notes = []
    if any_fastest:
        notes.append(f"{FASTEST} fastest backend of the layer, by intervals that do not overlap.")
    if any(row.status == "noisy" for row in rows):
        notes.append(NOISY_NOTE)
    if any(row.limit_share is not None for row in rows):
        notes.append(LIMIT_NOTE)
    return [*notes, *_setup(rows), *_told(rows, common)]


def _told(rows: Sequence[Row], common: Mapping[str, str]) -> list[str]:
    """What rows say of themselves; what several say alike is a note for all of them."""
    said: dict[str, list[str]] = {}
    for row in rows:
        name = label(row, common)
        if row.uncounted:
            said.setdefault(f"not counted, no rule for: {row.uncounted}", []).append(name)
        if row.fvcore_error:
            said.setdefault(f"fvcore cannot count this: {row.fvcore_error}", []).append(name)
        if row.message and row.status != "noisy":
            said.setdefault(f"{row.status}: {row.message}", []).append(f"{name} ({row.backend_requested})")
    return [f"{', '.join(dict.fromkeys(names))}: {text}" for text, names in said.items()]


def _setup(rows: Sequence[Row]) -> Iterator[str]:
    """What building kernels, compiling and capturing took, which no sample has in it."""
    times: dict[str, list[float]] = {}
    for row in rows:
        if row.setup_s is not None:
            times.setdefault(row.execution or "eager", []).append(row.setup_s)
    for execution, taken in times.items():
        span = " to ".join(dict.fromkeys(units.duration(time) for time in (min(taken), max(taken))))
        what = "kernels built or loaded" if execution == "eager" else f"{execution}: set up"
        calls = "" if execution == "eager" else " with its first calls"
        yield f"{what} in {span} a row{calls}, which is not in the latency (setup_s)."
