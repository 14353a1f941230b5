"""`invobench history NAME`: a sheet a cell, a row a gate, and the trend as a line of block characters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from invobench.baselines.store import Point
from invobench.judging.quantities import QUANTITIES
from invobench.judging.verdicts import Identity, Verdict
from invobench.report import judged_words as words
from invobench.report.plain import BLOCKS
from invobench.report.sheet import Column, Line, Sheet

#: columns of text of the longest bar
BAR = 20
#: points of the line in the header at most; the newest
SPARK = 60


def history_sheets(points: Sequence[Point]) -> tuple[Sheet, ...]:
    """A sheet for each cell of `points`, which are in the order of their gates."""
    cells: dict[Identity, list[Point]] = {}
    for point in points:
        cells.setdefault(point.identity, []).append(point)
    return tuple(_sheet(identity, found) for identity, found in cells.items())


def spark(amounts: Sequence[float]) -> str:
    """The amounts as a line of blocks: the lowest for the smallest, the highest for the largest; all low if equal."""
    low, high = min(amounts), max(amounts)
    top = len(BLOCKS) - 1
    return "".join(BLOCKS[round(top * _place(amount, low, high))] for amount in amounts)


def _sheet(identity: Identity, points: Sequence[Point]) -> Sheet:
    quantity = QUANTITIES[points[0].quantity]
    amounts = [point.candidate for point in points if words.is_number(point.candidate)]
    places = list(dict.fromkeys(point.fingerprint for point in points))
    gates = f"{len(points)} gate{'' if len(points) == 1 else 's'}"
    return Sheet(
        title=f"{words.full_name(identity)} · {quantity.heading} · {gates}",
        columns=(
            Column("gate"),
            Column("when (UTC)", text=True),
            Column("candidate", text=True, wrap=True),
            Column("value"),
            Column("95 % interval"),
            Column("ratio"),
            Column("verdict", text=True),
            Column("trend", text=True),
        ),
        lines=tuple(_lines(points, amounts)),
        legend=_trend(points[0].quantity, amounts),
        notes=tuple(_notes(points, places)),
        records=tuple(_record(point) for point in points),
    )


def _trend(quantity: str, amounts: Sequence[float]) -> str:
    """The line over all gates between its smallest and its largest value."""
    if not amounts:
        return ""
    shown = amounts[-SPARK:]
    older = f" (the newest {SPARK} of {len(amounts)})" if len(amounts) > SPARK else ""
    smallest, largest = (words.value(quantity, bound(shown)) for bound in (min, max))
    return f"{spark(shown)}  from {smallest} to {largest}{older}"


def _lines(points: Sequence[Point], amounts: Sequence[float]) -> Iterator[Line]:
    """A line a gate; a rule where the environment changes."""
    before: Point | None = None
    for point in points:
        cells = (
            str(point.gate),
            point.at.replace("T", " ").removesuffix("+00:00"),
            _candidate(point),
            words.value(point.quantity, point.candidate),
            " to ".join(words.value(point.quantity, amount) for amount in _limits(point)),
            words.ratio(point.ratio),
            str(point.verdict),
            _bar(point, amounts),
        )
        moved = before is not None and before.fingerprint != point.fingerprint
        yield Line(cells, "bad" if point.verdict is Verdict.REGRESSED else "plain", section=moved)
        before = point


def _candidate(point: Point) -> str:
    known = point.revision[:12]
    return (
        f"{point.candidate_label} ({known})" if known and known not in point.candidate_label else point.candidate_label
    )


def _limits(point: Point) -> tuple[float, ...]:
    """Of the value: the limits of the ratio times the base's value; none where there are none."""
    if point.low is None or point.high is None or not words.is_number(point.base):
        return ()
    return point.base * point.low, point.base * point.high


def _bar(point: Point, amounts: Sequence[float]) -> str:
    """From one block for the smallest value to BAR blocks for the largest; empty where there is no value."""
    if not words.is_number(point.candidate):
        return ""
    return BLOCKS[-1] * (1 + round((BAR - 1) * _place(point.candidate, min(amounts), max(amounts))))


def _place(amount: float, low: float, high: float) -> float:
    """0 at the smallest, 1 at the largest, 0 where they are equal."""
    return (amount - low) / (high - low) if high > low else 0.0


def _notes(points: Sequence[Point], places: Sequence[str]) -> Iterator[str]:
    if any(_limits(point) for point in points):
        yield "value: the candidate's; its interval is that of the ratio to the gate's base, times the base's value."
    if len(places) > 1:
        yield (
            f"{len(places)} environments, a rule between them ({', '.join(places)}): timing is comparable within one."
        )
    went_back = [later.gate for former, later in pairwise(points) if later.at < former.at]
    if went_back:
        gates = ", ".join(str(gate) for gate in went_back)
        yield f"the clock went back before gate {gates}: rows are in the order in which the gates ended."


def _record(point: Point) -> Mapping[str, Any]:
    identity = point.identity
    values = {
        "gate": point.gate,
        "at": point.at,
        "name": identity.name,
        "coordinates": dict(identity.coordinates),
        **{key: getattr(identity, key) for key in ("device", "dtype", "mode", "scope", "backend")},
        "quantity": point.quantity,
        "field": point.field,
        "base": point.base,
        "candidate": point.candidate,
        "ratio": point.ratio,
        "ratio_low": point.low,
        "ratio_high": point.high,
        "verdict": str(point.verdict),
        "gate_mode": point.mode,
        "base_label": point.base_label,
        "candidate_label": point.candidate_label,
        "revision": point.revision or None,
        "fingerprint": point.fingerprint,
        "spec_hash": point.spec_hash or None,
    }
    return {key: value for key, value in values.items() if value is not None}
