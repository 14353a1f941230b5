"""The OPERATORS and BACKENDS tables. Adding an operator or a backend is one line here.

Installed packages add theirs (`invobench.plugins`), which come after ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from invobench.plugins import OPERATOR_GROUP, added, added_by_operator, folder_problem
from invobench.table import Added, Entry, Table, suggestion, unknown

if TYPE_CHECKING:
    from invobench.cost import Cost
    from invobench.operators.base import LayerShape, LayerSpec, OperatorFields


@dataclass(frozen=True)
class OperatorEntry(Entry):
    """An operator's folder (`path` is its package) and what its parts are called."""

    def fields(self) -> type[OperatorFields]:
        """The pydantic model of the operator's fields (no torch)."""
        return import_module(f"{self.path}.spec").Fields  # type: ignore[no-any-return]

    def cost(self, fields: OperatorFields, shape: LayerShape, scope: str = "module") -> Cost | None:
        """The operator's cost terms for an input of `shape`, None where it has no formula (no torch)."""
        return import_module(f"{self.path}.cost").cost(fields, shape, scope)  # type: ignore[no-any-return]

    def build(self, fields: OperatorFields, in_channels: int, implementation: Any, scope: str = "module") -> Any:
        """The operator as an `nn.Module` that computes with `implementation` (imports torch)."""
        return import_module(f"{self.path}.module").build(fields, in_channels, implementation, scope)

    def problem(self) -> str:
        """What is wrong with it, empty where it can be used (imports `spec` and `cost`). Raises what they raise."""
        from invobench.operators.base import RESERVED, OperatorFields

        found = folder_problem(self.path, self.fields(), OperatorFields, RESERVED)
        if not found and self.fields().output_shape is OperatorFields.output_shape:
            found = f"{self.path}.spec:Fields has no output_shape"
        return found


@dataclass(frozen=True)
class BackendEntry(Entry):
    """The code of one operator under one name.

    `requires`: modules that must be importable. `devices`: device types that it runs on. `dtypes`: those that it
    computes in, all where it is empty. `missing`: the import path of a function that says what else this machine lacks
    for it, None where nothing. `setup`: that of one that makes it ready and returns the seconds that this took.
    `opaque`: whether its work is in operators of its own, whose multiply-adds are declared and not seen.
    """

    devices: tuple[str, ...] = ("cpu", "cuda")
    requires: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    missing: str = ""
    setup: str = ""
    opaque: bool = False

    def problem(self) -> str:
        """What is wrong with what it says, empty where it can be used (imports nothing)."""
        module, _, attribute = self.path.partition(":")
        if not (module and attribute):
            return f"path must be package.module:function, not '{self.path}'"
        for what, names in (("devices", self.devices), ("requires", self.requires), ("dtypes", self.dtypes)):
            if not (isinstance(names, tuple) and all(isinstance(name, str) for name in names)):
                return f"{what} must be a tuple of names, not {names!r}"
        return "" if self.devices else "devices is empty"


_HERE = "invobench.operators"

#: what `backend: auto` means in a spec, and so no backend's name
AUTO = "auto"
#: the backend that every other of its operator is compared with
ORACLE = "reference"

_OPERATORS = {
    "involution": OperatorEntry(f"{_HERE}.involution", "a kernel for each position, generated from its pixel"),
    "conv": OperatorEntry(f"{_HERE}.conv", "convolution: standard, grouped, depthwise, dilated"),
    "stand_alone_attention": OperatorEntry(
        f"{_HERE}.stand_alone_attention", "local multi-head self-attention with relative positions (SASA)"
    ),
    "module": OperatorEntry(f"{_HERE}.user_module", "your own layer: `module: package.module:Class`"),
}

#: backends whose C++ kernels are built on the machine that runs them
_NATIVE: Any = {
    "devices": ("cpu",),
    "dtypes": ("float32", "bfloat16", "float16"),
    "missing": "invobench.native:missing",
    "setup": f"{_HERE}.involution.kernels.ops:ready",
    "opaque": True,
}

