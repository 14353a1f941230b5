"""The top level of a spec: version, defaults, layers, networks, measure, gate."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from invobench.errors import Problem
from invobench.operators import OPERATORS
from invobench.spec.cells import Cell, Measure
from invobench.spec.contract import CONTRACT_KEYS, ContractKeys
from invobench.spec.entries import KINDS, Context, Entry, Gating, Kind, Usage, cells_of
from invobench.spec.gate import GATE_KEYS, GateRun, Thresholds
from invobench.spec.keys import LayerKeys, Named, Versioned, default_keys, operator_keys
from invobench.spec.located import Located, Place, shown
from invobench.spec.matrix import MOST_CELLS, too_many
from invobench.spec.messages import built, explained_field, unknown_key
from invobench.spec.overrides import GATE, MEASURE, Override

#: a name -> where it was given first
Names = dict[str, Located]
_KEYS = ("version", "defaults", "layers", "networks", "measure", "gate")


def cells_of_document(root: Located, overrides: Sequence[Override], usage: Usage, report: set[Problem]) -> list[Cell]:
    """The cells of a spec; what is wrong goes to `report`."""
    if not isinstance(root.value, dict):
        report.add(
            root.place.problem(f"must be a mapping with version, and layers or networks, not {shown(root.value)}")
        )
        return []
    _check_keys(root.value, _KEYS, report)
    built(Versioned, _only(root.value, "version"), root.place, report)
    defaults = _section(root.value, "defaults", report)
    _check_defaults(defaults, root.place, report)
    measure, contract = _measure(_section(root.value, "measure", report), overrides, usage, root, report)
    gating = _gating(_section(root.value, "gate", report), overrides, usage, root, report)
    context = Context(root.place.file, {**contract, **defaults}, measure, overrides, usage, report, gating)
    names: Names = {}
    entries = [entry for kind in KINDS for entry in _entries(kind, root.value, names, report)]
    if not any(root.value[kind.SECTION].value for kind in KINDS if kind.SECTION in root.value):
        report.add(root.place.problem("missing: add at least one layer (layers) or network (networks)"))
    cells: list[Cell] = []
    for entry in entries:
        cells += cells_of(entry, context)
        if len(cells) > MOST_CELLS:
            report.add(entry.item.place.problem(f"with what is before it {too_many(len(cells))}"))
            break
    return cells


def _only(values: Mapping[str, Located], *keys: str) -> dict[str, Located]:
    """The given keys of `values`, where they are there."""
    return {key: values[key] for key in keys if key in values}


def _check_keys(values: Mapping[str, Located], known: Sequence[str], report: set[Problem]) -> None:
    """Report the keys that are not `known`."""
    for key, item in values.items():
        if key not in known:
            report.add(item.key.problem(unknown_key(key, known)))


def _section(root: Mapping[str, Located], key: str, report: set[Problem]) -> dict[str, Located]:
    """The mapping under `key`, empty where there is none."""
    if key in root and not isinstance(root[key].value, dict):
        report.add(root[key].place.problem(f"must be a mapping, not {shown(root[key].value)}"))
    return root[key].mapping if key in root else {}


def _check_defaults(defaults: Mapping[str, Located], place: Place, report: set[Problem]) -> None:
    """Report unknown keys, and values that no layer could have."""
    _check_keys(defaults, sorted(default_keys()), report)
    built(LayerKeys, {key: item for key, item in defaults.items() if key in LayerKeys.model_fields}, place, report)
    for key, item in defaults.items():
        owners = [name for name in OPERATORS if key in operator_keys(name)]
        problems = [explained_field(OPERATORS[name].fields(), key, item) for name in owners]
        if problems and all(problems):
            report.update(problems[0])


def _measure(
    values: dict[str, Located], overrides: Sequence[Override], usage: Usage, root: Located, report: set[Problem]
) -> tuple[Measure, dict[str, Located]]:
    """How to measure, and the contract that holds where neither defaults nor a cell say otherwise; with overrides."""
    names = {*Measure.model_fields, *CONTRACT_KEYS}
    _check_keys(values, sorted(names), report)
    known = {**_only(values, *names), **_set(MEASURE, names, overrides, usage, report)}
    contract = _only(known, *CONTRACT_KEYS)
    built(ContractKeys, contract, root.place, report)
    measure, _ = built(Measure, _only(known, *Measure.model_fields), root.place, report)
    return measure or Measure(), contract


def _gating(
    values: dict[str, Located], overrides: Sequence[Override], usage: Usage, root: Located, report: set[Problem]
) -> Gating:
    """What a gate allows and how it measures, the spec's `gate:` with overrides."""
    _check_keys(values, GATE_KEYS, report)
    set_ = _set(GATE, GATE_KEYS, overrides, usage, report)
    known = {**_only(values, *GATE_KEYS), **set_}
    built(Thresholds, _only(known, *Thresholds.model_fields), root.place, report)
    run, _ = built(GateRun, _only(known, *GateRun.model_fields), root.place, report)
    if run is not None and run.most_processes < run.processes:
        at = known.get("most_processes", known.get("processes", root)).place
        report.add(at.problem(f"most_processes ({run.most_processes}) must be at least processes ({run.processes})"))
    thresholds = _only(known, *Thresholds.model_fields)
    return Gating(run or GateRun(), thresholds, _only(set_, *Thresholds.model_fields))


def _set(
    prefix: str, names: Collection[str], overrides: Sequence[Override], usage: Usage, report: set[Problem]
) -> dict[str, Located]:
    """The values that `--set` gives to the section under `prefix`, whose keys are `names`."""
    usage.known |= {f"{prefix}{key}" for key in names}
    found: dict[str, Located] = {}
    for override in overrides:
        key = override.key.removeprefix(prefix)
        if override.key.startswith(prefix) and key in names:
            usage.used.add(override.key)
            found[key] = override.values[0]
            if len(override.values) > 1:
                report.add(override.place.problem(_one_value(key)))
    return found


def _one_value(key: str) -> str:
    """The message for several values of `measure.key`."""
    sweep = f"; --set {key}=... sweeps it" if key in CONTRACT_KEYS else ""
    return f"must be one value: it holds for the whole spec{sweep}"


def _entries(kind: Kind, root: Mapping[str, Located], names: Names, report: set[Problem]) -> Iterator[Entry]:
    """The entries of one section."""
    section = root.get(kind.SECTION)
    if section is None:
        return
    if not isinstance(section.value, list):
        report.add(section.place.problem(f"must be a list, each item with a name, not {shown(section.value)}"))
        return
    for item in section.value:
        if isinstance(item.value, dict):
            yield Entry(kind, _name(item, names, report), item)
        else:
            report.add(item.place.problem(f"must be a mapping with a name, not {shown(item.value)}"))


def _name(item: Located, names: Names, report: set[Problem]) -> str:
    """The entry's name, which no other of the spec has."""
    named, _ = built(Named, _only(item.mapping, "name"), item.place, report)
    if named is None:
        return ""
    here = item.mapping["name"]
    first = names.setdefault(named.name, here)
    if first is not here:
        at = f"{first.place.line}:{first.place.column}"
        report.add(here.place.problem(f"'{named.name}' is also a name at {at}: names must differ"))
    return named.name
