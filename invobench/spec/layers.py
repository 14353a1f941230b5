"""Layers: from the keys of one combination to a `LayerSpec` that is valid for its shape."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from invobench.errors import Problem
from invobench.operators import OPERATORS
from invobench.operators.base import LayerShape, LayerSpec
from invobench.spec.keys import MOST_CHANNELS, SIZES, CellKeys, LayerKeys, default_keys, operator_keys
from invobench.spec.located import Located, Place, shown
from invobench.spec.messages import one_of, unknown_key
from invobench.spec.overrides import DECISIVE
from invobench.spec.targets import Chosen, build_fields, choose, operator_of, overlaid, with_key

SECTION = "layers"
KEYS: type[CellKeys] = LayerKeys


def normal(values: Mapping[str, Located], report: set[Problem]) -> dict[str, Located]:
    """`values` with the keys of an operator mapping beside those of the layer; what is given twice is a problem."""
    outer = dict(values)
    for key, item in _inner(outer).items():
        if key in KEYS.model_fields:
            report.add(item.key.problem("is a key of the layer: give it beside operator"))
        elif key in outer and key != "operator":
            first = outer[key].key
            report.add(item.key.problem(f"duplicate key (also at {first.line}:{first.column}): keep one"))
    return _flat(outer)


def _inner(values: Mapping[str, Located]) -> dict[str, Located]:
    """The keys of an operator mapping."""
    return values["operator"].mapping if "operator" in values else {}


def _flat(values: dict[str, Located]) -> dict[str, Located]:
    """`values` with the keys of an operator mapping put in their place."""
    inner = _inner(values)
    if "operator" not in values or not isinstance(values["operator"].value, dict):
        return values
    rest = {key: item for key, item in values.items() if key != "operator"}
    return overlaid(rest, {key: item for key, item in inner.items() if key not in KEYS.model_fields})


def put(values: Mapping[str, Located], point: Mapping[str, Located]) -> dict[str, Located]:
    """`values` with the keys of a point of the matrix, which win."""
    found = dict(values)
    for key in sorted(point, key=lambda key: (key not in DECISIVE, "." in key)):
        found = _flat(with_key(found, key, point[key], ()))
    return found


def known(values: Mapping[str, Located]) -> frozenset[str] | None:
    """The keys that this layer has, None where its operator is not known."""
    operator = operator_of(values)
    return None if operator is None else operator_keys(operator) | set(KEYS.model_fields) | {"operator"}


def fitting(defaults: Mapping[str, Located], values: Mapping[str, Located]) -> dict[str, Located]:
    """The defaults that hold for this layer: cell keys, and fields that its operator has."""
    operator = operator_of(values)
    fields = default_keys() if operator is None else operator_keys(operator)
    return {key: item for key, item in defaults.items() if key in KEYS.model_fields or key in fields}


def target(
    values: Mapping[str, Located], keys: CellKeys | None, bad: Collection[str], place: Place, report: set[Problem]
) -> LayerSpec | None:
    """The layer, None where it cannot be made; what is wrong goes to `report`. `bad`: cell keys that are wrong."""
    choice = choose({key: item for key, item in values.items() if key not in KEYS.model_fields}, place, report)
    if choice is None:
        _unknown_anywhere(values, report)
        return None
    chosen = build_fields(choice, report, KEYS.model_fields)
    if chosen is None or keys is None:
        return None
    layer = LayerSpec(choice.operator, chosen.fields)
    scope = values.get("scope")
    if scope and "scope" not in bad and scope.value not in chosen.fields.scopes:
        message = f"must be {one_of(chosen.fields.scopes)} for {choice.operator}, not {shown(scope.value)}"
        report.add(scope.place.problem(message))
    if (
        "in_channels" not in bad
        and _problems(layer, chosen, keys, values, place, report) == 0
        and SIZES.isdisjoint(bad)
    ):
        _check_output(layer, shape_of(keys), values, place, report)
    return layer


def _unknown_anywhere(values: Mapping[str, Located], report: set[Problem]) -> None:
    """Keys that no operator has, where the operator is not known; one that is unavailable may have them."""
    if "operator" in values and str(values["operator"].value) in OPERATORS.refused:
        return
    allowed = default_keys() | {"operator", "module"}
    for key, item in values.items():
        if key not in allowed:
            report.add(item.key.problem(unknown_key(key, allowed)))


def _problems(
    layer: LayerSpec,
    chosen: Chosen,
    keys: CellKeys,
    values: Mapping[str, Located],
    place: Place,
    report: set[Problem],
) -> int:
    """Report what the operator finds wrong with its fields; how much is wrong, what was reported before too."""
    count = len(chosen.bad)
    for key, message in layer.fields.problems(keys.in_channels):
        count += 1
        if key not in chosen.bad:
            at = values[key].place if key in values else place.below(key)
            report.add(at.problem(message))
    return count


def _check_output(
    layer: LayerSpec, shape: LayerShape, values: Mapping[str, Located], place: Place, report: set[Problem]
) -> None:
    """Report an output that does not exist or is too large."""
    try:
        out = layer.fields.output_shape(shape)
    except ValueError as error:
        report.add(place.problem(str(error)))
        return
    if min(out.dims) < 1:
        report.add(place.problem(f"leaves an output of {out.height}×{out.width} with {out.in_channels} channels"))
    if out.in_channels > MOST_CHANNELS:
        at = values["out_channels"].place if "out_channels" in values else place
        report.add(at.problem(f"must be at most {MOST_CHANNELS}, not {shown(out.in_channels)}"))


def shape_of(keys: CellKeys) -> LayerShape:
    """The input's shape, `[N, C, H, W]`."""
    return LayerShape(keys.batch, keys.in_channels, keys.height, keys.width)
