"""Cost of the ResNet macro-architecture: the sum of its parts, each term named by its module's path."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from invobench.conventions import Kind
from invobench.cost import Cost, Window, conv_terms, elementwise, pooling, total
from invobench.networks.base import Placement
from invobench.networks.resnet.spec import STEM_CHANNELS, Block, Fields, halved
from invobench.operators import layer_cost
from invobench.operators.base import LayerShape


def cost(fields: Fields, shape: LayerShape) -> Cost | None:
    """Terms of the network on images of `shape`, None where an injected operator has no formula.

    `input_elements` and `output_elements` are summed over convolutions, injected operators and the classifier:
    norms, activations, pooling and additions can be fused into what produces their input.
    """
    parts = [part for make in (_stem, _stages, _classifier) for part in make(fields, shape)]
    known = [part for part in parts if part is not None]
    return total(known) if len(known) == len(parts) else None


def _stem(fields: Fields, shape: LayerShape) -> Iterator[Cost | None]:
    """The parts before the first stage."""
    inner = fields.stem_placement(shape)
    if inner is None:
        out = replace(halved(shape), in_channels=STEM_CHANNELS)
        yield _first(_conv("stem.first", shape, out, Window(7, stride=2, padding=3)))
        yield _norm_relu("stem.first", out, "stem.relu")
    else:
        out = replace(inner.shape, in_channels=STEM_CHANNELS)
        yield _first(_conv("stem.first", shape, inner.shape, Window(3, stride=2, padding=1)))
        yield _norm_relu("stem.first", inner.shape, "stem.relu")
        yield _injected("stem.spatial", inner)
        yield _norm_relu("stem.spatial", inner.shape, "stem.relu")
        yield _conv("stem.last", inner.shape, out, Window(3, padding=1))
        yield _norm_relu("stem.last", out, "stem.relu")
    yield Cost((pooling("stem.pool", out.dims, halved(out).dims),), 0, 0)


def _stages(fields: Fields, shape: LayerShape) -> Iterator[Cost | None]:
    """The parts of every bottleneck."""
    for block in fields.blocks(shape):
        yield from _block(block, fields.spatial_placement(block))


def _block(block: Block, spatial: Placement) -> Iterator[Cost | None]:
    """The parts of one bottleneck."""
    path, out = block.path, block.output
    narrow = replace(out, in_channels=block.width)
    yield _conv(f"{path}.reduce", block.shape, block.spatial, Window())
    yield _norm_relu(f"{path}.reduce", block.spatial, f"{path}.relu")
    yield _injected(f"{path}.spatial", spatial)
    yield _norm_relu(f"{path}.spatial", narrow, f"{path}.relu")
    yield _conv(f"{path}.expand", narrow, out, Window())
    yield _norm(f"{path}.expand", out)
    if block.projected:
        yield _conv(f"{path}.shortcut", block.shape, out, Window(stride=block.stride))
        yield _norm(f"{path}.shortcut", out)
    addition = elementwise(f"{path}.addition", Kind.ADDITION, out.dims, place=path)
    addition = replace(addition, read_elements=2 * addition.read_elements)
    yield Cost((addition, elementwise(f"{path}.relu", Kind.ACTIVATION, out.dims)), 0, 0)


def _classifier(fields: Fields, shape: LayerShape) -> Iterator[Cost]:
    """Global average pooling and the linear layer."""
    *_, last = fields.blocks(shape)
    channels = last.output.in_channels
    pooled = (shape.batch, channels, 1, 1)
    yield Cost((pooling("pool", last.output.dims, pooled),), 0, 0)
    logits = (shape.batch, fields.num_classes, 1, 1)
    terms = conv_terms("classifier", pooled, logits, bias=True, kind=Kind.LINEAR)
    yield Cost(terms, math.prod(pooled), math.prod(logits))


def _conv(name: str, shape: LayerShape, out: LayerShape, window: Window) -> Cost:
    """A convolution without bias."""
    terms = conv_terms(name, shape.dims, out.dims, window=window)
    return Cost(terms, math.prod(shape.dims), math.prod(out.dims))


def _first(conv: Cost) -> Cost:
    """The convolution that reads the image."""
    return replace(conv, terms=tuple(replace(term, leaf_input=True) for term in conv.terms))


def _injected(path: str, item: Placement) -> Cost | None:
    """An injected operator at its place."""
    found = layer_cost(item.layer, item.shape)
    return None if found is None else found.prefixed(path)


def _norm(name: str, shape: LayerShape) -> Cost:
    """A batch norm, two parameters a channel."""
    return Cost((elementwise(f"{name}_norm", Kind.NORMALISATION, shape.dims, params=2 * shape.in_channels),), 0, 0)


def _norm_relu(name: str, shape: LayerShape, relu: str) -> Cost:
    """A batch norm and a ReLU, whose submodule `relu` others share."""
    activation = elementwise(f"{name}_relu", Kind.ACTIVATION, shape.dims, place=relu)
    return total((_norm(name, shape), Cost((activation,), 0, 0)))