#: operator -> backend -> code; `auto` prefers the later of two that nobody has measured
_BACKENDS: Mapping[str, Mapping[str, BackendEntry]] = {
    "involution": {
        "reference": BackendEntry(f"{_HERE}.involution.module:reference", "shifted slices and sums: the oracle"),
        "unfold": BackendEntry(f"{_HERE}.involution.backends.unfold:aggregate", "nn.Unfold: the published code"),
        "shift": BackendEntry(f"{_HERE}.involution.backends.shift:aggregate", "K² multiply-adds in place"),
        "cpp": BackendEntry(
            f"{_HERE}.involution.backends.cpp:aggregate", "C++ for this processor, built on first use", **_NATIVE
        ),
        "fused": BackendEntry(
            f"{_HERE}.involution.backends.fused:aggregate", "C++ that makes the kernels where it uses them", **_NATIVE
        ),
    },
    "conv": {
        "reference": BackendEntry(f"{_HERE}.conv.module:reference", "a product a tap, summed: the oracle"),
        "aten": BackendEntry(f"{_HERE}.conv.backends.aten:convolve", "torch's own convolution"),
    },
    "stand_alone_attention": {
        "reference": BackendEntry(
            f"{_HERE}.stand_alone_attention.module:reference", "tap by tap, explicit softmax: the oracle"
        ),
        "unfold": BackendEntry(
            f"{_HERE}.stand_alone_attention.backends.unfold:attend", "keys and values gathered by nn.Unfold"
        ),
    },
    "module": {"own": BackendEntry(f"{_HERE}.user_module.module:own", "the module's own forward")},
}


@cache
def _installed() -> tuple[Added[OperatorEntry], Mapping[str, Added[BackendEntry]], tuple[str, ...]]:
    """Operators and, by operator, backends of installed packages; and why some backends cannot be named."""
    operators = added(OPERATOR_GROUP, OperatorEntry, "an OperatorEntry", OperatorEntry.problem, _OPERATORS)
    own = {name: (AUTO, *_BACKENDS.get(name, ())) for name in (*_BACKENDS, *operators.entries)}
    backends, lost = added_by_operator(BackendEntry, "a BackendEntry", BackendEntry.problem, own, operators.refused)
    return _with_oracle(operators, backends), backends, lost


def _with_oracle(operators: Added[OperatorEntry], backends: Mapping[str, Added[BackendEntry]]) -> Added[OperatorEntry]:
    """Those of the operators whose own package brings the backend that all others are compared with."""
    refused = dict(operators.refused)
    for name, owner in operators.owners.items():
        given = backends.get(name, Added())
        if ORACLE in given.refused:
            refused[name] = f"its backend '{ORACLE}' is unavailable: {given.refused[ORACLE]}"
        elif given.owners.get(ORACLE) != owner:
            refused[name] = f"{owner}: it brings no backend '{ORACLE}', which every other is compared with"
    entries = {name: entry for name, entry in operators.entries.items() if name not in refused}
    owners = {name: operators.owners[name] for name in entries}
    return Added(entries, owners, refused, operators.lost)


def _backends_of(operator: str) -> Added[BackendEntry]:
    """The backends of installed packages for one operator."""
    return _installed()[1].get(operator, Added())


def _table(operator: str) -> Table[BackendEntry]:
    """Every backend of one operator."""
    return Table(f"backend of {operator}", _BACKENDS.get(operator, {}), partial(_backends_of, operator))


def _tables() -> Added[Table[BackendEntry]]:
    """The backends of installed packages' own operators, and why those of others cannot be used."""
    operators, backends, lost = _installed()
    known = {**_BACKENDS, **operators.entries}
    refused = {
        name: operators.refused.get(name) or f"{_givers(given)}: there is no such operator{suggestion(name, known)}"
        for name, given in backends.items()
        if name not in known
    }
    return Added({name: _table(name) for name in operators.entries}, operators.owners, refused, lost)


def _givers(given: Added[BackendEntry]) -> str:
    """Who gives backends, or why none is usable, which says it too."""
    return " and ".join(dict.fromkeys(given.owners.values())) or "; ".join(given.refused.values())


OPERATORS: Table[OperatorEntry] = Table("operator", _OPERATORS, lambda: _installed()[0])
BACKENDS: Table[Table[BackendEntry]] = Table("operator", {name: _table(name) for name in _BACKENDS}, _tables)


def backend_names() -> list[str]:
    """Every backend that some operator has, in the tables' order."""
    return list(dict.fromkeys(name for table in BACKENDS.values() for name in table))


def missing_backend(name: str) -> str:
    """The message for a backend that no operator has: who offers it and why it is refused, or what there is."""
    reasons = dict.fromkeys(table.refused[name] for table in BACKENDS.values() if name in table.refused)
    if reasons:
        return f"backend '{name}' is unavailable: {'; '.join(reasons)}"
    known = unknown("backend", name, [AUTO, *backend_names()])
    return "; ".join([known, *(f"unavailable: {reason}" for reason in BACKENDS.lost)])


def layer_cost(layer: LayerSpec, shape: LayerShape, scope: str = "module") -> Cost | None:
    """The cost terms of `layer` on an input of `shape`, None where it has no formula."""
    return OPERATORS[layer.operator].cost(layer.fields, shape, scope)
