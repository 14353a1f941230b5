"""The OPERATORS and BACKENDS tables. Adding an operator or a backend is one line here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from invobench.table import Entry, Table

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


@dataclass(frozen=True)
class BackendEntry(Entry):
    """The code of one operator under one name.

    `requires`: modules that must be importable. `devices`: device types that it runs on.
    """

    devices: tuple[str, ...] = ("cpu", "cuda")
    requires: tuple[str, ...] = ()


_HERE = "invobench.operators"

OPERATORS: Table[OperatorEntry] = Table(
    "operator",
    {
        "involution": OperatorEntry(f"{_HERE}.involution", "a kernel for each position, generated from its pixel"),
        "conv": OperatorEntry(f"{_HERE}.conv", "convolution: standard, grouped, depthwise, dilated"),
        "stand_alone_attention": OperatorEntry(
            f"{_HERE}.stand_alone_attention", "local multi-head self-attention with relative positions (SASA)"
        ),
        "module": OperatorEntry(f"{_HERE}.user_module", "your own layer: `module: package.module:Class`"),
    },
)

#: operator -> backend -> code; `auto` prefers the later of two that nobody has measured
BACKENDS: dict[str, Table[BackendEntry]] = {
    "involution": Table(
        "backend of involution",
        {
            "reference": BackendEntry(f"{_HERE}.involution.module:reference", "shifted slices and sums: the oracle"),
            "unfold": BackendEntry(f"{_HERE}.involution.backends.unfold:aggregate", "nn.Unfold: the published code"),
            "shift": BackendEntry(f"{_HERE}.involution.backends.shift:aggregate", "K² multiply-adds in place"),
        },
    ),
    "conv": Table(
        "backend of conv",
        {
            "reference": BackendEntry(f"{_HERE}.conv.module:reference", "a product a tap, summed: the oracle"),
            "aten": BackendEntry(f"{_HERE}.conv.backends.aten:convolve", "torch's own convolution"),
        },
    ),
    "stand_alone_attention": Table(
        "backend of stand_alone_attention",
        {
            "reference": BackendEntry(
                f"{_HERE}.stand_alone_attention.module:reference", "tap by tap, explicit softmax: the oracle"
            ),
            "unfold": BackendEntry(
                f"{_HERE}.stand_alone_attention.backends.unfold:attend", "keys and values gathered by nn.Unfold"
            ),
        },
    ),
    "module": Table(
        "backend of a module of yours",
        {"own": BackendEntry(f"{_HERE}.user_module.module:own", "the module's own forward")},
    ),
}


def backend_names() -> list[str]:
    """Every backend that some operator has, in the tables' order."""
    return list(dict.fromkeys(name for table in BACKENDS.values() for name in table))


def layer_cost(layer: LayerSpec, shape: LayerShape, scope: str = "module") -> Cost | None:
    """The cost terms of `layer` on an input of `shape`, None where it has no formula."""
    return OPERATORS[layer.operator].cost(layer.fields, shape, scope)
