"""The JSON Schema of a spec, made from the models, so that an editor completes keys and marks what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from invobench.networks import NETWORKS
from invobench.networks.base import NetworkFields
from invobench.operators import OPERATORS
from invobench.spec.cells import Measure
from invobench.spec.contract import ContractKeys
from invobench.spec.gate import GateRun, Thresholds
from invobench.spec.keys import LayerKeys, Named, NetworkKeys, Versioned
from invobench.spec.messages import literal_values

Schema = dict[str, Any]

_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
_RULES: Schema = {"type": "array", "minItems": 1, "items": {"type": "object", "minProperties": 1}}
#: keys of which a layer needs one, or a matrix that gives it
_CHOICES = [{"required": [key]} for key in ("operator", "module", "matrix")]


def json_schema() -> Schema:
    """The JSON Schema (draft 2020-12) of a spec."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "invobench spec",
        "type": "object",
        "properties": {
            **_properties(Versioned),
            "defaults": _object(_default_properties()),
            "layers": {"type": "array", "items": _layer()},
            "networks": {"type": "array", "items": _network()},
            "measure": _object({**_properties(Measure), **_properties(ContractKeys)}),
            "gate": _object({**_properties(Thresholds), **_properties(GateRun)}),
        },
        "required": ["version"],
        "anyOf": [
            {"required": [section], "properties": {section: {"minItems": 1}}} for section in ("layers", "networks")
        ],
        "additionalProperties": False,
    }


def _properties(model: type[BaseModel], without: Iterable[str] = ()) -> dict[str, Schema]:
    """The properties of a model's fields, without the titles that pydantic makes up."""
    properties: dict[str, Schema] = model.model_json_schema()["properties"]
    return {
        name: {key: value for key, value in schema.items() if key != "title"}
        for name, schema in properties.items()
        if name not in without
    }


def _object(properties: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    """A mapping with these keys and no other."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _fields(operator: str) -> dict[str, Schema]:
    """The properties of an operator's fields."""
    return _properties(OPERATORS[operator].fields())


def _all_fields(names: Iterable[str] = OPERATORS) -> dict[str, Schema]:
    """The fields of all operators."""
    return _any_of(_fields(name) for name in names)


def _any_of(all_properties: Iterable[Mapping[str, Schema]]) -> dict[str, Schema]:
    """The properties of several models; one that several have may be what any of them allows."""
    found: dict[str, list[Schema]] = {}
    for properties in all_properties:
        for key, schema in properties.items():
            found.setdefault(key, [])
            found[key] += [schema] if schema not in found[key] else []
    return {key: schemas[0] if len(schemas) == 1 else {"anyOf": schemas} for key, schemas in found.items()}


def _default_properties() -> dict[str, Schema]:
    """What `defaults` may hold."""
    return {key: schema for key, schema in {**_all_fields(), **_properties(LayerKeys)}.items() if key != "module"}


def _operator(without: Iterable[str] = ()) -> Schema:
    """An operator: its name, or a mapping with `operator` or `module` and its fields."""
    fields = {key: schema for key, schema in _all_fields().items() if key not in without}
    names = {"enum": sorted(OPERATORS), "description": "an operator"}
    return {"anyOf": [names, _object({"operator": names, **fields})]}


def _matrix(keys: Iterable[str]) -> Schema:
    """A matrix over `keys`, and over dotted keys below them."""
    values: Schema = {"anyOf": [_SCALAR, {"type": "array", "minItems": 1}]}
    heads = sorted({*keys} - {"name", "matrix"})
    return {
        "type": "object",
        "minProperties": 1,
        "properties": {**dict.fromkeys(heads, values), "include": _RULES, "exclude": _RULES},
        "patternProperties": {f"^({'|'.join(heads)})\\.": values},
        "additionalProperties": False,
    }


def _layer() -> Schema:
    """A layer. Where `operator` is a name, its own fields' schemas hold and other operators' fields do not."""
    common = {**_properties(Named), **_properties(LayerKeys), "operator": _operator()}
    properties = {**_all_fields(), **common}
    schema = _object({**properties, "matrix": _matrix(properties), "gate": _object(_properties(Thresholds))}, ["name"])
    return schema | {"anyOf": _CHOICES, "allOf": [_only(name, common) for name in OPERATORS]}


def _only(operator: str, common: Iterable[str]) -> Schema:
    """With `operator` by name, its own fields and those that every layer has."""
    fields = _fields(operator)
    return {
        "if": {"properties": {"operator": {"const": operator}}, "required": ["operator"]},
        "then": {
            "properties": fields,
            "anyOf": [{"propertyNames": {"enum": [*common, *fields, "matrix", "gate"]}}, _matrix_has("operator")],
        },
    }


def _matrix_has(key: str) -> Schema:
    """A matrix that gives `key` in its own lists or in `include`."""
    return {
        "required": ["matrix"],
        "properties": {"matrix": {"anyOf": [{"required": [key]}, {"required": ["include"]}]}},
    }


def _network() -> Schema:
    """A network: any of the table, with the fields of its macro-architecture."""
    names = {"enum": sorted(NETWORKS), "description": "a network"}
    common = {**_properties(Named), **_properties(NetworkKeys), "network": names}
    fields = _any_of(_network_fields(model) for model in dict.fromkeys(entry.fields() for entry in NETWORKS.values()))
    properties = {**fields, **_fields("module"), **common}
    schema = _object({**properties, "matrix": _matrix(properties), "gate": _object(_properties(Thresholds))}, ["name"])
    return schema | {"anyOf": [{"required": ["network"]}, {"required": ["matrix"]}]}


def _network_fields(model: type[NetworkFields]) -> dict[str, Schema]:
    """The properties of a network's fields; those that hold a layer are operators, or a word instead of one."""
    found = _properties(model, without=model.layer_keys)
    for key in model.layer_keys:
        words = literal_values(model.model_fields[key].annotation)
        layer = _operator(without=("stride", "out_channels"))
        found[key] = {"anyOf": [{"enum": words}, *layer["anyOf"]]} if words else layer
    return found
