"""Which row of one result belongs to which of another, and whether the two may be compared."""

from __future__ import annotations

import difflib
import json
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from invobench.errors import UsageError
from invobench.judging.verdicts import Identity
from invobench.results import Row

#: the device of a row that failed before it had one, where none was named: it may be any
UNKNOWN = "auto"
#: row fields of which both sides must have the same
_CONTRACT = ("convention", "execution", "cache", "memory_format", "tf32", "autograd")


@dataclass(frozen=True)
class Pair:
    """The rows of one cell, None on the side that has none."""

    identity: Identity
    base: Row | None
    candidate: Row | None

    @property
    def is_common(self) -> bool:
        """Whether both sides have it."""
        return self.base is not None and self.candidate is not None


def identity_of(row: Row) -> Identity:
    """What pairs `row` with one of another result. Coordinates are sorted: their order in a spec decides nothing."""
    return Identity(
        name=row.name,
        coordinates=tuple(sorted((key, _plain(value)) for key, value in row.coordinates.items())),
        device=(row.device or row.device_requested).partition(":")[0],
        dtype=row.dtype,
        mode=row.mode,
        scope=row.scope,
        backend=row.backend_requested,
    )


def _plain(value: Any) -> Any:
    """A coordinate that can be hashed: a list or a mapping as JSON."""
    return value if isinstance(value, Hashable) else json.dumps(value, sort_keys=True)


def pair(base: Iterable[Row], candidate: Iterable[Row]) -> list[Pair]:
    """The cells of both sides: the base's in their order, then those that only the candidate has.

    Raises UsageError for two rows of one cell on a side.
    """
    first, second = _by_identity(base, "base"), _by_identity(candidate, "candidate")
    _find_devices(first, second)
    _find_devices(second, first)
    identities = [*first, *(identity for identity in second if identity not in first)]
    return [Pair(identity, first.get(identity), second.get(identity)) for identity in identities]


def _by_identity(rows: Iterable[Row], side: str) -> dict[Identity, Row]:
    found: dict[Identity, Row] = {}
    for row in rows:
        identity = identity_of(row)
        if identity in found:
            twice = f"{identity.label} ({identity.device}, {identity.dtype}, {identity.mode}) is twice in the {side}"
            raise UsageError(f"{twice}: give layers names of their own")
        found[identity] = row
    return found


def _find_devices(rows: dict[Identity, Row], others: dict[Identity, Row]) -> None:
    """Take the other side's device for rows that failed before they had one."""
    for identity in [one for one in rows if one.device == UNKNOWN and one not in others]:
        there = [one for one in others if one not in rows and replace(one, device=UNKNOWN) == identity]
        if len(there) == 1:
            rows[there[0]] = rows.pop(identity)


def require_comparable(pairs: Sequence[Pair], timing: bool = True) -> None:
    """Raise UsageError for a cell of which both sides are not the same thing, naming it and both values.

    That is convention, device and timing contract; of `timing`, also how many CPU threads there were and whether they
    were pinned, which only times on a CPU depend on.
    """
    for one in pairs:
        if one.base is not None and one.candidate is not None:
            for what, old, new in _contracts(one.base, one.candidate, timing):
                if old != new:
                    _refuse(one.identity, what, old, new)
    alone = [one.identity for one in pairs if one.base is None]
    for one in pairs:
        if one.candidate is None:
            elsewhere = (other for other in alone if replace(other, device=one.identity.device) == one.identity)
            for other in elsewhere:
                _refuse(one.identity, "device", one.identity.device, other.device)


def _contracts(base: Row, candidate: Row, timing: bool) -> Iterator[tuple[str, Any, Any]]:
    """What must be alike, with both values; what a row does not say is not looked at."""
    for name in _CONTRACT:
        old, new = getattr(base, name), getattr(candidate, name)
        if old is not None and new is not None:
            yield name, old, new
    both = [base, candidate]
    if timing and all(row.latency_s is not None and row.device == "cpu" for row in both):
        if None not in (base.threads, candidate.threads):
            yield "threads", base.threads, candidate.threads
        words = ["pinned" if row.affinity else "not pinned" for row in both]
        yield "affinity", words[0], words[1]


def _refuse(identity: Identity, what: str, base: Any, candidate: Any) -> None:
    words = [str(value).lower() if isinstance(value, bool) else str(value) for value in (base, candidate)]
    differ = f"{identity.label}: {what} is {words[0]} in the base and {words[1]} in the candidate"
    raise UsageError(f"{differ}: these are not compared; measure both alike")


def near(identity: Identity, others: Sequence[Identity], most: int = 3) -> list[str]:
    """Which of `others` it may have become: near names, with what else is other than it was."""
    labels = list(dict.fromkeys(other.label for other in others))
    found = difflib.get_close_matches(identity.label, labels, n=most, cutoff=0.6)
    return [f"'{other.label}'{_apart(identity, other)}" for label in found for other in others if other.label == label][
        :most
    ]


def _apart(identity: Identity, other: Identity) -> str:
    keys = ("device", "dtype", "mode", "scope", "backend")
    words = [f"{key} {getattr(other, key)}" for key in keys if getattr(other, key) != getattr(identity, key)]
    return f" with {', '.join(words)}" if words else ""
