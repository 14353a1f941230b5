"""What every operator declares about itself without torch: fields, shapes, validity.

An operator is a folder of `invobench/operators/`:

* `spec.py`: `Fields`, a subclass of `OperatorFields`;
* `cost.py`: `cost(fields, shape, scope) -> Cost | None`;
* `module.py`: `build(fields, in_channels, implementation, scope) -> nn.Module`, and the eager reference;
* `backends/`: one file a backend, each with the function that the operator's `module.py` asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

SCOPES = ("module", "aggregation")


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


@dataclass(frozen=True)
class LayerSpec:
    """An operator and its fields: what a layer is, apart from its shape and backend."""

    operator: str
    fields: OperatorFields


def conv_output_size(size: int, kernel_size: int, stride: int, padding: int, dilation: int) -> int:
    """Output length of a sliding window along one axis (floor rule)."""
    return (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1
