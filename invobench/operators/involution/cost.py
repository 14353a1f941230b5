"""Cost of involution: `HW(C²+K²GC)/r + HWK²C`, HW being the output's (paper, section 3; slides, Ablation Analysis)."""

from __future__ import annotations

import math

from invobench.conventions import Kind
from invobench.cost import Cost, CostTerm, Window, conv_terms, elementwise, pooling
from invobench.formula import Formula
from invobench.operators.base import LayerShape
from invobench.operators.involution.spec import Fields

_SOURCE = "involution, CVPR 2021, section 3"
_AGGREGATE = "HW*K2*C"
#: form -> multiply-adds of one image, as the paper and its ablation write them
_IN_ALL = {"bottleneck": f"HW*(C**2 + K2*G*C)/r + {_AGGREGATE}", "linear": f"HW*K2*G*C + {_AGGREGATE}"}


def cost(fields: Fields, shape: LayerShape, scope: str = "module") -> Cost:
    """Terms of involution on an input of `shape`; scope `aggregation` has the aggregation alone."""
    out = fields.output_shape(shape)
    sizes = {
        "HW": out.height * out.width,
        "C": shape.in_channels,
        "K2": fields.kernel_size**2,
        "G": fields.group_count(shape.in_channels),
        "r": fields.reduction_ratio,
    }
    x_elements, y_elements = math.prod(shape.dims), math.prod(out.dims)
    kernel_elements = shape.batch * sizes["G"] * sizes["K2"] * sizes["HW"]
    window = Window(fields.kernel_size, fields.stride, fields.dilation * (fields.kernel_size // 2), fields.dilation)
    formula = Formula.of(_AGGREGATE, **sizes)
    aggregate = CostTerm(
        "aggregate",
        Kind.AGGREGATION,
        shape.batch * formula.value,
        read_elements=x_elements + kernel_elements,
        written_elements=y_elements,
        source=_SOURCE,
        formula=formula,
        padding_operations=shape.in_channels * window.padding_taps(shape.dims, out.dims),
    )
    if scope == "aggregation":
        return Cost((aggregate,), x_elements + kernel_elements, y_elements, formula)
    in_all = Formula.of(_IN_ALL[fields.form], **sizes)
    return Cost((*_generator(fields, shape, out, sizes), aggregate), x_elements, y_elements, in_all)


def _generator(fields: Fields, shape: LayerShape, out: LayerShape, sizes: dict[str, int]) -> tuple[CostTerm, ...]:
    """Terms that make the kernel from one pixel: pool, reduce, norm, ReLU, span (or the one matrix W)."""
    channels = shape.in_channels
    pooled = (shape.batch, channels, out.height, out.width)
    terms: list[CostTerm] = []
    if fields.stride > 1:
        terms.append(pooling("pool", shape.dims, pooled))
    span_in, span = pooled, "HW*K2*G*C"
    if fields.form == "bottleneck":
        span_in, span = (shape.batch, channels // fields.reduction_ratio, out.height, out.width), "HW*K2*G*C/r"
        reduce = Formula.of("HW*C**2/r", **sizes)
        terms += conv_terms("reduce", pooled, span_in, source=_SOURCE, formula=reduce, place="reduce.0")
        terms.append(elementwise("norm", Kind.NORMALISATION, span_in, params=2 * span_in[1], place="reduce.1"))
        terms.append(elementwise("relu", Kind.ACTIVATION, span_in, place="reduce.2"))
    kernel = (shape.batch, sizes["K2"] * sizes["G"], out.height, out.width)
    terms += conv_terms("span", span_in, kernel, bias=True, source=_SOURCE, formula=Formula.of(span, **sizes))
    return tuple(terms)
