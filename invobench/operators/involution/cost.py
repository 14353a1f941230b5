"""Cost of involution: `HW(C²+K²GC)/r + HWK²C`, HW being the output's (paper, section 3; slides, Ablation Analysis)."""

from __future__ import annotations

import math

from invobench.cost import Cost, CostTerm, Kind, conv_terms, elementwise
from invobench.operators.base import LayerShape
from invobench.operators.involution.spec import Fields

_SOURCE = "involution, CVPR 2021, section 3"


def cost(fields: Fields, shape: LayerShape, scope: str = "module") -> Cost:
    """Terms of involution on an input of `shape`; scope `aggregation` has the aggregation alone."""
    out = fields.output_shape(shape)
    channels, groups, taps = shape.in_channels, fields.group_count(shape.in_channels), fields.kernel_size**2
    x_elements = shape.batch * channels * shape.height * shape.width
    y_elements = shape.batch * channels * out.height * out.width
    kernel_elements = shape.batch * groups * taps * out.height * out.width
    aggregate = CostTerm(
        "aggregate", Kind.AGGREGATION, y_elements * taps, 0, x_elements + kernel_elements, y_elements, _SOURCE
    )
    if scope == "aggregation":
        return Cost((aggregate,), x_elements + kernel_elements, y_elements)
    return Cost((*_generator(fields, shape, out), aggregate), x_elements, y_elements)


def _generator(fields: Fields, shape: LayerShape, out: LayerShape) -> tuple[CostTerm, ...]:
    """Terms that make the kernel from one pixel: pool, reduce, norm, ReLU, span (or the one matrix W)."""
    channels = shape.in_channels
    pooled = (shape.batch, channels, out.height, out.width)
    terms: list[CostTerm] = []
    if fields.stride > 1:
        terms.append(CostTerm("pool", Kind.POOLING, math.prod(pooled), 0, math.prod(shape.dims), math.prod(pooled)))
    span_in = pooled
    if fields.form == "bottleneck":
        span_in = (shape.batch, channels // fields.reduction_ratio, out.height, out.width)
        terms += conv_terms("reduce", pooled, span_in, source=_SOURCE)
        terms.append(elementwise("norm", Kind.NORMALISATION, math.prod(span_in), params=2 * span_in[1]))
        terms.append(elementwise("relu", Kind.ACTIVATION, math.prod(span_in)))
    kernel = (shape.batch, fields.kernel_size**2 * fields.group_count(channels), out.height, out.width)
    terms += conv_terms("span", span_in, kernel, bias=True, source=_SOURCE)
    return tuple(terms)
