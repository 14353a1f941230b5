"""`cpp`: C++ kernels for this processor, built once; contiguous and channels-last, float32 and bfloat16."""

from __future__ import annotations

from torch import Tensor

from invobench.operators.involution.kernels.ops import OPS, call


def aggregate(x: Tensor, weight: Tensor, kernel_size: int, stride: int, dilation: int) -> Tensor:
    """Aggregation by `invobench::involution`; shapes as `Aggregate`. Needs nothing beyond its output in float32."""
    return call(OPS.involution, (x, weight), kernel_size, stride, dilation)
