"""Fields of involution and what is valid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from invobench.operators.base import LayerShape, OperatorFields


class Fields(OperatorFields):
    """Involution's fields. `group_channels` (a number, or `C` for one group) or `groups`, not both."""

    scopes: ClassVar[tuple[str, ...]] = ("module", "aggregation")
    alternatives: ClassVar[tuple[str, ...]] = ("group_channels", "groups")

    kernel_size: int = Field(default=7, ge=1, le=63)
    stride: int = Field(default=1, ge=1, le=16)
    dilation: int = Field(default=1, ge=1, le=64)
    group_channels: int | Literal["C"] | None = Field(default=None, description="channels a group, or C for one group")
    groups: int | None = Field(default=None, ge=1)
    reduction_ratio: int = Field(default=4, ge=1)
    form: Literal["bottleneck", "linear"] = "bottleneck"

    def group_count(self, in_channels: int) -> int:
        """G: `groups`, or C / group_channels (16 where neither is given, as in the paper)."""
        if self.groups is not None:
            return self.groups
        if self.group_channels == "C":
            return 1
        return in_channels // (self.group_channels or min(16, in_channels))

    def problems(self, in_channels: int) -> Iterator[tuple[str, str]]:
        """What cannot be: even kernels, both groupings, channels that do not divide."""
        if self.kernel_size % 2 == 0:
            yield "kernel_size", f"must be odd for involution, not {self.kernel_size}"
        yield from self._grouping(in_channels)
        if self.form == "bottleneck" and in_channels % self.reduction_ratio:
            yield "reduction_ratio", f"{in_channels} channels do not divide by reduction_ratio {self.reduction_ratio}"

    def _grouping(self, in_channels: int) -> Iterator[tuple[str, str]]:
        """What is wrong with `groups` and `group_channels`."""
        if self.groups is not None and self.group_channels is not None:
            yield "groups", "give groups or group_channels, not both"
        elif self.groups is not None:
            if in_channels % self.groups:
                yield "groups", f"{in_channels} channels do not divide into {self.groups} groups"
        elif isinstance(self.group_channels, int) and self.group_channels < 1:
            yield "group_channels", f"must be at least 1, or C, not {self.group_channels}"
        else:
            size = in_channels if self.group_channels == "C" else self.group_channels or min(16, in_channels)
            if in_channels % size:
                yield "group_channels", f"{in_channels} channels do not divide by group_channels {size}"

    def output_shape(self, shape: LayerShape) -> LayerShape:
        """`[N, C, ceil(H/stride), ceil(W/stride)]`: zero padding of dilation·(K-1)/2 keeps the size."""
        return LayerShape(
            shape.batch, shape.in_channels, -(-shape.height // self.stride), -(-shape.width // self.stride)
        )

    def input_shapes(self, shape: LayerShape, scope: str) -> tuple[tuple[int, ...], ...]:
        """The feature map, and in scope `aggregation` the kernel `[N, G, K*K, H_out, W_out]`."""
        if scope == "module":
            return (shape.dims,)
        out = self.output_shape(shape)
        kernel = (shape.batch, self.group_count(shape.in_channels), self.kernel_size**2, out.height, out.width)
        return (shape.dims, kernel)
