"""What measures a side of a gate, and what it is asked and answers (no torch)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from invobench.judging.verdicts import Identity
from invobench.results import Environment, Row


@dataclass(frozen=True)
class Spec:
    """A spec file of a side, and the name that its cells carry."""

    path: str
    name: str


@dataclass(frozen=True)
class Planned:
    """A cell of a side before it is measured."""

    key: str
    label: str
    identity: Identity
    row: Row
    describe: Mapping[str, Any]


@dataclass(frozen=True)
class Order:
    """What a process is to measure of a cell, and how."""

    planned: Planned
    metrics: tuple[str, ...]
    sample_time_s: float
    target_ci: float
    timeout_s: float
    checked: bool = False
    slow: float = 1.0

    def asked(self) -> dict[str, Any]:
        """The order as a server reads it."""
        return {
            "key": self.planned.key,
            "metrics": list(self.metrics),
            "sample_time_s": self.sample_time_s,
            "target_ci": self.target_ci,
            "checked": self.checked,
            "slow": self.slow,
        }


@dataclass(frozen=True)
class Modules:
    """Where a side's code came from: modules of the other side's tree (name -> file), and how many of its own."""

    foreign: Mapping[str, str] = field(default_factory=dict)
    own: int = 0


class Measurer(Protocol):
    """A side that measures: a server, or what stands for one in a test."""

    name: str

    def hello(self) -> Environment:
        """Where it measures."""
        ...

    def plan(self, specs: Sequence[Spec], overrides: Sequence[str]) -> list[Planned]:
        """The cells of `specs`."""
        ...

    def measure(
        self, orders: Sequence[Order], watch: Mapping[str, str | None] | None, got: Callable[[Identity, Row], None]
    ) -> Modules:
        """Measure cells one after another in one process; `got` hears of each when it is done."""
        ...
