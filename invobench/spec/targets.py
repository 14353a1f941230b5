"""From located values to an operator with its fields, alone or inside a network."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from invobench.errors import Problem
from invobench.operators import OPERATORS
from invobench.operators.base import OperatorFields
from invobench.spec.keys import operator_keys
from invobench.spec.located import Located, Place, shortened, shown
from invobench.spec.messages import LAYER, built, unknown_key

#: the operator that `module:` is short for
_MODULE = "module"


@dataclass(frozen=True)
class Choice:
    """An operator and its fields' values. `place` is that of the layer."""

    operator: str
    values: Mapping[str, Located]
    place: Place


@dataclass(frozen=True)
class Chosen:
    """An operator's fields, and the keys whose problems have been reported."""

    fields: OperatorFields
    bad: frozenset[str]


def choose(values: Mapping[str, Located], place: Place, report: set[Problem]) -> Choice | None:
    """The operator that `values` name with `operator` or `module`, None (and a problem) where they name none."""
    named, module = values.get("operator"), values.get(_MODULE)
    if named is None and module is None:
        names = ", ".join(sorted(OPERATORS))
        report.add(place.below("operator").problem(f"missing: add operator, one of {names}"))
        return None
    operator = _MODULE if named is None else named.value
    if named is not None and not isinstance(operator, str):
        kinds = "the name of an operator" if isinstance(operator, dict) else LAYER
        report.add(named.place.problem(f"must be {kinds}, not {shown(operator)}"))
        return None
    if named is not None and operator not in OPERATORS:
        report.add(named.place.problem(OPERATORS.missing(shortened(str(operator)))))
        return None
    if named is not None and module is not None and operator != _MODULE:
        report.add(module.key.problem("give operator or module, not both"))
        return None
    fields = {key: item for key, item in values.items() if key != "operator"}
    return Choice(str(operator), fields, place)


def operator_of(values: Mapping[str, Located]) -> str | None:
    """The operator that `values` name, None where they name none that there is."""
    choice = choose(values, Place("", 1, 1), set())
    return choice.operator if choice else None


def build_fields(choice: Choice, report: set[Problem], others: Iterable[str] = ()) -> Chosen | None:
    """The fields of the chosen operator, None where they cannot be made; problems go to `report`.

    `others`: further keys that the layer may have, for suggestions.
    """
    known = operator_keys(choice.operator)
    for key, item in choice.values.items():
        if key not in known:
            report.add(item.key.problem(_foreign(key, choice.operator, [*known, *others])))
    values = {key: item for key, item in choice.values.items() if key in known}
    fields, bad = built(OPERATORS[choice.operator].fields(), values, choice.place, report)
    return None if fields is None else Chosen(fields, frozenset(bad))


def _foreign(key: str, operator: str, known: list[str]) -> str:
    """The message for a key that the operator does not have."""
    owners = [name for name in OPERATORS if key in operator_keys(name)]
    return f"{operator} has no such key; it is one of {', '.join(owners)}" if owners else unknown_key(key, known)


@cache
def _rivals(operator: str | None) -> dict[str, frozenset[str]]:
    """Field -> the fields that it excludes: the operator's own, or over all of ours where it is not known."""
    names = [name for name in OPERATORS if not OPERATORS.owner(name)] if operator is None else [operator]
    groups = [frozenset(OPERATORS[name].fields().alternatives) for name in names]
    return {key: group - {key} for group in groups for key in group}


def overlaid(under: Mapping[str, Located], over: Mapping[str, Located]) -> dict[str, Located]:
    """`over` upon `under`, of which alternatives to keys in `over` are left out."""
    rivals = _rivals(operator_of({**under, **over}))
    out = {rival for key in over for rival in rivals.get(key, ())} - set(over)
    return {key: item for key, item in under.items() if key not in out} | dict(over)


def with_key(values: Mapping[str, Located], key: str, item: Located, layer_keys: Collection[str]) -> dict[str, Located]:
    """`values` with `key`, where a dot leads into a layer or keyword arguments; a layer's name becomes a mapping."""
    head, _, rest = key.partition(".")
    if not rest:
        return overlaid(values, {head: item})
    if head not in layer_keys and head != "kwargs":
        return {**values, key: item}
    outer = values.get(head) or Located({}, item.place, item.key)
    inner = {"operator": outer} if head in layer_keys and isinstance(outer.value, str) else outer.mapping
    if not inner and outer.value != {}:
        # no mapping where one belongs, which is reported where it is read
        return dict(values)
    return {**values, head: Located(with_key(inner, rest, item, ()), outer.place, outer.key)}


def operator_or_module(values: Mapping[str, Located]) -> bool:
    """Whether a mapping names an operator of its own."""
    return "operator" in values or _MODULE in values
