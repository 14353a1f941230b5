"""Fields of convolution and what is valid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field

from invobench.operators.base import LayerShape, OperatorFields, conv_output_size


class Fields(OperatorFields):
    """Convolution's fields. `out_channels` is in_channels and `padding` dilation·(K-1)/2 where not given."""

    out_channels: int | None = Field(default=None, ge=1)
    kernel_size: int = Field(default=3, ge=1, le=63)
    stride: int = Field(default=1, ge=1, le=16)
    dilation: int = Field(default=1, ge=1, le=64)
    groups: int | Literal["C"] = Field(default=1, description="a number, or C for depthwise")
    padding: int | None = Field(default=None, ge=0, le=4096)
    bias: bool = False

    def group_count(self, in_channels: int) -> int:
        """`groups`, or as many as there are input channels."""
        return in_channels if self.groups == "C" else self.groups

    def filters(self, in_channels: int) -> int:
        """C_out: `out_channels`, or as many as there are input channels."""
        return in_channels if self.out_channels is None else self.out_channels

    @property
    def border(self) -> int:
        """Zeros on each side: `padding`, or the half window that keeps the size of an odd kernel."""
        return self.dilation * (self.kernel_size - 1) // 2 if self.padding is None else self.padding

    def problems(self, in_channels: int) -> Iterator[tuple[str, str]]:
        """What cannot be: input or output channels that do not divide into the groups."""
        groups, filters = self.group_count(in_channels), self.filters(in_channels)
        if groups < 1:
            yield "groups", f"must be at least 1, or C, not {groups}"
            return
        if in_channels % groups:
            yield "groups", f"{in_channels} channels do not divide into {groups} groups"
        if filters % groups and filters != in_channels:
            yield "out_channels", f"{filters} output channels do not divide into {groups} groups"

    def output_shape(self, shape: LayerShape) -> LayerShape:
        """`[N, C_out, H_out, W_out]` by the floor rule. Raises ValueError where the padded image is too small."""
        height, width = (
            conv_output_size(size, self.kernel_size, self.stride, self.border, self.dilation)
            for size in (shape.height, shape.width)
        )
        if height < 1 or width < 1:
            window = self.dilation * (self.kernel_size - 1) + 1
            size = f"{shape.height}×{shape.width} with padding {self.border}"
            raise ValueError(f"a window of {window}×{window} does not fit into {size}")
        return LayerShape(shape.batch, self.filters(shape.in_channels), height, width)

    def placed(self, channels: int, stride: int) -> Self:
        """These fields with `channels` in and out and `stride`."""
        return self.model_copy(update={"out_channels": channels, "stride": stride})
