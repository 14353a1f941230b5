"""Fields of a layer of the user's own."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, PrivateAttr

from invobench.operators.base import LayerShape, OperatorFields


class Fields(OperatorFields):
    """Where the layer's class is, and its keyword arguments. Building it runs its code: trust the spec."""

    module: str = Field(
        pattern=r"^[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*$", description="package.module:Attribute"
    )
    kwargs: dict[str, Any] = Field(default_factory=dict)

    #: (channels, stride) where the layer stands in a network; a spec cannot set it
    _place: tuple[int, int] | None = PrivateAttr(default=None)

    @property
    def place(self) -> tuple[int, int] | None:
        """(channels, stride) in a network, None for a layer alone."""
        return self._place

    def output_shape(self, shape: LayerShape) -> LayerShape:
        """The input's shape divided by the stride of the layer's place: all that a network may rely on."""
        stride = 1 if self._place is None else self._place[1]
        return LayerShape(shape.batch, shape.in_channels, -(-shape.height // stride), -(-shape.width // stride))

    def placed(self, channels: int, stride: int) -> Self:
        """These fields at a place in a network."""
        placed = self.model_copy()
        placed._place = (channels, stride)
        return placed

    def __hash__(self) -> int:
        return hash((super().__hash__(), self._place))
