"""A cell as something that runs: module, inputs, and what each injected layer computes with."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from invobench.networks import NETWORKS
from invobench.operators import BACKENDS, OPERATORS
from invobench.operators.base import LayerShape, LayerSpec
from invobench.operators.select import Need, resolve
from invobench.runner.steps import STEPS, Step
from invobench.spec.cells import Cell

DTYPES = {name: getattr(torch, name) for name in ("float32", "bfloat16", "float16", "float64")}


@dataclass(frozen=True)
class Built:
    """A layer that was built for an input shape, and the backend that it computes with."""

    layer: LayerSpec
    shape: LayerShape
    backend: str


@dataclass
class Case:
    """A cell's module and inputs on `device`; `layers` are its operators in the order they were built."""

    cell: Cell
    device: torch.device
    dtype: torch.dtype
    module: nn.Module
    inputs: tuple[Tensor, ...]
    layers: tuple[Built, ...]

    @property
    def backends(self) -> str:
        """What ran: each backend once, in order, joined by `+`."""
        return "+".join(dict.fromkeys(built.backend for built in self.layers))

    def step(self, mode: str | None = None) -> Step:
        """The cell's work in `mode` (its own by default) as callables."""
        return STEPS[mode or self.cell.mode](self.module, self.inputs, self.cell.kind)


def build_case(cell: Cell, device: torch.device, storage: torch.device | None = None) -> Case:
    """Build `cell` for `device`. Raises BackendUnavailable where its backend cannot run.

    `storage`: where its tensors live if not on `device`: `meta` for what is counted and never computed.
    """
    torch.manual_seed(0)
    layers: list[Built] = []

    def make_layer(layer: LayerSpec, shape: LayerShape) -> nn.Module:
        backend = resolve(cell.backend, Need(layer, shape, device.type, cell.dtype, cell.mode))
        layers.append(Built(layer, shape, backend))
        return build_layer(layer, shape.in_channels, backend, cell.scope)

    dtype, at = DTYPES[cell.dtype], storage or device
    with storage or nullcontext():
        if isinstance(cell.what, LayerSpec):
            module = make_layer(cell.what, cell.shape)
            shapes = cell.what.fields.input_shapes(cell.shape, cell.scope)
        else:
            module = NETWORKS[cell.what.network].build(cell.what.fields, cell.shape, make_layer)
            shapes = (cell.shape.dims,)
    module = module.to(device=at, dtype=dtype)
    inputs = tuple(torch.randn(shape, device=at, dtype=dtype) for shape in shapes)
    return Case(cell, at, dtype, module, inputs, tuple(layers))


def build_layer(layer: LayerSpec, in_channels: int, backend: str, scope: str) -> nn.Module:
    """The module of a layer that computes with `backend`."""
    implementation = BACKENDS[layer.operator][backend].load()
    module: nn.Module = OPERATORS[layer.operator].build(layer.fields, in_channels, implementation, scope)
    return module
