"""Tables: names with an import path and a summary, so that listing them imports nothing else."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

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


EntryT = TypeVar("EntryT", bound=Entry)


class Table(Mapping[str, EntryT], Generic[EntryT]):
    """A read-only mapping from names to entries whose missing names are explained."""

    def __init__(self, noun: str, entries: Mapping[str, EntryT]) -> None:
        self.noun = noun
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> EntryT:
        if name not in self._entries:
            raise UnknownName(unknown(self.noun, name, self._entries))
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
