"""Annotations of text in a spec that must be one of some names, with messages of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from invobench.spec.messages import not_one_of


def checked(allowed: Callable[[str], bool], message: Callable[[str], str]) -> AfterValidator:
    """A validator that refuses what is not `allowed` with our own message."""

    def check(value: str) -> str:
        if not allowed(value):
            raise PydanticCustomError("spec_name", "{message}", {"message": message(value)})
        return value

    return AfterValidator(check)


def names(known: tuple[str, ...]) -> tuple[Any, ...]:
    """The annotations of text that must be one of `known`."""
    return checked(known.__contains__, lambda value: not_one_of(value, known)), WithJsonSchema({"enum": list(known)})
