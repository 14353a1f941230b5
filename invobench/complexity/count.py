"""What a counter found: multiply-adds by place and operation (no torch)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from invobench.errors import MeasurementError


@dataclass
class Tally:
    """Calls of one operation at one place, and their multiply-adds. `declared`: by a formula registered for it."""

    calls: int = 0
    macs: int = 0
    declared: bool = False


#: (place, operation)
Key = tuple[str, str]


@dataclass
class Count:
    """Multiply-adds of operations that have them, elements of the others by kind, and what had no rule (calls).

    `dispatched`: operations of all kinds, views too, by a counter that sees each.
    """

    operations: dict[Key, Tally] = field(default_factory=dict)
    elements_at: Counter[Key] = field(default_factory=Counter)
    uncounted_at: Counter[Key] = field(default_factory=Counter)
    dispatched: int = 0

    @property
    def macs(self) -> int:
        """Multiply-adds in all."""
        return sum(tally.macs for tally in self.operations.values())

    @property
    def elements(self) -> Counter[str]:
        """Elements by kind, over all places."""
        return _by_second(self.elements_at)

    @property
    def uncounted(self) -> Counter[str]:
        """Calls of operations without a rule, by name."""
        return _by_second(self.uncounted_at)

    def add(self, key: Key, macs: int, declared: bool = False) -> None:
        """One call of an operation that has multiply-adds."""
        tally = self.operations.setdefault(key, Tally())
        tally.calls += 1
        tally.macs += macs
        tally.declared |= declared

    def require_complete(self) -> None:
        """Raise UncountedOperation, which names them, where an operation had no rule."""
        if self.uncounted_at:
            raise UncountedOperation(self.uncounted_at)


class UncountedOperation(MeasurementError):
    """Operations without a counting rule were dispatched."""

    def __init__(self, uncounted: Counter[Key]) -> None:
        names = ", ".join(
            f"{name} ×{calls} in {place or 'its own code'}" for (place, name), calls in sorted(uncounted.items())
        )
        custom = any("::" in name for _, name in uncounted)
        fix = (
            "register a formula with torch.utils.flop_counter.register_flop_formula"
            if custom
            else "please report it (a rule is a line in invobench/complexity/rules.py or kinds.py)"
        )
        super().__init__(f"cannot count: no rule for {names}: {fix}")


def _by_second(counter: Counter[Key]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, name), number in counter.items():
        found[name] += number
    return found
