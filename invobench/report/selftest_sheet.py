"""`invobench selftest`: the ladder, the agreement, the overhead and the aims as sheets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from invobench import units
from invobench.report.sheet import Column, Line, Sheet

if TYPE_CHECKING:  # whose modules import torch
    from invobench.measure.interval import Interval
    from invobench.measure.selftest.aims import Overhead, Verdict
    from invobench.measure.selftest.ladder import Look, Rung
    from invobench.measure.selftest.peers import Agreement
    from invobench.measure.selftest.ratio import Share
    from invobench.runner.selftest import Selftest


def selftest_sheets(found: Selftest) -> tuple[Sheet, ...]:
    """The sheets in the order in which they are read: what was measured, then the aims."""
    return (_ladder(found), _agreement(found.agreements), _overhead(found.overheads), _aims(found.verdicts))


def _ladder(found: Selftest) -> Sheet:
    load = f", load average {found.load[0]:.1f} before and {found.load[1]:.1f} after" if found.load else ""
    threads = "1 thread" if found.threads == 1 else f"{found.threads} threads"
    replicates = found.replicates
    return Sheet(
        title=f"Ladder of known ratios · {found.device}, {threads} · {found.cpu}{load}",
        legend="Two busy loops of exactly known work, measured in turn: what the ratio of their medians came to; how "
        "wide its 95 % interval is, how often it held the true ratio, or came to within "
        f"{found.exact:.1%}, to which loops and clock are exact; and how often it was above 1. "
        f"{replicates} cells a side: intervals of {replicates} pairs' ratios, as with measure.processes: {replicates}.",
        columns=(
            Column("true\nratio"),
            Column("measured"),
            Column("bias"),
            Column("bias's 95 %\ninterval"),
            Column("one cell\na side: ±"),
            *_look_columns(found, ""),
            *_look_columns(found, f"{replicates} cells\n"),
            Column("pairs"),
        ),
        lines=tuple(_rung_line(rung) for rung in found.rungs),
        notes=tuple(_told(found)),
        records=tuple(_rung_record(rung) for rung in found.rungs),
    )


def _look_columns(found: Selftest, head: str) -> tuple[Column, Column, Column]:
    return Column(f"{head or chr(10)}holds it"), Column(f"to\n{found.exact:.1%}"), Column("\nabove 1")


def _rung_line(rung: Rung) -> Line:
    measured = rung.measured
    cells = (
        f"{rung.ratio:.2f}",
        f"{measured.median:.4f}",
        _signed(rung.bias),
        _limits(measured, rung.ratio),
        _half_width(rung.single),
        *_look_cells(rung.single),
        *_look_cells(rung.replicated),
        str(len(rung.pairs)),
    )
    return Line(cells)


def _limits(measured: Interval, ratio: float) -> str:
    """The interval of the bias; empty where there is none."""
    if measured.low is None or measured.high is None:
        return ""
    return f"{_signed(measured.low / ratio - 1)} to {_signed(measured.high / ratio - 1)}"


def _half_width(look: Look) -> str:
    """Empty where there is none."""
    known = look.half_width is not None and math.isfinite(look.half_width)
    return f"{look.half_width:.2%}" if known else ""


def _look_cells(look: Look) -> tuple[str, str, str]:
    return _share(look.covered), _share(look.near), _share(look.above_one)


def _share(share: Share) -> str:
    """Empty where there were no repeats."""
    return "" if share.value is None else f"{share.value:.1%}"


def _told(found: Selftest) -> Sequence[str]:
    words = {
        "one cell a side": found.smallest(lambda rung: rung.single),
        f"{found.replicates} cells a side in turn": found.smallest(lambda rung: rung.replicated),
    }
    return [
        f"Smallest change told apart from none in 95 % of repeats, {what}: "
        + ("none of the ladder." if ratio is None else f"+{ratio - 1:.0%}.")
        for what, ratio in words.items()
    ]


def _rung_record(rung: Rung) -> Mapping[str, Any]:
    measured = rung.measured
    return _present(
        {
            "measure": "ladder",
            "ratio": rung.ratio,
            "measured_ratio": measured.median,
            "measured_ratio_low": measured.low,
            "measured_ratio_high": measured.high,
            "bias": rung.bias,
            "pairs": len(rung.pairs),
            "single_coverage": rung.single.covered.value,
            "single_near": rung.single.near.value,
            "single_above_1": rung.single.above_one.value,
            "replicated_repeats": rung.replicated.covered.trials,
            "replicated_coverage": rung.replicated.covered.value,
            "replicated_near": rung.replicated.near.value,
            "replicated_above_1": rung.replicated.above_one.value,
        }
    )


def _agreement(agreements: Sequence[Agreement]) -> Sheet:
    return Sheet(
        title="Agreement with other tools",
        legend="Our median over theirs, of the same callables, timed in turn.",
        columns=(
            Column("tool", text=True),
            Column("callable", text=True),
            Column("ours / theirs"),
            Column("95 % interval"),
            Column("pairs"),
        ),
        lines=tuple(_agreement_line(item, item.ratio) for item in agreements if item.ratio is not None),
        notes=tuple(
            f"{tool}: not compared: {reason}."
            for tool, reason in dict.fromkeys((item.peer, item.skipped) for item in agreements if item.skipped)
        ),
        records=tuple(_agreement_record(item) for item in agreements),
    )


def _agreement_line(item: Agreement, ratio: Interval) -> Line:
    known = ratio.low is not None and ratio.high is not None
    limits = f"{ratio.low:.4f} to {ratio.high:.4f}" if known else ""
    return Line((item.peer, item.callable, f"{ratio.median:.4f}", limits, str(len(item.ratios))))


def _agreement_record(item: Agreement) -> Mapping[str, Any]:
    ratio = item.ratio
    values: dict[str, Any] = {
        "measure": "agreement",
        "tool": item.peer,
        "callable": item.callable,
        "skipped": item.skipped or None,
    }
    if ratio is not None:
        values |= {"measured_ratio": ratio.median, "measured_ratio_low": ratio.low, "measured_ratio_high": ratio.high}
        values |= {"pairs": len(item.ratios)}
    return _present(values)


def _overhead(overheads: Sequence[Overhead]) -> Sheet:
    return Sheet(
        title="Overhead",
        legend="The part of a cell's time that is spent outside of warm-up calls and samples; process start excluded.",
        columns=(Column("what", text=True), Column("time"), Column("overhead")),
        lines=tuple(Line((item.what, units.duration(item.total_s), f"{item.share:.1%}")) for item in overheads),
        records=tuple(
            {
                "measure": "overhead",
                "callable": item.what,
                "total_s": item.total_s,
                "inside_s": item.inside_s,
                "overhead_share": item.share,
            }
            for item in overheads
        ),
    )


def _aims(verdicts: Sequence[Verdict]) -> Sheet:
    met = sum(verdict.word == "met" for verdict in verdicts)
    advice = dict.fromkeys(verdict.advice for verdict in verdicts if verdict.advice)
    notes = [f"{met} of {len(verdicts)} aims met."]
    if advice:
        notes += [
            "Inconclusive: this machine, as it is now, does not bear out what is not met "
            "(open: the noise leaves it undecided).",
            *(f"{text[:1].upper()}{text[1:]}." for text in advice),
        ]
    return Sheet(
        title="Aims",
        columns=(
            Column("aim", text=True, wrap=True),
            Column("found", text=True, wrap=True),
            Column("verdict", text=True),
        ),
        lines=tuple(_verdict_line(verdict) for verdict in verdicts),
        notes=tuple(notes),
        records=tuple(
            {"measure": "aim", "aim": verdict.aim, "found": verdict.found, "verdict": str(verdict.word)}
            for verdict in verdicts
        ),
    )


def _verdict_line(verdict: Verdict) -> Line:
    return Line((verdict.aim, verdict.found, str(verdict.word)), "plain" if verdict.word == "met" else "bad")


def _signed(share: float) -> str:
    return f"{100 * share:+.2f} %"


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
