"""The ResNet macro-architecture as an `nn.Module`.

Names in a state dict, which stay as they are: `stem.first`, `stem.first_norm`, with an injected operator
`stem.spatial`, `stem.spatial_norm`, `stem.last`, `stem.last_norm`; in `stages.<stage>.<block>` (from 0) `reduce`,
`spatial`, `expand` and, where the shapes differ, `shortcut`, each with `…_norm`; and `classifier`.
"""

from __future__ import annotations

from torch import Tensor, nn

from invobench.networks.base import MakeLayer, Placement
from invobench.networks.resnet.spec import STEM_CHANNELS, Block, Fields
from invobench.operators.base import LayerShape


class ConvStem(nn.Module):
    """7×7 convolution with stride 2, norm, ReLU, 3×3 max pool with stride 2."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, STEM_CHANNELS, 7, stride=2, padding=3, bias=False)
        self.first_norm = nn.BatchNorm2d(STEM_CHANNELS)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """x `[N, C, H, W]` -> `[N, 64, ceil(H/4), ceil(W/4)]`."""
        y: Tensor = self.pool(self.relu(self.first_norm(self.first(x))))
        return y


class OperatorStem(nn.Module):
    """3×3 convolution with stride 2, the injected operator, 3×3 convolution, each with norm and ReLU; max pool."""

    def __init__(self, in_channels: int, inner: Placement, make_layer: MakeLayer) -> None:
        super().__init__()
        width = inner.shape.in_channels
        self.first = nn.Conv2d(in_channels, width, 3, stride=2, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.spatial: nn.Module = make_layer(inner.layer, inner.shape)
        self.spatial_norm = nn.BatchNorm2d(width)
        self.last = nn.Conv2d(width, STEM_CHANNELS, 3, padding=1, bias=False)
        self.last_norm = nn.BatchNorm2d(STEM_CHANNELS)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """x `[N, C, H, W]` -> `[N, 64, ceil(H/4), ceil(W/4)]`."""
        x = self.relu(self.first_norm(self.first(x)))
        x = self.relu(self.spatial_norm(self.spatial(x)))
        y: Tensor = self.pool(self.relu(self.last_norm(self.last(x))))
        return y


class Bottleneck(nn.Module):
    """1×1 convolution to `width`, the injected operator with the stride, 1×1 convolution to 4·width; a shortcut."""

    def __init__(self, block: Block, spatial: Placement, make_layer: MakeLayer) -> None:
        super().__init__()
        channels, width, filters = block.shape.in_channels, block.width, block.output.in_channels
        self.reduce = nn.Conv2d(channels, width, 1, bias=False)
        self.reduce_norm = nn.BatchNorm2d(width)
        self.spatial: nn.Module = make_layer(spatial.layer, spatial.shape)
        self.spatial_norm = nn.BatchNorm2d(width)
        self.expand = nn.Conv2d(width, filters, 1, bias=False)
        self.expand_norm = nn.BatchNorm2d(filters)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut: nn.Module = nn.Identity()
        self.shortcut_norm: nn.Module = nn.Identity()
        if block.projected:
            self.shortcut = nn.Conv2d(channels, filters, 1, stride=block.stride, bias=False)
            self.shortcut_norm = nn.BatchNorm2d(filters)

    def forward(self, x: Tensor) -> Tensor:
        """x `[N, C, H, W]` -> `[N, 4·width, ceil(H/stride), ceil(W/stride)]`."""
        y = self.relu(self.reduce_norm(self.reduce(x)))
        y = self.relu(self.spatial_norm(self.spatial(y)))
        y = self.expand_norm(self.expand(y))
        out: Tensor = self.relu(y + self.shortcut_norm(self.shortcut(x)))
        return out


class ResNet(nn.Module):
    """A stem, four stages of bottlenecks, global average pooling and a linear classifier."""

    def __init__(self, fields: Fields, shape: LayerShape, make_layer: MakeLayer) -> None:
        super().__init__()
        inner = fields.stem_placement(shape)
        channels = shape.in_channels
        self.stem: nn.Module = ConvStem(channels) if inner is None else OperatorStem(channels, inner, make_layer)
        stages: dict[int, list[nn.Module]] = {}
        for block in fields.blocks(shape):
            bottleneck = Bottleneck(block, fields.spatial_placement(block), make_layer)
            stages.setdefault(block.stage, []).append(bottleneck)
            channels = block.output.in_channels
        self.stages = nn.Sequential(*(nn.Sequential(*blocks) for blocks in stages.values()))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, fields.num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """x `[N, C, H, W]` -> logits `[N, num_classes]`."""
        logits: Tensor = self.classifier(self.pool(self.stages(self.stem(x))).flatten(1))
        return logits


def build(fields: Fields, shape: LayerShape, make_layer: MakeLayer) -> nn.Module:
    """The network for images of `shape`, its injected operators made by `make_layer(layer, shape there)`."""
    return ResNet(fields, shape, make_layer)
