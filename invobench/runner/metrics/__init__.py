"""The METRICS table. Adding a metric is a file here with `measure(case) -> row fields`, and one line below."""

from __future__ import annotations

from dataclasses import dataclass

from invobench.table import Entry, Table


@dataclass(frozen=True)
class MetricEntry(Entry):
    """A metric: `path` names its function, `columns` the row fields that it fills."""

    columns: tuple[str, ...] = ()


_HERE = "invobench.runner.metrics"

#: in the order in which they are taken: what is cheap and certain first
METRICS: Table[MetricEntry] = Table(
    "metric",
    {
        "params": MetricEntry(f"{_HERE}.params:measure", "learnable numbers of the built module", ("params",)),
        "output": MetricEntry(f"{_HERE}.output:measure", "shape of each tensor that comes out", ("output_shape",)),
        "macs": MetricEntry(
            f"{_HERE}.macs:measure",
            "multiply-adds by what PyTorch dispatched (by formula they are always there), in how many operations",
            ("macs_dispatched", "operations"),
        ),
        "macs_torch": MetricEntry(
            f"{_HERE}.macs_torch:measure", "half of what torch.utils.flop_counter reports", ("macs_torch",)
        ),
        "macs_fvcore": MetricEntry(f"{_HERE}.macs_fvcore:measure", "what fvcore reports (forward)", ("macs_fvcore",)),
        "error": MetricEntry(
            f"{_HERE}.error:measure",
            "largest error against the float64 reference; always checked before latency",
            ("max_error", "output_error", "gradient_error"),
        ),
        "latency": MetricEntry(
            f"{_HERE}.latency:measure",
            "median time of a call with its 95 % interval",
            ("latency_s", "latency_low_s", "latency_high_s", "samples", "clock", "throughput_per_s"),
        ),
        "memory": MetricEntry(
            f"{_HERE}.memory:measure",
            "peak memory above inputs and parameters, and how many feature maps that is",
            ("peak_memory_bytes", "materialised"),
        ),
        "launches": MetricEntry(f"{_HERE}.launches:measure", "kernels that one call launches, on a GPU", ("launches",)),
        "energy": MetricEntry(
            f"{_HERE}.energy:measure",
            "energy of a call above idle power, on a GPU that counts it",
            ("energy_j", "energy_resolution_j", "idle_power_w"),
        ),
    },
)
