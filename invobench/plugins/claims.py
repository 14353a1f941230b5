"""From offers to what a table gets: who claims which name, with what, and whose claim holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from invobench.plugins.offers import BACKEND_GROUP, OPERATOR_GROUP, Offer, Unusable, made, offers, tried
from invobench.table import Added

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
_NAME_RULE = "must be letters, digits, _ and -, a letter first, 60 at most"
T = TypeVar("T")


@dataclass(frozen=True)
class Claim(Generic[T]):
    """A name that a package gives to an entry; `problem` says why there is none."""

    name: str
    owner: str
    entry: T | None = None
    problem: str = ""


def claim(name: str, owner: str, make: Callable[[], T], problem: Callable[[T], str]) -> Claim[T]:
    """A claim to `name` by what `make` makes, with what it or `problem` finds wrong."""
    if not _NAME.fullmatch(name):
        return Claim(ascii(name), owner, problem=f"a name {_NAME_RULE}")
    try:
        entry = make()
        found = tried(lambda: problem(entry), "checking it")
    except Unusable as error:
        return Claim(name, owner, problem=str(error))
    return Claim(name, owner, None if found else entry, found)


def settled(claims: Iterable[Claim[T]], own: Collection[str]) -> Added[T]:
    """What becomes of the claims beside our `own` names: whoever claims a name that another has is refused."""
    entries: dict[str, T] = {}
    owners: dict[str, str] = {}
    refused: dict[str, str] = {}
    by_name: dict[str, list[Claim[T]]] = {}
    for item in claims:
        by_name.setdefault(item.name, []).append(item)
    for name, rivals in by_name.items():
        claimants = " and ".join(rival.owner for rival in rivals)
        first, *others = rivals
        if name in own:
            refused[name] = f"{claimants}: invobench has that name itself: theirs needs another"
        elif others:
            refused[name] = f"{claimants} give the same name, and none is used: uninstall or rename one"
        elif first.entry is None:
            refused[name] = f"{claimants}: {first.problem}"
        else:
            entries[name], owners[name] = first.entry, first.owner
    return Added(entries, owners, refused)


def added(group: str, kind: type[T], words: str, problem: Callable[[T], str], own: Collection[str]) -> Added[T]:
    """What packages add under the names of their entry points in `group`: usable instances of `kind`.

    `problem` says what is wrong with one, in words; it may raise instead.
    """
    named = [offer for offer in offers() if offer.group == group]
    claims = (claim(offer.name, offer.owner, partial(made, offer, kind, words), problem) for offer in named)
    return settled(claims, own)


def added_by_operator(
    kind: type[T],
    words: str,
    problem: Callable[[T], str],
    own: Mapping[str, Collection[str]],
    refused: Mapping[str, str],
) -> tuple[Mapping[str, Added[T]], tuple[str, ...]]:
    """What the mappings in `invobench.backends` add to each operator that they name, and what cannot be named.

    `own`: the names that are taken for each operator that there is. `refused`: operators that are not used, and why;
    the backends that come with one are not those of another operator of that name.
    """
    operators = [offer for offer in offers() if offer.group == OPERATOR_GROUP]
    not_used = {(offer.name, offer.owner) for offer in operators if offer.name in refused}
    claims: dict[str, list[Claim[T]]] = {}
    lost = []
    for offer in (offer for offer in offers() if offer.group == BACKEND_GROUP):
        try:
            for operator, entries in _mapping(made(offer, Mapping, "a mapping"), offer).items():
                reason = refused[operator] if (operator, offer.owner) in not_used else ""
                for name, entry in _mapping(entries, offer).items():
                    make = partial(_of_kind, entry, kind, words, reason)
                    claims.setdefault(operator, []).append(claim(name, offer.owner, make, problem))
        except Unusable as error:
            lost.append(f"{offer.owner}: {error}")
    return {operator: settled(given, own.get(operator, ())) for operator, given in claims.items()}, tuple(lost)


def _mapping(value: object, offer: Offer) -> Mapping[str, Any]:
    """`value`, a mapping of names. Raises Unusable for anything else."""
    if not (isinstance(value, Mapping) and all(isinstance(key, str) for key in value)):
        raise Unusable(f"{offer.target} is not a mapping from operators to mappings from names to BackendEntry")
    return value


def _of_kind(value: object, kind: type[T], words: str, reason: str) -> T:
    """`value` as it is. Raises Unusable where it is not of that kind, or for the `reason` given."""
    if reason:
        raise Unusable(f"it comes with an operator that is not used: {reason}")
    if not isinstance(value, kind):
        raise Unusable(f"is a {type(value).__name__}, not {words}")
    return value
