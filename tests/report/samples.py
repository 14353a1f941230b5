"""The rows that the golden files show: a matrix of layers, backends, a network, and each thing that can go wrong."""

from __future__ import annotations

from typing import Any

from invobench.results import Row
from tests.rows import MISSING, row

LONG_NAME = "a layer of somebody who thinks that names are where a whole experiment is described, with its date"


def backend(name: str, latency_s: float, **changes: Any) -> Row:
    """A row of the 7×7 involution with `name`."""
    interval = {"latency_s": latency_s, "latency_low_s": 0.99 * latency_s, "latency_high_s": 1.01 * latency_s}
    coordinates = {"kernel_size": 7, "backend": name}
    return row("inv", coordinates=coordinates, **{"backend": name, "backend_requested": name, **interval, **changes})


def rows() -> list[Row]:
    """A result with everything in it, in the order of its cells."""
    conv = {"operator": "conv", "backend": "aten", "backend_requested": "auto"}
    return [
        backend("reference", 0.0412, peak_memory_bytes=27_140_096),
        backend("unfold", 0.0327, peak_memory_bytes=79_478_784, max_error=2.9e-7),
        backend("shift", 0.00251, status="noisy", message="median ±2.0%, target ±1.0%: raise measure.max_time_s"),
        row("inv", coordinates={"kernel_size": 9}, params=6_564, macs_formula=35_725_312, macs_dispatched=35_725_312),
        row(
            "conv3x3",
            **conv,
            params=36_864,
            macs_formula=115_605_504,
            macs_dispatched=115_605_504,
            latency_s=0.000987,
            latency_low_s=0.000985,
            latency_high_s=0.000988,
        ),
        row("conv3x3", **conv, dtype="bfloat16", params=36_864, mode="train_step", autograd=True, max_error=4.1e-3),
        row(
            "sasa",
            operator="stand_alone_attention",
            **{**MISSING, "macs_dispatched": None},
            backend_requested="shift",
            status="unsupported",
            message="backend shift: stand_alone_attention has none of that name; it has: reference, unfold",
        ),
        row(
            "big",
            **{**MISSING, "macs_dispatched": None},
            batch=256,
            status="oom",
            message="out of memory (asked for 38.50 GiB): reduce batch, height or width",
        ),
        row(
            "mine | *own*",
            params=None,
            macs_formula=None,
            macs_dispatched=None,
            max_error=None,
            uncounted="_fft_r2c ×2",
        ),
        row(LONG_NAME, coordinates={"kernel_size": 7, "reduction_ratio": 4, "form": "linear"}),
        row(
            "rednet26",
            kind="network",
            in_channels=3,
            batch=4,
            height=224,
            width=224,
            stride=None,
            params=9_227_000,
            macs_formula=6_740_000_000,
            macs_dispatched=6_740_000_000,
            latency_s=1.234,
            latency_low_s=None,
            latency_high_s=None,
            peak_memory_bytes=412_000_000,
            backend="shift+unfold",
            backend_requested="auto",
        ),
    ]
