"""Annotations of text in a spec that must be one of some names, with messages of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import AfterValidator, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError

from invobench.spec.messages import not_one_of


def checked(allowed: Callable[[str], bool], message: Callable[[str], str]) -> AfterValidator:
    """A validator that refuses what is not `allowed` with our own message."""

    def check(value: str) -> str:
        if not allowed(value):
            raise PydanticCustomError("spec_name", "{message}", {"message": message(value)})
        return value

    return AfterValidator(check)


@dataclass(frozen=True)
class EnumSchema:
    """An annotation: a JSON Schema of the names that there are when it is asked for, not when it is written."""

    known: Callable[[], Iterable[str]]

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Called by pydantic."""
        return {"enum": list(self.known())}


def names(known: tuple[str, ...]) -> tuple[Any, ...]:
    """The annotations of text that must be one of `known`."""
    return checked(known.__contains__, lambda value: not_one_of(value, known)), WithJsonSchema({"enum": list(known)})
