"""`--set key=value[,value...]`: one value replaces a key's, several make or replace a dimension of the matrix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from invobench.errors import Problem
from invobench.networks import NETWORKS, NetworkEntry
from invobench.operators import OPERATORS, OperatorEntry
from invobench.spec.loader import parse
from invobench.spec.located import Located, Place, shortened, shown
from invobench.spec.messages import guess
from invobench.spec.source import Stop

FILE = "--set"
MEASURE = "measure."
GATE = "gate."
_KEY = re.compile(r"\s*([A-Za-z_][\w.]*)\s*=")
_EXAMPLE = "must be key=value, such as kernel_size=5 or backend=unfold,shift"
#: keys that decide which other keys there are
DECISIVE = ("operator", "network")


@dataclass(frozen=True)
class Override:
    """A key and the values that it is to have; `place` is the key's."""

    key: str
    values: tuple[Located, ...]
    place: Place

    @property
    def order(self) -> tuple[bool, bool]:
        """Sorts what decides which keys there are before the rest, and a whole before its parts."""
        return (self.key not in DECISIVE, "." in self.key)


def parse_overrides(texts: Sequence[str], report: set[Problem]) -> list[Override]:
    """The overrides in `texts`, in the order in which they apply; problems go to `report`."""
    found: dict[str, Override] = {}
    for number, text in enumerate(texts, start=1):
        override = _override(text, number, report)
        if override is None:
            continue
        if override.key in found:
            first = found[override.key].place.line
            report.add(override.place.problem(f"is set twice (also by --set number {first}): keep one"))
        found.setdefault(override.key, override)
    return sorted(found.values(), key=lambda override: override.order)


def _override(text: str, number: int, report: set[Problem]) -> Override | None:
    """One override, None where it cannot be read."""
    match = _KEY.match(text)
    if not match:
        report.add(Problem(FILE, number, 1, FILE, f"{_EXAMPLE}, not {shown(text)}"))
        return None
    key = match.group(1)
    place = Place(FILE, number, match.start(1) + 1, f".{shortened(key)}")
    start = Place(FILE, number, match.end() + 1, place.step)
    found: set[Problem] = set()
    try:
        # blanks up to `=` and a bracket in its place keep the columns of a list of values
        root = parse(
            f"{' ' * (match.end() - 1)}[{text[match.end() :]}]", Place(FILE, number, 1, place.step), found
        ).root
    except Stop as stop:
        found.add(stop.problem)
        root = None
    # a position beyond what was given is that of the bracket which closes the list
    report.update(Problem(p.file, number, min(p.column, len(text) + 1), place.path, p.message) for p in found)
    items = root.value if root else []
    if not isinstance(items, list) or not items:
        if not found:
            report.add(start.problem(f"has no value: {_EXAMPLE}"))
        return None
    values = tuple(item.moved(place.step, None, place) for item in items)
    _check_distinct(values, report)
    return None if found else Override(key, values, place)


def _check_distinct(values: Iterable[Located], report: set[Problem]) -> None:
    """Each value once."""
    seen: set[str] = set()
    for value in values:
        if value.canonical() in seen:
            report.add(value.place.problem(f"{shown(value.value)} is in the list twice"))
        seen.add(value.canonical())


def no_such_key(override: Override, known: Iterable[str]) -> Problem:
    """The problem of an override whose key no cell has."""
    meant = "" if override.key in _elsewhere() else guess(override.key, sorted(known))
    return override.place.problem(f"no cell of the spec has this key{meant}")


def _elsewhere() -> set[str]:
    """Keys that cells of other specs have: whoever gives one means it."""
    tables: tuple[Iterable[OperatorEntry | NetworkEntry], ...] = (OPERATORS.values(), NETWORKS.values())
    return {key for table in tables for entry in table for key in entry.fields().model_fields}
