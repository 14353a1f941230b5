"""Fields of the ResNet macro-architecture, and its blocks with their shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from pydantic import Field

from invobench.networks.base import NetworkFields, Placement
from invobench.operators.base import LayerShape, LayerSpec

#: depth -> blocks of each stage
BLOCKS: Mapping[int, tuple[int, int, int, int]] = {
    26: (1, 2, 4, 1),
    38: (2, 3, 5, 2),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
WIDTHS = (64, 128, 256, 512)
EXPANSION = 4
STEM_CHANNELS = 64
#: channels of the injected stem operator
STEM_WIDTH = 32
#: fields of an injected operator that its place decides
_PLACED = ("stride", "out_channels")


@dataclass(frozen=True)
class Block:
    """A bottleneck. `shape` is its input; the spatial operator has `width` channels and the block's `stride`."""

    stage: int
    index: int
    shape: LayerShape
    width: int
    stride: int

    @property
    def path(self) -> str:
        """Name of the block's module, counted from 0."""
        return f"stages.{self.stage}.{self.index}"

    @property
    def place(self) -> str:
        """Name of the block for people, counted from 1."""
        return f"stage{self.stage + 1}.block{self.index + 1}"

    @property
    def spatial(self) -> LayerShape:
        """Input of the spatial operator."""
        return replace(self.shape, in_channels=self.width)

    @property
    def output(self) -> LayerShape:
        """Output of the block."""
        return replace(halved(self.shape, self.stride), in_channels=EXPANSION * self.width)

    @property
    def projected(self) -> bool:
        """Whether the shortcut is a 1×1 convolution and not the identity."""
        return self.stride > 1 or self.shape.in_channels != EXPANSION * self.width


def halved(shape: LayerShape, stride: int = 2) -> LayerShape:
    """The shape after a stride, by the ceil rule that every part of the network follows."""
    return replace(shape, height=-(-shape.height // stride), width=-(-shape.width // stride))


class Fields(NetworkFields):
    """`operator` replaces the 3×3 convolution of each bottleneck; `stem` is a layer, or `conv` for 7×7 convolution."""

    layer_keys: ClassVar[Mapping[str, str | None]] = {"operator": None, "stem": "operator"}

    depth: Literal[26, 38, 50, 101, 152]
    operator: LayerSpec
    stem: LayerSpec | Literal["conv"] = "conv"
    num_classes: int = Field(default=1000, ge=1, le=65536)

    def stem_placement(self, shape: LayerShape) -> Placement | None:
        """The stem's injected operator, on 32 channels at half the image's size, None for stem `conv`."""
        if isinstance(self.stem, str):
            return None
        return Placement(
            "stem", "stem", _placed(self.stem, STEM_WIDTH, 1), replace(halved(shape), in_channels=STEM_WIDTH)
        )

    def blocks(self, shape: LayerShape) -> Iterator[Block]:
        """Every bottleneck for an image of `shape`, in order."""
        at = replace(halved(halved(shape)), in_channels=STEM_CHANNELS)
        for stage, (count, width) in enumerate(zip(BLOCKS[self.depth], WIDTHS, strict=True)):
            for index in range(count):
                block = Block(stage, index, at, width, stride=2 if stage > 0 and index == 0 else 1)
                yield block
                at = block.output

    def spatial_placement(self, block: Block) -> Placement:
        """The operator of `block`."""
        return Placement("operator", block.place, _placed(self.operator, block.width, block.stride), block.spatial)

    def placements(self, shape: LayerShape) -> Iterator[Placement]:
        """The stem's operator where there is one, then that of each block."""
        stem = self.stem_placement(shape)
        if stem is not None:
            yield stem
        for block in self.blocks(shape):
            yield self.spatial_placement(block)

    def problems(self, shape: LayerShape) -> Iterator[tuple[str, str]]:
        """As every network's, and: fields that the place decides, an output that does not fit the shortcut."""
        for key in self.layer_keys:
            layer = getattr(self, key)
            if isinstance(layer, LayerSpec):
                for name in sorted(layer.fields.model_fields_set.intersection(_PLACED)):
                    yield f"{key}.{name}", "is set by the network; leave it out"
        found = list(super().problems(shape))
        yield from found
        if not found:
            yield from self._misfits(shape)

    def _misfits(self, shape: LayerShape) -> Iterator[tuple[str, str]]:
        """The first place of each field where the operator's output has another size than the network needs."""
        stem = self.stem_placement(shape)
        needs = [] if stem is None else [(stem, stem.shape)]
        needs += [(self.spatial_placement(block), halved(block.spatial, block.stride)) for block in self.blocks(shape)]
        seen: set[str] = set()
        for item, needed in needs:
            message = _misfit(item, needed)
            if message and item.key not in seen:
                seen.add(item.key)
                yield item.key, f"{message} (in {item.place})"


def _placed(layer: LayerSpec, channels: int, stride: int) -> LayerSpec:
    """`layer` with `channels` in and out and `stride`."""
    return replace(layer, fields=layer.fields.placed(channels, stride))


def _misfit(item: Placement, needed: LayerShape) -> str:
    """What is wrong with the size of the operator's output, or an empty string."""
    try:
        out = item.layer.fields.output_shape(item.shape)
    except ValueError as error:
        return str(error)
    if out == needed:
        return ""
    return f"makes {out.height}×{out.width} where the network needs {needed.height}×{needed.width}"
