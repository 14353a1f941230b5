"""What every operator declares about itself without torch: fields, shapes, validity.

An operator is a folder of `invobench/operators/`:

* `spec.py`: `Fields`, a subclass of `OperatorFields`;
* `cost.py`: `cost(fields, shape, scope) -> Cost | None`;
* `module.py`: `build(fields, in_channels, implementation, scope) -> nn.Module`, and the eager reference;
* `backends/`: one file a backend, each with the function that the operator's `module.py` asks for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

SCOPES = ("module", "aggregation")
#: keys of a spec that mean something else than a field of an operator or network
RESERVED = frozenset(
    "name gate matrix include exclude operator network module kwargs backend device scope mode dtype".split()
    + "batch in_channels height width".split()
    + "cache execution memory_format tf32 autograd threads affinity".split()
)


@dataclass(frozen=True)
class LayerShape:
    """A layer's input, `[batch, in_channels, height, width]`."""

    batch: int
    in_channels: int
    height: int
    width: int

    @property
    def dims(self) -> tuple[int, int, int, int]:
        """The shape as a tuple, `[N, C, H, W]`."""
        return (self.batch, self.in_channels, self.height, self.width)


class OperatorFields(BaseModel):
    """The fields of an operator in a spec. Subclasses add theirs; every operator has these methods."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    #: scopes that a cell of this operator may ask for
    scopes: ClassVar[tuple[str, ...]] = ("module",)
    #: fields of which a spec gives at most one: where one is given, the others' defaults and presets do not hold
    alternatives: ClassVar[tuple[str, ...]] = ()

    def problems(self, in_channels: int) -> Iterator[tuple[str, str]]:
        """(field, message) for each thing that cannot be with `in_channels` input channels."""
        yield from ()

    def output_shape(self, shape: LayerShape) -> LayerShape:
        """Shape of the output for an input of `shape`. Raises ValueError where there is none."""
        raise NotImplementedError

    def input_shapes(self, shape: LayerShape, scope: str) -> tuple[tuple[int, ...], ...]:
        """Shapes of the tensors that the module takes, the feature map first."""
        return (shape.dims,)

    def placed(self, channels: int, stride: int) -> Self:
        """These fields as the spatial operator of a network block: `channels` in and out, `stride`."""
        return self.model_copy(update={"stride": stride})

    def columns(self) -> dict[str, Any]:
        """The fields for a result row's columns, `kernel_size` and `stride` among them where there are any."""
        return self.model_dump()

    def whole(self, column: str) -> int | None:
        """A column where it is a whole number, None where it is something else or there is none."""
        value = self.columns().get(column)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def small_shape(self, shape: LayerShape) -> LayerShape:
        """The shape on which backends are compared with the reference instead of `shape`.

        It is quick and still has an inside, borders and odd sizes. An operator that needs others overrides this.
        """
        reach = (self.whole("dilation") or 1) * ((self.whole("kernel_size") or 1) - 1)
        return replace(shape, batch=2, height=min(shape.height, reach + 5), width=min(shape.width, reach + 7))

    def __hash__(self) -> int:
        """By the values' text: a field may hold a list or a mapping."""
        return hash((type(self), json.dumps(self.model_dump(), sort_keys=True, default=repr)))


@dataclass(frozen=True)
class LayerSpec:
    """An operator and its fields: what a layer is, apart from its shape and backend."""

    operator: str
    fields: OperatorFields


def conv_output_size(size: int, kernel_size: int, stride: int, padding: int, dilation: int) -> int:
    """Output length of a sliding window along one axis (floor rule)."""
    return (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1
