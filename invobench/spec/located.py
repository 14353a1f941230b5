"""Values of a spec with the place that each was read from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from invobench.errors import Problem

Scalar = str | int | float | bool | None

#: the key of a problem with a spec as a whole
ROOT = "spec"
_LONGEST = 60
_PLAIN_KEY = re.compile(r"[\w.+×-]+")


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where something stands, counted from 1, and the way to it: `step` below `parent`."""

    file: str
    line: int
    column: int
    step: str = ""
    parent: Place | None = None

    @property
    def path(self) -> str:
        """The way from the root: `layers[2].group_channels`, `spec` for the root."""
        steps = []
        place: Place | None = self
        while place is not None:
            steps.append(place.step)
            place = place.parent
        path = "".join(reversed(steps)).removeprefix(".")
        return path if path and not path.startswith("[") else f"{ROOT}{path}"

    def below(self, key: str) -> Place:
        """The place of a key that this mapping lacks: the mapping's position, the key's path."""
        return Place(self.file, self.line, self.column, key_step(key), self)

    def problem(self, message: str) -> Problem:
        """A problem here."""
        return Problem(self.file, self.line, self.column, self.path, message)


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """A value with its place and its key's place (the same for an item of a list)."""

    value: Scalar | list[Located] | dict[str, Located]
    place: Place
    key: Place

    @property
    def mapping(self) -> dict[str, Located]:
        """The value's keys where it is a mapping, else none."""
        return self.value if isinstance(self.value, dict) else {}

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value

    def canonical(self) -> str:
        """A text that is equal for equal values only: 1, 1.0, '1' and true differ."""
        return json.dumps(self.plain(), sort_keys=True)

    def moved(self, step: str, parent: Place | None, key: Place | None = None) -> Located:
        """A copy at another path, where an alias stands; positions stay where the text is."""
        place = replace(self.place, step=step, parent=parent)
        value = self.value
        if isinstance(value, dict):
            value = {k: v.moved(v.place.step, place, replace(v.key, parent=place)) for k, v in value.items()}
        elif isinstance(value, list):
            value = [item.moved(item.place.step, place) for item in value]
        return Located(value, place, key or place)


def located(plain: Any, place: Place) -> Located:
    """`plain`, of scalars and mappings, as if all of it stood at `place`."""
    if isinstance(plain, Mapping):
        return Located({key: located(value, place.below(key)) for key, value in plain.items()}, place, place)
    return Located(plain, place, place)


def key_step(key: str) -> str:
    """The step of a path to `key`; in quotes where it could not be read otherwise."""
    return f".{shortened(key)}" if _PLAIN_KEY.fullmatch(key) else f".'{shortened(key)}'"


def printable(text: str) -> str:
    """`text` on one line, with escapes for what cannot be seen."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shortened(text: str) -> str:
    """At most 60 characters of `text`, on one line."""
    return printable(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def shown(value: object) -> str:
    """A value in a message: `'7x'`, `7`, `true`, `null`, `a list`, `a mapping`."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"'{shortened(value)}'" if isinstance(value, str) else shortened(json.dumps(value))
