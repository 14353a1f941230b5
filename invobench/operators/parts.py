"""Parts: names for stretches of an operator's own code, for whoever counts it (no torch).

A submodule is a place that every counter sees; code between submodules is one place unless it names its parts:

    with part("scores"):
        logits = (q * k).sum(dim=2)

Nobody watches while an operator is timed, and then a part costs a list lookup.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Watcher(Protocol):
    """Who wants to know which part runs."""

    def entered(self, name: str) -> None:
        """A part begins."""

    def left(self) -> None:
        """It ends."""


_WATCHERS: list[Watcher] = []


class part:  # noqa: N801 - reads as a statement
    """The body of the `with` is the part `name` of the operator."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        for watcher in _WATCHERS:
            watcher.entered(self.name)

    def __exit__(self, *error: object) -> None:
        for watcher in _WATCHERS:
            watcher.left()


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Tell `watcher` about the parts that are entered and left meanwhile."""
    _WATCHERS.append(watcher)
    try:
        yield
    finally:
        _WATCHERS.remove(watcher)
