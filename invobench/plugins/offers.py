"""The entry points of installed packages that are ours: what they offer, and loading it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from invobench.errors import PluginError, one_line

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

OPERATOR_GROUP, BACKEND_GROUP, NETWORK_GROUP = GROUPS = (
    "invobench.operators",
    "invobench.backends",
    "invobench.networks",
)


@dataclass(frozen=True)
class Offer:
    """An entry point of an installed package. `owner`: package and version. `target`: what it names."""

    group: str
    name: str
    owner: str
    target: str
    load: Callable[[], Any]

    @property
    def root(self) -> str:
        """The package that its code is in."""
        return _root(self.target)


class Unusable(Exception):
    """Why what an entry point names cannot be used."""


@cache
def offers() -> tuple[Offer, ...]:
    """Every entry point of ours that installed packages have, by group, then by name."""
    from importlib.metadata import entry_points

    points = entry_points()
    found = [_offer(point) for group in GROUPS for point in points.select(group=group)]
    return tuple(sorted(found, key=lambda offer: (offer.group, offer.name, offer.owner, offer.target)))


def _offer(point: EntryPoint) -> Offer:
    return Offer(point.group, point.name, _owner(point.dist, point.value), point.value, point.load)


def _owner(package: Distribution | None, target: str) -> str:
    """`acme-layers 1.0`; the package of the code where the installation has lost its name."""
    about: Any = package.metadata if package else {}
    version = about.get("Version")
    return " ".join([str(about.get("Name") or _root(target)), *([str(version)] if version else [])])


def _root(target: str) -> str:
    return re.split(r"[.:]", target)[0]


def made(offer: Offer, kind: type[Any], words: str) -> Any:
    """What `offer` names, or what the function that it names makes. Raises Unusable where it is not of that kind."""
    value = tried(offer.load, f"importing {offer.target}")
    if not isinstance(value, kind) and callable(value):
        value = tried(value, f"calling {offer.target}")
    if not isinstance(value, kind):
        raise Unusable(f"{offer.target} is a {type(value).__name__}, not {words} or a function that makes one")
    return value


def tried(call: Callable[[], Any], what: str) -> Any:
    """What a package's `call` returns; what it prints goes to stderr. Raises Unusable for whatever it raises."""
    try:
        with redirect_stdout(sys.stderr):
            return call()
    except (Exception, SystemExit) as error:
        raise Unusable(f"{what} raised {one_line(error)}") from error


def at_fault(error: BaseException) -> PluginError | None:
    """The error of the package in whose code `error` was raised, None where in no package's that adds something."""
    if not offers.cache_info().currsize:
        return None
    owners = {offer.root: offer.owner for offer in offers()}
    for frame, line in reversed(list(walk_tb(error.__traceback__))):
        root = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if root in owners and root != __name__.partition(".")[0]:
            place = f"{frame.f_code.co_filename}:{line}"
            return PluginError(f"{owners[root]} failed ({place}): {one_line(error)}: report it to its authors")
    return None
