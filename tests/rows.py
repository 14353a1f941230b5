"""Runs and rows of plain values, for tests of results and reports."""

from __future__ import annotations

from typing import Any

from invobench.results import Environment, Row, Run

ENVIRONMENT = Environment(
    fingerprint="0123456789abcdef",
    invobench="0.1.0",
    python="3.11.9",
    torch="2.13.0",
    platform="Linux x86_64",
    cpu="Some CPU @ 2.00GHz",
    cpu_count=2,
    threads=2,
)


def run(**changes: Any) -> Run:
    """The head of a results file."""
    given = {
        "run_key": "feedfacefeedface",
        "created": "2026-11-23T12:00:00+00:00",
        "command": "invobench profile a.yaml",
        "specs": ("a.yaml",),
        "environment": ENVIRONMENT,
    }
    return Run(**{**given, **changes})


def row(name: str = "involution", **changes: Any) -> Row:
    """A layer's row, measured unless `changes` say otherwise."""
    given: dict[str, Any] = {
        "name": name,
        "kind": "layer",
        "operator": "involution",
        "backend": "shift",
        "device": "cpu",
        "dtype": "float32",
        "mode": "forward",
        "batch": 1,
        "in_channels": 64,
        "out_channels": 64,
        "height": 56,
        "width": 56,
        "kernel_size": 7,
        "stride": 1,
        "params": 4388,
        "macs_formula": 22_880_256,
        "macs_dispatched": 22_880_256,
        "latency_s": 0.0123,
        "latency_low_s": 0.0122,
        "latency_high_s": 0.0124,
        "samples": 3,
        "clock": "perf_counter",
        "peak_memory_bytes": 14_295_040,
        "max_error": 3.2e-7,
        "status": "ok",
        "spec": "a.yaml",
        "cell_key": name,
        "scope": "module",
        "backend_requested": "shift",
        "device_requested": "auto",
        "execution": "eager",
        "cache": "hot",
        "memory_format": "contiguous",
        "tf32": False,
        "autograd": False,
        "threads": 2,
        "samples_s": [0.0122, 0.0123, 0.0124],
    }
    return Row(**{**given, **changes})


#: what a row has of a cell that was not measured
MISSING = dict.fromkeys(
    ("latency_s", "latency_low_s", "latency_high_s", "samples", "clock", "peak_memory_bytes", "max_error", "backend")
)
