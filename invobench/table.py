"""Tables: names with an import path and a summary, so that listing them imports nothing else.

What installed packages add to a table (`invobench.plugins`) is looked for when the table is first used.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from invobench.errors import UnknownName


@dataclass(frozen=True)
class Entry:
    """A line of a table. `path` is `package.module:attribute`."""

    path: str
    summary: str

    def load(self) -> Any:
        """Import and return what `path` names."""
        module, _, attribute = self.path.partition(":")
        return getattr(importlib.import_module(module), attribute)


Value = TypeVar("Value")


@dataclass(frozen=True)
class Added(Generic[Value]):
    """What installed packages add to a table.

    `owners`: who brought an entry, by its name: package and version. `refused`: why a name of theirs is not among the
    entries, naming who offers it. `lost`: the same for what cannot even be named.
    """

    entries: Mapping[str, Value] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    lost: tuple[str, ...] = ()


class Table(Mapping[str, Value], Generic[Value]):
    """A read-only mapping from names to entries whose missing names are explained; ours first, then those added.

    `more` is called once, when something of the table is first asked for. Who looks into a table while packages are
    being asked what they add, such as one of them, sees ours.
    """

    _asking: ClassVar[bool] = False

    def __init__(self, noun: str, entries: Mapping[str, Value], more: Callable[[], Added[Value]] = Added) -> None:
        self.noun = noun
        self._own = dict(entries)
        self._more = more
        self._known: tuple[Added[Value], dict[str, Value]] | None = None

    def _all(self) -> tuple[Added[Value], dict[str, Value]]:
        """What packages add, and every entry."""
        if self._known is None:
            if Table._asking:
                return Added(), self._own
            Table._asking = True
            try:
                added = self._more()
            finally:
                Table._asking = False
            self._known = added, {**self._own, **added.entries}
        return self._known

    @property
    def _added(self) -> Added[Value]:
        return self._all()[0]

    @property
    def _entries(self) -> dict[str, Value]:
        return self._all()[1]

    @property
    def refused(self) -> Mapping[str, str]:
        """Name -> why what an installed package offers under it is not in the table."""
        return self._added.refused

    @property
    def lost(self) -> tuple[str, ...]:
        """Why something that an installed package offers is not in the table, where its names are not known."""
        return self._added.lost

    def owner(self, name: str) -> str:
        """Package and version that brought the entry, empty for ours."""
        return self._added.owners.get(name, "")

    def missing(self, name: str) -> str:
        """The message for a name that is not in the table: who offers it and why it is refused, or what there is."""
        if name in self.refused:
            return f"{self.noun} '{name}' is unavailable: {self.refused[name]}"
        return "; ".join([unknown(self.noun, name, self), *(f"unavailable: {reason}" for reason in self.lost)])

    def __getitem__(self, name: str) -> Value:
        if name not in self._entries:
            raise UnknownName(self.missing(name))
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def suggestion(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for a near miss, else an empty string."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean '{near[0]}'?)" if near else ""


def unknown(noun: str, name: str, known: Iterable[str]) -> str:
    """The message for a name that is not known: what was meant, and what there is."""
    names = sorted(known)
    return f"unknown {noun} '{name}'{suggestion(name, names)}; there are: {', '.join(names)}"
