"""Cost of convolution: `HW·K²·C_in·C_out/groups`, HW being the output's."""

from __future__ import annotations

import math

from invobench.cost import Cost, Window, conv_terms
from invobench.operators.base import LayerShape
from invobench.operators.conv.spec import Fields


def cost(fields: Fields, shape: LayerShape, scope: str = "module") -> Cost:
    """Terms of a convolution on an input of `shape`: `conv`, and `conv.bias` where it has one."""
    out = fields.output_shape(shape)
    terms = conv_terms(
        "conv",
        shape.dims,
        out.dims,
        window=Window(fields.kernel_size, fields.stride, fields.border, fields.dilation),
        groups=fields.group_count(shape.in_channels),
        bias=fields.bias,
        place="",
    )
    return Cost(terms, math.prod(shape.dims), math.prod(out.dims))
