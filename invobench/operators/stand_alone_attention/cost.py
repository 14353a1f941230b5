"""Cost of stand-alone attention: `3HW·CᵢC + 2HWK²C + HWKC`, HW being the input's, C the output's channels."""

from __future__ import annotations

import math

from invobench.conventions import Kind
from invobench.cost import Cost, CostTerm, Window, conv_terms, pooling
from invobench.formula import Formula
from invobench.operators.base import LayerShape
from invobench.operators.stand_alone_attention.spec import Fields

_SOURCE = "Stand-Alone Self-Attention in Vision Models, NeurIPS 2019, section 3"
_IN_ALL = "3*HW*C_in*C + 2*HW*K2*C + HW*K*C"


def cost(fields: Fields, shape: LayerShape, scope: str = "module") -> Cost:
    """Terms of attention on an input of `shape`. It runs at the input's size; stride 2 pools its output.

    The relative logits are counted factorised: q with K row and K column embeddings, not with K² pairs.
    """
    filters = fields.filters(shape.in_channels)
    inner = (shape.batch, filters, shape.height, shape.width)
    sizes = {
        "HW": shape.height * shape.width,
        "C_in": shape.in_channels,
        "C": filters,
        "K": fields.kernel_size,
        "K2": fields.kernel_size**2,
        "h": fields.num_heads,
    }
    project = Formula.of("HW*C_in*C", **sizes)
    projections = [
        term
        for name in ("query", "key", "value")
        for term in conv_terms(name, shape.dims, inner, source=_SOURCE, formula=project)
    ]
    out = fields.output_shape(shape)
    terms = [*projections, *_attention(inner, sizes)]
    if fields.stride > 1:
        terms.append(pooling("pool", inner, out.dims))
    return Cost(tuple(terms), math.prod(shape.dims), math.prod(out.dims), Formula.of(_IN_ALL, **sizes))


def _attention(inner: tuple[int, int, int, int], sizes: dict[str, int]) -> tuple[CostTerm, ...]:
    """What happens between the projections and the output, at the input's size `inner`."""
    batch, elements = inner[0], math.prod(inner)
    positions = batch * sizes["HW"] * sizes["h"]
    logits, relative = positions * sizes["K2"], positions * 2 * sizes["K"]
    window = Window(sizes["K"], padding=sizes["K"] // 2)
    padding = sizes["C"] * window.padding_taps(inner, inner)

    def product(name: str, text: str, moved: tuple[int, int], params: int = 0, padding: int = 0) -> CostTerm:
        formula = Formula.of(text, **sizes)
        operations = batch * formula.value
        return CostTerm(name, Kind.ATTENTION, operations, params, *moved, _SOURCE, formula, name, padding)

    softmax = Formula.of("HW*h*K2", **sizes)
    return (
        product("scores", "HW*K2*C", (2 * elements, logits), padding=padding),
        product("relative", "HW*K*C", (elements, relative), params=sizes["K"] * sizes["C"]),
        CostTerm("softmax", Kind.SOFTMAX, logits, 0, logits, logits, _SOURCE, softmax, "softmax"),
        product("weighted_sum", "HW*K2*C", (logits + elements, elements), padding=padding),
    )
