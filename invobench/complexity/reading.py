"""What a counter says of a module, in terms that all counters share (no torch)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from invobench.complexity.count import Count, Key

OURS = "ours"


@dataclass(frozen=True)
class Reading:
    """Multiply-adds by (place, operation); operations that the counter has no rule for, by place, with calls.

    `declared`: keys that were counted by a formula registered for them. `problem`: why it could not count at all.
    """

    counter: str
    macs: dict[Key, int] = field(default_factory=dict)
    unseen: Counter[Key] = field(default_factory=Counter)
    declared: frozenset[Key] = frozenset()
    problem: str = ""

    @property
    def total(self) -> int | None:
        """All multiply-adds, None where it knew no operation."""
        return None if self.problem or not self.macs else sum(self.macs.values())

    def at(self, place: str) -> int:
        """Multiply-adds at one place."""
        return sum(macs for (where, _), macs in self.macs.items() if where == place)

    def unseen_at(self, place: str) -> Counter[str]:
        """Operations at one place that it has no rule for."""
        return Counter({name: calls for (where, name), calls in self.unseen.items() if where == place})

    def is_declared_at(self, place: str) -> bool:
        """Whether a registered formula had part in the count at one place."""
        return any(where == place for where, _ in self.declared)


def reading_of(count: Count) -> Reading:
    """Our own counter's reading. Raises UncountedOperation where an operation had no rule."""
    count.require_complete()
    macs = {key: tally.macs for key, tally in count.operations.items()}
    return Reading(OURS, macs, declared=frozenset(key for key, tally in count.operations.items() if tally.declared))


def without_rule(count: Count, known: Iterable[Key]) -> Counter[Key]:
    """Operations that our counter found multiply-adds in and another, which knows `known`, did not."""
    seen = set(known)
    return Counter({key: tally.calls for key, tally in count.operations.items() if tally.macs and key not in seen})
