"""What must be right about an operator or network before a table has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def folder_problem(path: str, fields: Any, base: type[Any], reserved: Collection[str]) -> str:
    """What is wrong with the package `path` of an operator or network and its `Fields`, empty where nothing is.

    Imports `spec` and `cost`, which need no PyTorch, and only looks for `module`. Raises what they raise.
    """
    if not (isinstance(fields, type) and issubclass(fields, base)):
        return f"{path}.spec:Fields must be a subclass of {base.__module__}.{base.__name__}"
    model: Any = fields
    known: Mapping[str, Any] = model.model_fields
    taken = sorted(set(known).intersection(reserved))
    if taken:
        return f"{path}.spec:Fields has a field '{taken[0]}', which means something else in a spec: rename it"
    aliased = [name for name, info in known.items() if info.alias or info.validation_alias]
    if aliased:
        return f"{path}.spec:Fields has a field '{aliased[0]}' with an alias: name the field itself so"
    properties: Mapping[str, Any] = model.model_json_schema()["properties"] if known else {}
    layers = getattr(model, "layer_keys", ())
    nested = [name for name, schema in properties.items() if name not in layers and "$ref" in str(schema)]
    if nested:
        kinds = "numbers, text, true or false, lists and mappings of them"
        return f"{path}.spec:Fields has a field '{nested[0]}' of a class of its own: fields are {kinds}"
    if not callable(getattr(import_module(f"{path}.cost"), "cost", None)):
        return f"{path}.cost has no function cost"
    return "" if find_spec(f"{path}.module") else f"there is no module {path}.module"
