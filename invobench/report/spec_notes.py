"""What stands above and below a table of a spec: what its figures mean, and what they come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from invobench.conventions import RULES, Convention
from invobench.report.provenance import made_by
from invobench.report.spec_arrange import Shown
from invobench.report.spec_columns import Point
from invobench.report.view import NOISY_NOTE, machine, threads
from invobench.results import Run

_DIGITS = "± is half the width of the median's 95 % interval; a figure has the digits that it supports."


def title(points: Sequence[Point], common: Mapping[str, str]) -> str:
    """The specs, and what most rows have in common."""
    specs = ", ".join(dict.fromkeys(item.cell.spec for item in points))
    return f"{specs} · {', '.join(value for key, value in common.items() if key != 'device')}"


def legend(columns: Sequence[Shown], points: Sequence[Point], convention: Convention) -> str:
    """What multiply-adds are, and for how many images the figures are."""
    counted = any(shown.name.startswith("macs") for shown in columns)
    others = any(shown.figure is not None and not shown.name.startswith(("macs", "params")) for shown in columns)
    said = []
    if counted:
        rule = RULES[convention].summary
        said.append(f"MACs are multiply-adds of one image (flops = 2 × MACs), convention {convention}: {rule}.")
    if others and any(item.cell.shape.batch > 1 for item in points):
        said.append("Bytes, latency and memory are those of a call, with the whole batch.")
    return " ".join(said)


def notes(
    columns: Sequence[Shown],
    points: Sequence[Point],
    labels: Mapping[int, str],
    base: Point | None,
    run: Run | None,
    convention: Convention,
) -> Iterator[str]:
    """How to read the figures, rows that lack some and why, and the footnote."""
    timed = any(shown.figure is not None and shown.figure.bound_fields for shown in columns)
    if base is not None:
        near = "; ≈: their 95 % intervals overlap" if timed else ""
        yield f"Δ is the change against {base.cell.label}{near}."
    if timed:
        yield _DIGITS
        if any(item.known.status == "noisy" for item in points):
            yield NOISY_NOTE
    for item in points:
        row, name = item.row, labels[id(item)]
        if item.cost is None and any(shown.name in {"macs", "min_bytes"} for shown in columns):
            yield f"{name}: has no formula"
        if row is not None and not item.measured:
            yield f"{name} ({row.backend_requested}): {row.status}: {row.message}"
    yield _footnote(points, run, convention)


def _footnote(points: Sequence[Point], run: Run | None, convention: Convention) -> str:
    """Convention, where and with what it was measured, and what made the table."""
    parts = [f"convention {convention}"]
    if run is not None:
        rows = [item.row for item in points if item.row is not None]
        devices = dict.fromkeys(row.device for row in rows if row.device is not None)
        places = [f"{device} ({machine(run, device)})" for device in devices]
        here = run.environment
        words = [*places, *threads(rows), f"torch {here.torch}", f"invobench {here.invobench}", run.created[:10]]
        parts.append(f"measured: {', '.join(words)}")
    return "; ".join([*parts, f"table: {made_by()}"]) + "."
