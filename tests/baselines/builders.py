"""Results of several processes, judgements, and a folder that takes nothing, for tests of baselines and histories."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from invobench.judging.verdicts import Check, Identity, Judged, Judgement, Subject, Verdict
from invobench.results import Results, Row
from tests.rows import row, run

NOBODY = 65534


def timed(name: str = "involution", processes: int = 10, **changes: Any) -> Row:
    """A row that `processes` measured, three samples each; the median of process i is 0.0123 s + i µs."""
    samples = [0.0123 + 1e-6 * process + shift for process in range(processes) for shift in (2e-5, -1e-5, 0.0)]
    given: dict[str, Any] = {"samples_s": samples, "samples_per_process": [3] * processes, "processes": processes}
    return row(
        name, **{"samples": len(samples), "cell_key": f"{name} {changes.get('coordinates', '')}"} | given | changes
    )


def results(*rows: Row, **changes: Any) -> Results:
    """What a file with these rows holds."""
    return Results(run(**changes), rows, (), 0)


def identity(name: str = "involution", device: str = "cpu", **coordinates: Any) -> Identity:
    """The identity of a layer's cell."""
    return Identity(name, tuple(coordinates.items()), device, "float32", "forward", "module", "shift")


def check(quantity: str = "latency", **changes: Any) -> Check:
    """A check that passed."""
    given: dict[str, Any] = {
        "field": "latency_s",
        "base": 0.01,
        "candidate": 0.0101,
        "threshold": 0.05,
        "verdict": Verdict.PASS,
        "ratio": 1.01,
        "low": 0.99,
        "high": 1.03,
    }
    return Check(quantity, **{**given, **changes})


def judged(one: Identity, *checks: Check, verdict: Verdict = Verdict.PASS) -> Judged:
    return Judged(one, checks, verdict)


def judgement(*cells: Judged, **changes: Any) -> Judgement:
    """A gate that passed."""
    base = Subject("main", "0123456789abcdef", "0.1.0", "2.13.0", "2026-11-24T12:00:00+00:00", "a" * 40)
    candidate = Subject("working tree", "fedcba9876543210", "0.1.0", "2.13.0", "2026-11-24T12:00:00+00:00", "b" * 40)
    given: dict[str, Any] = {"base": base, "candidate": candidate, "verdict": Verdict.PASS, "exit_code": 0}
    return Judgement(cells=cells, **{**given, "spec_hash": "5pec", **changes})


@contextmanager
def locked(*names: str, text: bytes = b"") -> Iterator[Path]:
    """A folder with files `names` that this process may read and not change, whoever runs the tests."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name in names:
            (folder / name).write_bytes(text)
            (folder / name).chmod(0o444)
        folder.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(stat.S_IRWXU)
