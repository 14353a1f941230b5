"""Judgements with everything in them that a report of a gate has to show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from invobench.errors import worst_exit
from invobench.judging.quantities import QUANTITIES
from invobench.judging.verdicts import EXITS, Check, Identity, Judged, Judgement, Subject, Verdict, worst

BASE = Subject("main", "0123456789abcdef", "0.1.0", "2.13.0", "2026-11-23T12:00:00+00:00", "9f2c" * 10)
CANDIDATE = Subject("working tree", "0123456789abcdef", "0.1.0", "2.13.0", "2026-11-23T12:00:00+00:00")


def identity(name: str = "involution", **changes: Any) -> Identity:
    given = {
        "coordinates": (("kernel_size", 7),),
        "device": "cpu",
        "dtype": "float32",
        "mode": "forward",
        "scope": "module",
        "backend": "auto",
    }
    return Identity(name, **{**given, **changes})


def check(quantity: str, base: Any, candidate: Any, verdict: Verdict = Verdict.PASS, **changes: Any) -> Check:
    numbers = all(isinstance(amount, int | float) for amount in (base, candidate))
    given = {"threshold": 0.0, "ratio": candidate / base if numbers else None}
    return Check(quantity, QUANTITIES[quantity].field, base, candidate, verdict=verdict, **{**given, **changes})


def latency(base: float, ratio: float, half: float, verdict: Verdict = Verdict.PASS, **changes: Any) -> Check:
    limits = {"ratio": ratio, "low": ratio - half, "high": ratio + half, "threshold": 0.05}
    return check("latency", base, base * ratio, verdict, **{**limits, **changes})


def exact(params: int = 4388) -> tuple[Check, ...]:
    """Exact checks, of which the parameters are regressed where they are not 4388."""
    grown = Verdict.PASS if params == 4388 else Verdict.REGRESSED
    told = "" if params == 4388 else f"parameters 4,388 → {params:,} (+0.3 %), may not grow"
    return (
        check("params", 4388, params, grown, message=told),
        check("macs_formula", 22_880_256, 22_880_256),
        check("output_shape", [[1, 64, 56, 56]], [[1, 64, 56, 56]]),
        check("max_error", 3.2e-7, 3.3e-7, threshold=None),
    )


def cell(which: Identity, *checks: Check, **changes: Any) -> Judged:
    verdict = changes.pop("verdict", None) or worst([one.verdict for one in checks])
    given = {"spec": "specs/gate.yaml", "line": 4, "processes": (10, 10)}
    return Judged(which, checks, verdict, **{**given, **changes})


TOO_SLOW = "latency +14.6 % (+12.6 % to +16.6 %), allowed +5 %"
SLOWER = cell(
    identity(),
    latency(0.0123, 1.146, 0.02, Verdict.REGRESSED, message=TOO_SLOW),
    *exact(4400),
    message=f"{TOO_SLOW}; parameters 4,388 → 4,400 (+0.3 %), may not grow",
)
PASSED = cell(identity("conv", coordinates=()), latency(0.00251, 1.004, 0.01), *exact(), line=9)
FASTER = cell(identity("sasa", dtype="bfloat16"), latency(0.5, 0.7, 0.01, Verdict.IMPROVED), *exact(), line=11)
UNSURE = cell(
    identity("sasa"),
    latency(0.5, 1.05, 0.06, Verdict.INCONCLUSIVE, needs=60),
    *exact(),
    message="the interval straddles 5 %: about 60 processes a side would tell",
    line=11,
)
FAILED = cell(
    identity("big", backend="shift"),
    verdict=Verdict.FAILED,
    message="timeout on the candidate: 600 s",
    line=20,
    processes=(10, 0),
)
NEW = cell(identity("new"), verdict=Verdict.NEW, message="only on the candidate", line=30, processes=(0, 10))
MISSING = cell(
    identity("old"), verdict=Verdict.MISSING, message="only on the base: renamed to 'new'?", line=0, processes=(10, 0)
)
CELLS = (PASSED, SLOWER, FASTER, UNSURE, FAILED, NEW, MISSING)


def judgement(*cells: Judged, **changes: Any) -> Judgement:
    verdicts = [one.verdict for one in cells]
    given = {
        "verdict": worst(verdicts),
        "exit_code": worst_exit([EXITS[verdict] for verdict in verdicts or [Verdict.NOTHING]]),
        "notes": ("operations are not compared: torch 2.12.0 and 2.13.0",),
        "mean": 1.021,
        "mean_low": 1.011,
        "mean_high": 1.032,
        "time_s": 48.2,
        "spec_hash": "feedfacefeedface",
    }
    return Judgement(BASE, CANDIDATE, cells, **{**given, **changes})


EVERYTHING = judgement(*CELLS)
NOTHING = judgement(
    notes=("no cell is on both sides",), mean=None, mean_low=None, mean_high=None, verdict=Verdict.NOTHING, exit_code=4
)


def one_each() -> list[Judgement]:
    """Each cell in a gate of its own, as it is, let through, and failed on demand; and all of them together."""
    alone = [judgement(one) for one in CELLS]
    through = [replace(one, exit_code=0) for one in alone if one.exit_code == 3]
    failed = [replace(one, exit_code=1) for one in alone if one.exit_code == 3]
    improved = replace(judgement(PASSED, FASTER), exit_code=1)
    return [*alone, *through, *failed, improved, EVERYTHING, NOTHING]
