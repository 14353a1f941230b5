"""A machine at one moment, and what a check finds in it (no torch)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Gpu:
    """A GPU: what NVML and PyTorch say of it, None where they do not.

    `watched`: whether NVML is there to say anything. `others`: processes besides this one that compute on it.
    """

    name: str
    watched: bool = True
    sm_clock_hz: float | None = None
    max_sm_clock_hz: float | None = None
    temperature_c: float | None = None
    throttles: tuple[str, ...] = ()
    persistence: bool | None = None
    others: int | None = None
    cache_bytes: int | None = None


@dataclass(frozen=True)
class Snapshot:
    """A machine at one moment; None where the system does not tell.

    `versions`: package -> version, None where it is not installed. `variables`: those of the environment that set
    threads. `load`: processes that wanted to run, over the last minute. `steal_share`: busy time that the hypervisor
    took. `processors`: those of the machine, whether or not this process may use them. `tf32`: PyTorch's flag for
    matrix products, `cudnn_tf32` its flag for convolutions.
    """

    fingerprint: str
    versions: Mapping[str, str | None] = field(default_factory=dict)
    cpu: str = ""
    cpu_count: int = 1
    processors: int = 1
    threads: int = 1
    variables: Mapping[str, str] = field(default_factory=dict)
    governor: str | None = None
    turbo: bool | None = None
    smt: bool | None = None
    numa_nodes: int | None = None
    virtual: bool | None = None
    steal_share: float | None = None
    cpu_quota: float | None = None
    load: float | None = None
    swap_used_bytes: int | None = None
    swap_total_bytes: int | None = None
    memory_bytes: int | None = None
    huge_pages: str | None = None
    cache_bytes: int | None = None
    deterministic: bool = False
    cudnn_benchmark: bool = False
    tf32: bool = False
    cudnn_tf32: bool = False
    compiler: str | None = None
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What a check found; where it hurts, `hurts` says why and `mend` how. `unknown`: the system does not tell."""

    found: str
    hurts: str = ""
    mend: str = ""
    unknown: bool = False

    @property
    def verdict(self) -> str:
        """`ok`, `hurts` or `unknown`."""
        return "hurts" if self.hurts else "unknown" if self.unknown else "ok"

    @property
    def text(self) -> str:
        """The verdict in a line: `hurts: why; mend: how`."""
        why = f": {self.hurts}" if self.hurts else ""
        mend = f"; mend: {self.mend}" if self.mend else ""
        return f"{self.verdict}{why}{mend}"


def not_shown(mend: str = "") -> Finding:
    """The finding where the system does not tell."""
    return Finding("not shown by this system", mend=mend, unknown=True)
