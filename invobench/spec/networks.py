"""Networks: from the keys of one combination to a `NetworkSpec` that is valid for its images."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache

from invobench.errors import Problem
from invobench.networks import NETWORKS
from invobench.networks.base import NetworkFields
from invobench.operators.base import LayerShape, LayerSpec
from invobench.spec.cells import NetworkSpec
from invobench.spec.keys import LAYERS_ONLY, SIZES, CellKeys, NetworkKeys, operator_keys
from invobench.spec.located import Located, Place, key_step, located, shortened, shown
from invobench.spec.messages import built, literal_values, unknown_key
from invobench.spec.overrides import DECISIVE
from invobench.spec.targets import build_fields, choose, operator_of, operator_or_module, overlaid, with_key

SECTION = "networks"
KEYS: type[CellKeys] = NetworkKeys


@cache
def layer_keys() -> frozenset[str]:
    """The fields that hold a layer in some network."""
    return frozenset(key for entry in NETWORKS.values() for key in entry.fields().layer_keys)


def normal(values: Mapping[str, Located], report: set[Problem]) -> dict[str, Located]:
    """`values` with `module` and `kwargs` as a mapping under `operator`."""
    if "module" not in values:
        return dict(values)
    layer = {key: values[key] for key in ("module", "kwargs") if key in values}
    rest = {key: item for key, item in values.items() if key not in layer}
    if "operator" in values:
        report.add(values["module"].key.problem("give operator or module, not both"))
        return rest
    return rest | {"operator": Located(layer, values["module"].place, values["module"].key)}


def put(values: Mapping[str, Located], point: Mapping[str, Located]) -> dict[str, Located]:
    """`values` with the keys of a point of the matrix, which win."""
    found = dict(values)
    for key in sorted(point, key=lambda key: (key not in DECISIVE, "." in key)):
        found = with_key(found, key, point[key], layer_keys())
    return found


def known(values: Mapping[str, Located]) -> frozenset[str] | None:
    """The keys that this network has, dotted for those of its layers, None where one is not known."""
    if not _is_known(values):
        return None
    fields = NETWORKS[str(values["network"].value)].fields()
    keys = {"network", *KEYS.model_fields, *fields.model_fields}
    for key, layer in _layers(_merged(values, values["network"].place), fields).items():
        operator = operator_of(layer.mapping)
        if operator is None:
            return None
        keys |= {f"{key}.{name}" for name in ("operator", *operator_keys(operator))}
    return frozenset(keys)


def fitting(defaults: Mapping[str, Located], values: Mapping[str, Located]) -> dict[str, Located]:
    """The defaults that hold for networks."""
    return {key: item for key, item in defaults.items() if key in KEYS.model_fields and key not in LAYERS_ONLY}


def target(
    values: Mapping[str, Located], keys: CellKeys | None, bad: Collection[str], place: Place, report: set[Problem]
) -> NetworkSpec | None:
    """The network, None where it cannot be made; what is wrong goes to `report`. `bad`: cell keys that are wrong."""
    if not _is_known(values):
        report.add(_no_network(values, place))
        return None
    network = str(values["network"].value)
    fields = NETWORKS[network].fields()
    for key, item in values.items():
        if key not in fields.model_fields and key not in KEYS.model_fields and key != "network":
            names = known(values) or {*fields.model_fields, *KEYS.model_fields}
            report.add(item.key.problem(unknown_key(key, names)))
    merged = _merged(values, place)
    layers = _layers(merged, fields)
    made, wrong = _made(layers, report)
    rest = {key: item for key, item in merged.items() if key not in layers}
    failed = {key for key in layers if key not in made}
    model, wrong_fields = built(fields, rest, place, report, made, failed)
    if model is None or keys is None:
        return None
    if SIZES.isdisjoint(bad):
        case = _Case(json.dumps([network, {key: item.plain() for key, item in merged.items()}], sort_keys=True), model)
        found: dict[str, Problem] = {}
        for key, message in _problems(case, LayerShape(1, keys.in_channels, keys.height, keys.width)):
            if not _is_spoilt(key, wrong | wrong_fields):
                at = _place(key, merged, layers, place)
                found.setdefault(at.path, at.problem(message))
        report.update(found.values())
    return NetworkSpec(network, model)


def _is_spoilt(key: str, wrong: Collection[str]) -> bool:
    """Whether a problem of `key` may only follow from what is wrong already: the key, its layer or its fields."""
    return key in wrong or key.partition(".")[0] in wrong or any(other.startswith(f"{key}.") for other in wrong)


def _is_known(values: Mapping[str, Located]) -> bool:
    """Whether `network` names one of the table."""
    return "network" in values and isinstance(values["network"].value, str) and values["network"].value in NETWORKS


def _no_network(values: Mapping[str, Located], place: Place) -> Problem:
    """Why there is no network."""
    if "network" not in values:
        return place.below("network").problem(f"missing: add network, one of {', '.join(sorted(NETWORKS))}")
    named = values["network"]
    if not isinstance(named.value, str):
        return named.place.problem(f"must be the name of a network, not {shown(named.value)}")
    return named.place.problem(NETWORKS.missing(shortened(named.value)))


def _merged(values: Mapping[str, Located], place: Place) -> dict[str, Located]:
    """The network's fields: the preset's, which stand where its name stands, extended or replaced by the spec's."""
    entry, at = NETWORKS[str(values["network"].value)], values["network"].place
    model = entry.fields()
    merged = {
        key: located(plain, Place(at.file, at.line, at.column, key_step(key), place))
        for key, plain in entry.preset.items()
    }
    for key, item in values.items():
        if key in model.model_fields:
            merged[key] = _extended(merged.get(key), item) if key in model.layer_keys else item
    return merged


