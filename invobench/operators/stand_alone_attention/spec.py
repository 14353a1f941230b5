"""Fields of stand-alone attention and what is valid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from pydantic import Field

from invobench.operators.base import LayerShape, OperatorFields


class Fields(OperatorFields):
    """Attention's fields. `out_channels` is in_channels where not given; stride 2 is an average pool of the output."""

    kernel_size: int = Field(default=7, ge=1, le=63)
    stride: int = Field(default=1, ge=1, le=2)
    num_heads: int = Field(default=8, ge=1)
    out_channels: int | None = Field(default=None, ge=1)

    def filters(self, in_channels: int) -> int:
        """C_out: `out_channels`, or as many as there are input channels."""
        return in_channels if self.out_channels is None else self.out_channels

    def head_dim(self, in_channels: int) -> int:
        """Channels a head, half of them with row embeddings and half with column embeddings."""
        return self.filters(in_channels) // self.num_heads

    def problems(self, in_channels: int) -> Iterator[tuple[str, str]]:
        """What cannot be: even kernels, heads that do not divide, heads of odd size."""
        if self.kernel_size % 2 == 0:
            yield "kernel_size", f"must be odd for stand_alone_attention, not {self.kernel_size}"
        filters = self.filters(in_channels)
        if filters % self.num_heads:
            yield "num_heads", f"{filters} channels do not divide into {self.num_heads} heads"
        elif self.head_dim(in_channels) % 2:
            size = self.head_dim(in_channels)
            yield "num_heads", f"{filters} channels in {self.num_heads} heads are {size} a head, which must be even"

    def output_shape(self, shape: LayerShape) -> LayerShape:
        """`[N, C_out, ceil(H/stride), ceil(W/stride)]`."""
        height, width = -(-shape.height // self.stride), -(-shape.width // self.stride)
        return LayerShape(shape.batch, self.filters(shape.in_channels), height, width)

    def placed(self, channels: int, stride: int) -> Self:
        """These fields with `channels` in and out and `stride`."""
        return self.model_copy(update={"out_channels": channels, "stride": stride})
