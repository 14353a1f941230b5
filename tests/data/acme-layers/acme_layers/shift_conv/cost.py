"""Its cost: moving is free, the 1×1 convolution has HW·C² multiply-adds. No PyTorch."""

import math

from acme_layers.shift_conv.spec import Fields
from invobench.cost import Cost, Window, conv_terms
from invobench.operators.base import LayerShape


def cost(fields: Fields, shape: LayerShape, scope: str = "module") -> Cost:
    """Terms for an input of `shape`."""
    out = fields.output_shape(shape)
    terms = conv_terms("mix", shape.dims, out.dims, window=Window(stride=fields.stride), place="")
    return Cost(terms, math.prod(shape.dims), math.prod(out.dims))
