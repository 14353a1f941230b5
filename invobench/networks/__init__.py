"""The NETWORKS table. Adding a network is one line here: a macro-architecture's package, or a preset of one.

Installed packages add theirs (`invobench.plugins`), which come after ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from invobench.plugins import NETWORK_GROUP, added, folder_problem
from invobench.table import Added, Entry, Table

if TYPE_CHECKING:
    from invobench.cost import Cost
    from invobench.networks.base import MakeLayer, NetworkFields
    from invobench.operators.base import LayerShape


@dataclass(frozen=True)
class NetworkEntry(Entry):
    """A macro-architecture's folder (`path` is its package) and the fields that this name presets.

    `preset` holds plain values as a spec would; keys in a spec extend or replace them.
    """

    preset: Mapping[str, Any] = field(default_factory=dict)

    def fields(self) -> type[NetworkFields]:
        """The pydantic model of the network's fields (no torch)."""
        return import_module(f"{self.path}.spec").Fields  # type: ignore[no-any-return]

    def cost(self, fields: NetworkFields, shape: LayerShape) -> Cost | None:
        """The network's cost terms for images of `shape`, None where an injected operator has no formula."""
        return import_module(f"{self.path}.cost").cost(fields, shape)  # type: ignore[no-any-return]

    def build(self, fields: NetworkFields, shape: LayerShape, make_layer: MakeLayer) -> Any:
        """The network as an `nn.Module` for images of `shape` (imports torch)."""
        return import_module(f"{self.path}.module").build(fields, shape, make_layer)

    def problem(self) -> str:
        """What is wrong with it, empty where it can be used (imports `spec` and `cost`). Raises what they raise."""
        from invobench.networks.base import NetworkFields
        from invobench.operators.base import RESERVED

        reserved = RESERVED - {"operator"}  # a field of that name is the injected operator
        return folder_problem(self.path, self.fields(), NetworkFields, reserved) or self._preset_problem()

    def _preset_problem(self) -> str:
        """What is wrong with the preset, empty where nothing is."""
        known = self.fields().model_fields
        if not isinstance(self.preset, Mapping):
            return f"preset must be a mapping, not a {type(self.preset).__name__}"
        foreign = [key for key in self.preset if key not in known]
        return f"preset has '{foreign[0]}', which is no field of the network" if foreign else ""


_RESNET = "invobench.networks.resnet"
_INVOLUTION = {"operator": "involution", "kernel_size": 7, "group_channels": 16, "reduction_ratio": 4}
_ATTENTION = {"operator": "stand_alone_attention", "kernel_size": 7, "num_heads": 8}
_CONV = {"operator": "conv", "kernel_size": 3}
_DEPTHS = (26, 38, 50, 101, 152)


def _presets() -> dict[str, NetworkEntry]:
    """The published networks: depths, operator and stem of each."""
    entries = {"resnet": NetworkEntry(_RESNET, "bottleneck macro-architecture; give depth, operator and stem")}
    for depth in _DEPTHS:
        entries[f"resnet{depth}"] = NetworkEntry(_RESNET, f"ResNet-{depth}", {"depth": depth, "operator": _CONV})
    for depth in _DEPTHS:
        preset = {"depth": depth, "operator": _INVOLUTION, "stem": {"kernel_size": 7}}
        entries[f"rednet{depth}"] = NetworkEntry(_RESNET, f"RedNet-{depth}, 7×7 involution stem", preset)
    for depth in (26, 38, 50):
        preset = {"depth": depth, "operator": _ATTENTION}
        entries[f"sasa_resnet{depth}"] = NetworkEntry(_RESNET, f"SASA-ResNet-{depth}, convolution stem", preset)
    return entries


def _installed() -> Added[NetworkEntry]:
    """Networks of installed packages."""
    return added(NETWORK_GROUP, NetworkEntry, "a NetworkEntry", NetworkEntry.problem, _presets())


NETWORKS: Table[NetworkEntry] = Table("network", _presets(), _installed)
