"""Cost of stand-alone attention: `3HW·C_in·C + 2HW·K²·C + HW·K·C`, HW being the input's, C the output's channels."""

from __future__ import annotations

import math

from invobench.cost import Cost, CostTerm, Kind, conv_terms, elementwise
from invobench.operators.base import LayerShape
from invobench.operators.stand_alone_attention.spec import Fields

_SOURCE = "Stand-Alone Self-Attention in Vision Models, NeurIPS 2019, section 3"


def cost(fields: Fields, shape: LayerShape, scope: str = "module") -> Cost:
    """Terms of attention on an input of `shape`. It runs at the input's size; stride 2 pools its output.

    The relative logits are counted factorised: q with K row and K column embeddings, not with K² pairs.
    """
    filters, taps = fields.filters(shape.in_channels), fields.kernel_size**2
    inner = (shape.batch, filters, shape.height, shape.width)
    projections = [
        term for name in ("query", "key", "value") for term in conv_terms(name, shape.dims, inner, source=_SOURCE)
    ]
    elements = math.prod(inner)
    positions = elements // filters * fields.num_heads
    logits, relative = positions * taps, positions * 2 * fields.kernel_size
    embeddings = fields.kernel_size * filters
    terms = [
        *projections,
        CostTerm("scores", Kind.ATTENTION, elements * taps, 0, 2 * elements, logits, _SOURCE),
        CostTerm("relative", Kind.ATTENTION, elements * fields.kernel_size, embeddings, elements, relative, _SOURCE),
        elementwise("softmax", Kind.SOFTMAX, logits),
        CostTerm("weighted_sum", Kind.ATTENTION, elements * taps, 0, logits + elements, elements, _SOURCE),
    ]
    out = math.prod(fields.output_shape(shape).dims)
    if fields.stride > 1:
        terms.append(CostTerm("pool", Kind.POOLING, out, 0, elements, out, _SOURCE))
    return Cost(tuple(terms), math.prod(shape.dims), out)