def _extended(under: Located | None, over: Located) -> Located:
    """`over`, with what `under` has where `over` is a mapping that names no operator of its own."""
    if under is None or not isinstance(over.value, dict) or operator_or_module(over.value):
        return over
    return Located(overlaid(_layer(under).mapping, over.value), over.place, over.key)


def _layer(item: Located) -> Located:
    """A layer as a mapping: a name is one with `operator`."""
    return item if isinstance(item.value, dict) else Located({"operator": item}, item.place, item.key)


def _layers(merged: Mapping[str, Located], fields: type[NetworkFields]) -> dict[str, Located]:
    """The fields that hold a layer, as mappings, with what they extend; a word that is no layer is not among them."""
    found = {}
    for key, base in fields.layer_keys.items():
        item = merged.get(key)
        words = literal_values(fields.model_fields[key].annotation)
        if item is not None and not (isinstance(item.value, str) and item.value in words):
            found[key] = _layer(_extended(merged.get(base) if base else None, item))
    return found


def _made(layers: Mapping[str, Located], report: set[Problem]) -> tuple[dict[str, LayerSpec], set[str]]:
    """Each layer that can be made, and the dotted keys that are wrong."""
    made, wrong = {}, set()
    for key, layer in layers.items():
        choice = choose(layer.mapping, layer.place, report)
        chosen = build_fields(choice, report) if choice else None
        if choice and chosen:
            made[key] = LayerSpec(choice.operator, chosen.fields)
            wrong |= {f"{key}.{name}" for name in chosen.bad}
    return made, wrong


def _place(key: str, merged: Mapping[str, Located], layers: Mapping[str, Located], place: Place) -> Place:
    """The place of a field, dotted for a field of an injected operator."""
    head, _, rest = key.partition(".")
    outer = layers.get(head) or merged.get(head)
    if outer is None:
        return place.below(head)
    if not rest:
        return outer.place
    return outer.mapping[rest].place if rest in outer.mapping else outer.place.below(rest)


@dataclass(frozen=True)
class _Case:
    """A network's fields, equal where the spec's text is."""

    text: str
    fields: NetworkFields = field(compare=False)


@lru_cache(maxsize=256)
def _problems(case: _Case, shape: LayerShape) -> tuple[tuple[str, str], ...]:
    """The first problem of each field: the same mistake shows at many places of a network."""
    first: dict[str, str] = {}
    for key, message in _found(case.fields, shape):
        first.setdefault(key, message)
    return tuple(first.items())


def _found(fields: NetworkFields, shape: LayerShape) -> Iterator[tuple[str, str]]:
    """What the network finds wrong, and places whose operator has no output."""
    found = list(fields.problems(shape))
    yield from found
    if found:
        return
    for item in fields.placements(shape):
        try:
            item.layer.fields.output_shape(item.shape)
        except ValueError as error:
            yield item.key, f"{error} (in {item.place})"
