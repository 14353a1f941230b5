"""Sides made of rows, for tests of judging."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from invobench.judging.pairing import identity_of
from invobench.judging.samples import processes_of
from invobench.judging.side import Rules, Side
from invobench.judging.verdicts import Subject
from invobench.results import Row
from invobench.spec.gate import Thresholds
from tests.rows import MISSING, row

BASE = Subject("main", "f" * 16, "0.1.0", "2.13.0", "2026-11-23T12:00:00+00:00")
CANDIDATE = Subject("working tree", "f" * 16, "0.1.0", "2.13.0", "2026-11-23T12:00:00+00:00")

#: what a row has beside the defaults of `tests.rows`
EXACT = {"min_bytes": 1000, "operations": 7, "output_shape": [[1, 64, 56, 56]]}


def noise(seed: int, processes: int = 10, samples: int = 20, sd: float = 0.01) -> np.ndarray:
    """Factors about 1, the same for the same seed."""
    return np.exp(sd * np.random.default_rng(seed).standard_normal((processes, samples)))


def timed(name: str = "involution", latency_s: float = 0.01, processes: int = 10, seed: int = 0, **changes: Any) -> Row:
    """A row of `processes` with 20 samples each, about 1 % apart."""
    samples = (latency_s * noise(seed, processes)).tolist()
    times = {
        "latency_s": statistics.median(map(statistics.median, samples)),
        "samples_s": [sample for process in samples for sample in process],
        "samples_per_process": [len(process) for process in samples],
    }
    return row(name, **{**EXACT, **times, **changes})


def broken(name: str = "involution", status: str = "failed", message: str = "it broke", **changes: Any) -> Row:
    """A row that was not measured."""
    return row(
        name, **{**MISSING, "macs_dispatched": None, "samples_s": [], "status": status, "message": message, **changes}
    )


def side(subject: Subject, *rows: Row) -> Side:
    found = {identity_of(one): processes_of(one) for one in rows}
    return Side(subject, rows, {identity: samples for identity, samples in found.items() if samples})


def rules(thresholds: Thresholds | None = None, **changes: Any) -> Rules:
    """Rules with the same thresholds for every cell; without a floor, unless they say so."""
    limits = thresholds or limit()
    return Rules(**{"thresholds": lambda identity: limits, **changes})


def limit(**changes: Any) -> Thresholds:
    """Thresholds, given as in a spec."""
    return Thresholds(**{"floor_s": 0.0, **changes})


def lists(*processes: Sequence[float]) -> list[list[float]]:
    return [list(process) for process in processes]
