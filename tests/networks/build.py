"""Networks of plain values, and their modules on `meta` or in memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from invobench.networks import NETWORKS
from invobench.networks.base import NetworkFields
from invobench.operators import BACKENDS, OPERATORS
from invobench.operators.base import LayerShape, LayerSpec

IMAGE = LayerShape(1, 3, 224, 224)


def layer(operator: str, **fields: Any) -> LayerSpec:
    return LayerSpec(operator, OPERATORS[operator].fields()(**fields))


INVOLUTION = layer("involution", kernel_size=7, group_channels=16, reduction_ratio=4)
CONV = layer("conv", kernel_size=3)
ATTENTION = layer("stand_alone_attention", kernel_size=7, num_heads=8)


def fields(depth: int, operator: LayerSpec, stem: LayerSpec | str = "conv", **more: Any) -> NetworkFields:
    return NETWORKS["resnet"].fields()(depth=depth, operator=operator, stem=stem, **more)


def rednet(depth: int) -> NetworkFields:
    """As the presets: 7×7 involution, in the stem too."""
    return fields(depth, INVOLUTION, INVOLUTION)


def reference_layer(spec: LayerSpec, shape: LayerShape) -> nn.Module:
    """The layer with the first backend of its operator."""
    code = next(iter(BACKENDS[spec.operator].values())).load()
    return OPERATORS[spec.operator].build(spec.fields, shape.in_channels, code)


def build(network: NetworkFields, shape: LayerShape = IMAGE, device: str = "meta") -> nn.Module:
    with torch.device(device):
        return NETWORKS["resnet"].build(network, shape, reference_layer)


def parameters(network: NetworkFields) -> int:
    return sum(parameter.numel() for parameter in build(network).parameters())
