"""What every network declares about itself without torch.

A network is a folder of `invobench/networks/`: `spec.py` (`Fields`, a subclass of `NetworkFields`), `cost.py`
(`cost(fields, shape) -> Cost | None`) and `module.py` (`build(fields, shape, make_layer) -> nn.Module`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from invobench.operators.base import LayerShape, LayerSpec

#: builds the layer that stands at a place of a network, for the input shape there
MakeLayer = Callable[[LayerSpec, LayerShape], Any]


@dataclass(frozen=True)
class Placement:
    """An injected operator at its place: `key` is the field that it came from, `place` where it stands."""

    key: str
    place: str
    layer: LayerSpec
    shape: LayerShape


class NetworkFields(BaseModel):
    """The fields of a network in a spec. Subclasses add theirs."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)

    #: fields that hold a layer (a name or a mapping) -> the field whose mapping they extend, if any
    layer_keys: ClassVar[Mapping[str, str | None]] = {}

    def placements(self, shape: LayerShape) -> Iterator[Placement]:
        """Every injected operator of the network for an image of `shape`, in the order that data flows."""
        yield from ()

    def problems(self, shape: LayerShape) -> Iterator[tuple[str, str]]:
        """(field, message) for each thing that cannot be, at its first place; dotted for a field of an operator."""
        seen: set[tuple[str, str]] = set()
        for item in self.placements(shape):
            for key, message in item.layer.fields.problems(item.shape.in_channels):
                if (item.key, key) not in seen:
                    seen.add((item.key, key))
                    yield f"{item.key}.{key}", f"{message} (in {item.place})"
