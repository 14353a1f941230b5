"""Fields and what is valid. No PyTorch."""

from collections.abc import Iterator

from pydantic import Field

from invobench.operators.base import LayerShape, OperatorFields


class Fields(OperatorFields):
    """Shift convolution's fields; it has as many channels out as in."""

    distance: int = Field(default=1, ge=1, le=4, description="pixels that the channels move")
    stride: int = Field(default=1, ge=1, le=16)

    def problems(self, in_channels: int) -> Iterator[tuple[str, str]]:
        """(field, message) for each thing that cannot be."""
        if in_channels % 4:
            yield "distance", f"{in_channels} channels do not divide into the 4 ways that they move"

    def output_shape(self, shape: LayerShape) -> LayerShape:
        """`[N, C, ceil(H/stride), ceil(W/stride)]`. Raises ValueError where all would leave the image."""
        if self.distance >= min(shape.height, shape.width):
            raise ValueError(f"moving by {self.distance} leaves nothing of {shape.height}×{shape.width}")
        return LayerShape(
            shape.batch, shape.in_channels, -(-shape.height // self.stride), -(-shape.width // self.stride)
        )
