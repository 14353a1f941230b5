"""Scalars by the YAML 1.2 core schema: `1e-3` is a number, `on` and `yes` are text, `010` is 10.

Source: YAML 1.2.2, section 10.3.2 (tag resolution).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from invobench.spec.located import Scalar, shortened

_TAG = "tag:yaml.org,2002:"
_LONGEST_NUMBER = 100
_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")


def _number(parse: Callable[[str], int | float]) -> Callable[[str], int | float]:
    """`parse` for numbers of a sane length."""

    def checked(text: str) -> int | float:
        if len(text) > _LONGEST_NUMBER:
            raise ValueError(f"must be a number of at most {_LONGEST_NUMBER} characters, not {len(text)}")
        return parse(text)

    return checked


def _finite(text: str) -> float:
    """A finite float. Raises ValueError for NaN, infinity and what overflows to it."""
    value = math.inf if _NOT_FINITE.fullmatch(text) else float(text)
    if not math.isfinite(value):
        raise ValueError(f"must be a finite number, not {text}")
    return value


_RULES: tuple[tuple[str, re.Pattern[str], Callable[[str], Scalar]], ...] = (
    ("null", _NULL, lambda text: None),
    ("bool", _BOOL, lambda text: text.lower() == "true"),
    ("int", _DECIMAL, _number(int)),
    ("int", _OCTAL, _number(lambda text: int(text[2:], 8))),
    ("int", _HEXADECIMAL, _number(lambda text: int(text[2:], 16))),
    ("float", _FLOAT, _number(_finite)),
    ("float", _NOT_FINITE, _finite),
)


def plain_scalar(text: str) -> Scalar:
    """The value of an unquoted scalar. Raises ValueError for a number that cannot be used."""
    return next((convert(text) for _, pattern, convert in _RULES if pattern.fullmatch(text)), text)


def tagged_scalar(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit tag. Raises ValueError where the tag is unknown or does not fit."""
    name = tag.removeprefix(_TAG)
    if name == "str":
        return text
    rules = [(pattern, convert) for kind, pattern, convert in _RULES if kind == name]
    if not rules or name == tag:
        raise ValueError(f"tag '{shown_tag(tag)}' is not supported here: remove it")
    for pattern, convert in rules:
        if pattern.fullmatch(text):
            return convert(text)
    raise ValueError(f"'{shortened(text)}' does not fit its tag '{shown_tag(tag)}'")


def shown_tag(tag: str) -> str:
    """A tag as it is written: `!!int`."""
    return shortened(f"!!{tag.removeprefix(_TAG)}" if tag.startswith(_TAG) else tag)
