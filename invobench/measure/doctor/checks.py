"""The CHECKS table: what `invobench doctor` looks at, in its order. Adding a check is a function and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from invobench.measure.doctor import gpu, processor, software
from invobench.measure.doctor.base import Finding, Snapshot

CHECKS: Mapping[str, Callable[[Snapshot], Finding | None]] = {
    "versions": software.versions,
    "processor": processor.model,
    "governor": processor.governor,
    "turbo": processor.turbo,
    "SMT": processor.smt,
    "NUMA": processor.numa,
    "threads": software.threads,
    "CPU quota": processor.quota,
    "load": processor.load,
    "stolen time": processor.steal,
    "last-level cache": processor.cache,
    "memory": processor.memory,
    "swap": processor.swap,
    "huge pages": processor.huge_pages,
    "compiler": software.compiler,
    "deterministic": software.deterministic,
    "cuDNN benchmark": software.autotuning,
    "tf32": software.tf32,
    "GPU": gpu.names,
    "GPU clocks": gpu.clocks,
    "GPU throttling": gpu.throttling,
    "GPU heat": gpu.heat,
    "GPU persistence": gpu.persistence,
    "GPU processes": gpu.others,
}


def diagnose(at: Snapshot) -> dict[str, Finding]:
    """The findings in the table's order, without the checks that `at` has nothing for."""
    found = ((name, check(at)) for name, check in CHECKS.items())
    return {name: finding for name, finding in found if finding is not None}
