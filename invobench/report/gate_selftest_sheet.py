"""`invobench gate --self-test`: false alarms, the detection curve, and the smallest threshold supported here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from invobench import units
from invobench.report.sheet import Column, Line, Sheet

if TYPE_CHECKING:
    from invobench.runner.gate.request import GateSelftest, Rate, SelftestCell


def gate_selftest_sheet(found: GateSelftest) -> Sheet:
    """A line a cell: A against A, then A against A slowed by each factor."""
    factors = [Column(f"slowed by\n{units.percent(factor - 1)}") for factor in found.factors]
    everything = [*found.cells, *([found.whole] if found.whole is not None else [])]
    return Sheet(
        title=f"gate --self-test · {found.device} · {found.environment.cpu} · {found.rounds} rounds · "
        f"fingerprint {found.environment.fingerprint}",
        columns=(
            Column("cell", text=True, wrap=True),
            Column("latency"),
            Column("A against A\nregressed"),
            Column("\npass"),
            *factors,
            Column("smallest\nthreshold"),
            Column("asked"),
        ),
        lines=tuple(_line(cell, found, cell is found.whole) for cell in everything),
        legend=f"Of {found.gates} gates with {found.processes} processes a side, drawn from the rounds measured here: "
        "how many called A against A regressed (a false alarm) or passed it, and how many called A slowed by a known "
        "factor regressed. Smallest threshold: with it 95 % of gates pass A against A.",
        notes=tuple(_notes(found)),
        records=tuple(_record(cell) for cell in everything),
    )


def _line(cell: SelftestCell, found: GateSelftest, whole: bool) -> Line:
    detected = dict(cell.detected)
    cells = (
        cell.label,
        "" if cell.latency_s is None else units.duration(cell.latency_s),
        _rate(cell.false_alarms),
        _rate(cell.passes),
        *(_rate(detected[factor]) if factor in detected else "" for factor in found.factors),
        _threshold(cell.smallest) or ("" if whole else "none"),
        _threshold(cell.threshold),
    )
    return Line(cells, "strong" if whole else "plain" if cell.is_supported else "bad", section=whole)


def _rate(rate: Rate) -> str:
    """Empty where nothing was drawn."""
    return "" if rate.share is None else f"{100 * rate.share:.1f} %"


def _threshold(share: float | None) -> str:
    return "" if share is None else units.percent(share)


def _notes(found: GateSelftest) -> Iterator[str]:
    for cell in found.unsupported:
        supported = "no threshold" if cell.smallest is None else f"{units.percent(cell.smallest)} or more"
        yield (
            f"Warning: {cell.label}: the threshold of {_threshold(cell.threshold)} is below what this machine supports "
            f"({supported}): raise gate.latency, gate.sample_time_s or gate.processes, or gate on a quieter machine."
        )
    yield from (f"{label}: not measured: {message}" for label, message in found.failed)
    yield from found.notes
    if found.time_s:
        yield f"measured in {units.duration(found.time_s)}."
    yield f"{_conclusion(found)}: exit code {found.exit_code}."


def _conclusion(found: GateSelftest) -> str:
    """What it comes to in a few words."""
    if found.interrupted:
        return "interrupted"
    if not found.cells:
        return "nothing measured"
    if found.unsupported:
        return f"{len(found.unsupported)} of {len(found.cells)} thresholds are below what this machine supports"
    return "every threshold that was measured is one that this machine supports"


def _record(cell: SelftestCell) -> dict[str, Any]:
    """The cell for programs: counts of gates, and the Wilson limits of their shares."""
    values: dict[str, Any] = {
        "cell": cell.label,
        "latency_s": cell.latency_s,
        "gates": cell.false_alarms.of,
        "false_alarms": cell.false_alarms.count,
        "false_alarms_low": cell.false_alarms.low,
        "false_alarms_high": cell.false_alarms.high,
        "passes": cell.passes.count,
        "smallest_threshold": cell.smallest,
        "threshold": cell.threshold,
    }
    for factor, rate in cell.detected:
        values[f"detected_{factor:g}"] = rate.share
    return {key: value for key, value in values.items() if value is not None}
