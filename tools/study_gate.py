"""How often a real gate is wrong here: gates of A against A, and of A against A with a layer slowed by a known factor.

Usage, from a clean checkout: python -m tools.study_gate [--gates 100] [--minutes M] [--out reports/gate/gates.jsonl]

Each gate is the whole of `invobench gate specs/gate.yaml --base-ref HEAD`: a worktree, two fresh interpreters,
interleaved processes. Both kinds alternate, so that a change of the machine meets them alike, and each gate is a line
of the file as soon as it is done: the same command goes on where it was stopped. `tools/gate_report.py` reads it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from invobench.errors import InvobenchError
from invobench.judging.verdicts import Judged
from invobench.report.gate_progress import observer
from invobench.results import Replicate, read_results
from invobench.runner.gate.gate import GateRequest, gate

SPEC = Path("specs/gate.yaml")
OUT = Path("reports/gate/gates.jsonl")
SLOWED, FACTOR = "involution7x7", 1.15
#: kind of gate -> what slows the candidate
KINDS: dict[str, tuple[tuple[str, float], ...]] = {"same": (), "slowed": ((SLOWED, FACTOR),)}


def main() -> int:
    """Run gates until there are enough of each kind, or time is up."""
    options = _options()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    done = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    start = time.monotonic()
    for number in range(options.gates):
        for kind in KINDS:
            if sum(one["kind"] == kind for one in done) > number:
                continue
            if options.minutes is not None and time.monotonic() - start > 60 * options.minutes:
                return 0
            done.append(one_gate(kind))
            with options.out.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(done[-1]) + "\n")
            print(
                f"{number + 1}/{options.gates} {kind}: {done[-1]['verdict']} in {done[-1]['time_s']:.1f} s",
                file=sys.stderr,
            )
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gates", type=int, default=100, help="of each kind")
    parser.add_argument("--minutes", type=float, default=None, help="start no gate after so long")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser.parse_args()


def one_gate(kind: str) -> dict[str, Any]:
    """One gate, and what it said."""
    folder = Path(tempfile.mkdtemp(prefix="gate-study-"))
    load = os.getloadavg()[0]
    start = time.monotonic()
    request = GateRequest((SPEC,), folder / "out", base_ref="HEAD", slow=KINDS[kind])
    try:
        outcome = gate(request, observer(quiet=True, terminal=False))
        levels = {role: process_levels(folder / "out" / role / "results.jsonl") for role in ("base", "candidate")}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if outcome.judgement is None:
        raise outcome.error or InvobenchError("interrupted")
    return {
        "kind": kind,
        "verdict": str(outcome.judgement.verdict),
        "exit_code": outcome.exit_code,
        "time_s": time.monotonic() - start,
        "load": load,
        "cells": [_told(cell) for cell in outcome.judgement.cells],
        "process_medians_s": levels,
        "revision": outcome.judgement.base.revision,
        "environment": outcome.candidate_run.environment.model_dump() if outcome.candidate_run else {},
    }


def _told(cell: Judged) -> dict[str, Any]:
    latency = cell.check("latency")
    kept = ("base", "candidate", "ratio", "low", "high", "needs", "message")
    found = {key: value for key, value in asdict(latency).items() if key in kept} if latency else {}
    return {
        "name": cell.identity.name,
        "verdict": str(cell.verdict),
        "latency": str(latency.verdict) if latency else None,
        "processes": cell.processes,
        **found,
    }


def process_levels(path: Path) -> dict[str, list[float]]:
    """Cell -> the median time of each of its processes, in order, in seconds."""
    found: dict[str, list[float]] = {}
    for row in read_results(path).replicates:
        if isinstance(row, Replicate) and row.latency_s is not None:
            found.setdefault(row.name, []).append(row.latency_s)
    return found


if __name__ == "__main__":
    sys.exit(main())
