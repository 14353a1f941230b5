"""Results files for tests of figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from invobench.results import Row, Run, record_line
from tests.rows import ENVIRONMENT, run

CONV = {"operator": "conv", "backend": "aten", "backend_requested": "aten"}


def write(path: Path, rows: list[Row], head: Run | None = None) -> Path:
    """A results file at `path`."""
    lines = [record_line("run", head or run()), *(record_line("row", item) for item in rows)]
    path.write_text("".join(lines))
    return path


def elsewhere(**changes: Any) -> Run:
    """A run on another machine."""
    return run(environment=ENVIRONMENT.model_copy(update=changes))


def timed(seconds: float, half: float = 0.1) -> dict[str, float]:
    """The fields of a latency whose interval is `half` of it to either side."""
    return {
        "latency_s": seconds,
        "latency_low_s": seconds * (1 - half),
        "latency_high_s": seconds * (1 + half),
    }
