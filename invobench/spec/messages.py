"""From pydantic's errors to our own messages, by tables of error types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from invobench.errors import Problem
from invobench.operators.base import LayerSpec
from invobench.spec.located import Located, Place, shown
from invobench.table import suggestion

M = TypeVar("M", bound=BaseModel)
_Phrase = Callable[[Mapping[str, Any], FieldInfo], str]
_LONGEST_GUESS = 64
_NUMERIC = {"int_type", "float_type", "literal_error"}

#: what a value must be where a layer belongs
LAYER = "the name of an operator or a mapping"

#: error type -> what the value must be: `must be <phrase> or <phrase>, not <value>`
PHRASES: dict[str, _Phrase] = {
    "int_type": lambda context, info: "a whole number",
    "int_from_float": lambda context, info: "a whole number",
    "int_parsing_size": lambda context, info: one_of(literal_values(info.annotation)),
    "float_type": lambda context, info: "a number",
    "finite_number": lambda context, info: "a finite number",
    "bool_type": lambda context, info: "true or false",
    "string_type": lambda context, info: "text",
    "dict_type": lambda context, info: "a mapping",
    "list_type": lambda context, info: "a list",
    "tuple_type": lambda context, info: "a list",
    "dataclass_exact_type": lambda context, info: LAYER,
    "literal_error": lambda context, info: one_of(literal_values(info.annotation)),
    "greater_than_equal": lambda context, info: f"at least {_bound(context['ge'])}",
    "less_than_equal": lambda context, info: f"at most {_bound(context['le'])}",
    "greater_than": lambda context, info: f"more than {_bound(context['gt'])}",
    "less_than": lambda context, info: f"less than {_bound(context['lt'])}",
    "multiple_of": lambda context, info: f"a multiple of {_bound(context['multiple_of'])}",
    "string_too_long": lambda context, info: f"at most {context['max_length']} characters long",
    "string_too_short": lambda context, info: f"at least {context['min_length']} characters long",
    "too_long": lambda context, info: f"at most {context['max_length']} long",
    "too_short": lambda context, info: f"at least {context['min_length']} long",
    "string_pattern_mismatch": lambda context, info: f"like {info.description}",
}

#: error type -> the whole message, which a validator of ours made
WHOLE: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "spec_name": lambda context: str(context["message"]),
    "value_error": lambda context: str(context["error"]),
    "assertion_error": lambda context: str(context["error"]),
}


def _bound(limit: float) -> str:
    """A limit as people write it: 1 and not 1.0."""
    return str(int(limit)) if limit == int(limit) else str(limit)


def literal_values(annotation: Any) -> list[Any]:
    """The values that a `Literal` anywhere in `annotation` allows."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [value for part in get_args(annotation) for value in literal_values(part)]


def one_of(values: Iterable[object]) -> str:
    """`C`, or `one of a, b`."""
    names = [str(value) for value in values]
    return names[0] if len(names) == 1 else f"one of {', '.join(names)}"


def not_one_of(value: object, names: Iterable[str]) -> str:
    """The message for a value that is none of `names`."""
    known = tuple(names)
    return f"must be {one_of(known)}, not {shown(value)}{guess(value, known)}"


@lru_cache(maxsize=4096)
def _guess(name: str, known: tuple[str, ...]) -> str:
    return suggestion(name, known)


def guess(value: object, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for a near miss, else an empty string."""
    return _guess(value, tuple(known)) if isinstance(value, str) and len(value) <= _LONGEST_GUESS else ""


def unknown_key(key: str, known: Iterable[str]) -> str:
    """The message for a key that nothing reads."""
    return f"unknown key{guess(key, sorted(known))}"


def built(
    model: type[M],
    values: Mapping[str, Located],
    place: Place,
    report: set[Problem],
    ready: Mapping[str, Any] | None = None,
    failed: Iterable[str] = (),
) -> tuple[M | None, set[str]]:
    """`model` from `values` and from what is `ready` as it is, and the keys that are wrong.

    What is wrong goes to `report`, and is left out of the model where that is possible. `failed`: keys
    that are left out because their problems have been reported.
    """
    plain = {key: item.plain() for key, item in values.items()} | dict(ready or {})
    bad = set(failed)
    try:
        return model.model_validate(plain), bad
    except ValidationError as error:
        details = error.errors(include_url=False)
    wrong = {str(detail["loc"][0]) if detail["loc"] else "" for detail in details}
    report.update(explained([d for d in details if not bad.intersection(map(str, d["loc"][:1]))], model, values, place))
    bad |= wrong
    try:
        return model.model_validate({key: value for key, value in plain.items() if key not in bad}), bad
    except ValidationError:
        return None, bad


def explained_field(model: type[BaseModel], key: str, item: Located) -> set[Problem]:
    """What is wrong with one field's value, whatever the other fields are."""
    try:
        model.model_validate({key: item.plain()})
    except ValidationError as error:
        details = [detail for detail in error.errors(include_url=False) if detail["loc"][:1] == (key,)]
        return set(explained(details, model, {key: item}, item.place))
    return set()


def explained(
    details: Iterable[ErrorDetails], model: type[BaseModel], values: Mapping[str, Located], place: Place
) -> Iterator[Problem]:
    """A problem for each key that `details` complain of."""
    groups: dict[str, list[ErrorDetails]] = {}
    for detail in details:
        groups.setdefault(str(detail["loc"][0]) if detail["loc"] else "", []).append(detail)
    for key, group in groups.items():
        if key in values:
            yield values[key].place.problem(_message(group, model.model_fields[key], values[key].value))
        elif key:
            yield place.below(key).problem(missing(key, model.model_fields[key]))
        else:
            yield place.problem("; ".join(_whole(detail) or detail["msg"] for detail in group))


def missing(key: str, info: FieldInfo) -> str:
    """The message for a key that must be there."""
    values = literal_values(info.annotation)
    if len(values) == 1:
        return f"missing: add {key}: {values[0]}"
    described = LAYER if info.annotation is LayerSpec else f"like {info.description}"
    return f"missing: add {key}, {one_of(values) if values else described}"


def _message(group: list[ErrorDetails], info: FieldInfo, value: object) -> str:
    """The message for all that is wrong with one value: the alternatives of a union are one `must be`."""
    whole = [text for text in map(_whole, group) if text]
    if whole:
        return "; ".join(whole)
    types = {detail["type"] for detail in group}
    phrases = dict.fromkeys(
        PHRASES[kind](detail.get("ctx", {}), info)
        if (kind := detail["type"]) in PHRASES
        else detail["msg"].removeprefix(_PYDANTICS)
        for detail in group
    )
    names = [name for name in literal_values(info.annotation) if isinstance(name, str)]
    return f"must be {' or '.join(phrases)}, not {shown(value)}{guess(value, names)}{_quotes(types, value)}"


_PYDANTICS = "Input should be "


def _whole(detail: ErrorDetails) -> str:
    """The whole message of a validator, empty where the error is of a type that has a phrase.

    A field of an installed package's may have any type and validator: what pydantic says of those is kept.
    """
    if detail["type"] in WHOLE:
        return WHOLE[detail["type"]](detail.get("ctx", {}))
    if detail["type"] in PHRASES or detail["msg"].startswith(_PYDANTICS):
        return ""
    return " ".join(detail["msg"].split())


def _quotes(types: set[str], value: object) -> str:
    """What to do about quotes that are wrong or lacking, or an empty string."""
    if isinstance(value, str) and types & _NUMERIC and value.removeprefix("-").isdecimal():
        return " (remove the quotes)"
    if "string_type" in types and isinstance(value, bool | int | float):
        return " (quote it)"
    return ""
