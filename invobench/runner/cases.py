"""A cell as something that runs: module, inputs, what each injected layer computes with, and its step."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from invobench.errors import BackendUnavailable
from invobench.files import to_stderr
from invobench.networks import NETWORKS
from invobench.operators import AUTO, BACKENDS, OPERATORS
from invobench.operators.base import LayerShape, LayerSpec
from invobench.operators.select import Need, resolve, setup
from invobench.runner.executions import EXECUTIONS, Inputs, MakeStep, Work
from invobench.runner.steps import Run, Step
from invobench.spec.cells import Cell

DTYPES = {name: getattr(torch, name) for name in ("float32", "bfloat16", "float16", "float64")}
#: what the contract calls a layout -> PyTorch's
MEMORY_FORMATS: Mapping[str, torch.memory_format] = {
    "contiguous": torch.contiguous_format,
    "channels_last": torch.channels_last,
}


@dataclass(frozen=True)
class Built:
    """A layer that was built for an input shape, and the backend that it computes with."""

    layer: LayerSpec
    shape: LayerShape
    backend: str


@dataclass
class Case:
    """A cell's module and inputs on `device`; `layers` are its operators in the order they were built.

    `setup_s`: what building kernels took, and compiling or capturing with its first calls once a step has been made;
    None where there was nothing of it.
    """

    cell: Cell
    device: torch.device
    dtype: torch.dtype
    module: nn.Module
    inputs: Inputs
    layers: tuple[Built, ...]
    setup_s: float | None = None
    _made: dict[str, MakeStep] = field(default_factory=dict, repr=False)
    _set_up: bool = field(default=False, repr=False)

    @property
    def backends(self) -> str:
        """What ran: each backend once, in order, joined by `+`."""
        return "+".join(dict.fromkeys(built.backend for built in self.layers))

    @property
    def input_bytes(self) -> int:
        """Bytes of one set of inputs."""
        return _bytes(self.inputs)

    @property
    def state_bytes(self) -> int:
        """Bytes of parameters and buffers, which every set of inputs shares."""
        return _bytes([*self.module.parameters(), *self.module.buffers()])

    def inputs_for(self, sets: int) -> list[Inputs]:
        """`sets` sets of inputs of the same shapes and layout: the case's own, and others with other values."""
        others = [tuple(self._like(tensor, seed) for tensor in self.inputs) for seed in range(1, sets)]
        return [self.inputs, *others]

    def step(self) -> Step:
        """The cell's work under its contract as callables."""
        return self._step(self.cell.contract.execution)

    def eager_step(self) -> Step:
        """The same, called eagerly: what a graph's time is compared with."""
        return self._step("eager")

    def _step(self, execution: str) -> Step:
        start = time.perf_counter()
        if execution not in self._made:
            work = Work(self.module, self.cell.mode, self.cell.kind, self.cell.contract.autograd)
            self._made[execution] = EXECUTIONS[execution](work, self.inputs)
        make = self._made[execution]
        step = make(self.inputs)
        if execution != "eager" and not self._set_up:
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            self.setup_s = (self.setup_s or 0.0) + time.perf_counter() - start
            self._set_up = True
        return replace(step, variants=lambda sets: self._variants(make, step, sets))

    def _variants(self, make: MakeStep, first: Step, sets: int) -> Sequence[Run]:
        """The runs of `first` and of steps on further inputs, prepared."""
        steps = [first, *(make(inputs) for inputs in self.inputs_for(sets)[1:])]
        for step in steps:
            step.prepare()
        return [step.run for step in steps]

    def _like(self, tensor: Tensor, seed: int) -> Tensor:
        """Other values in the shape and layout of `tensor`."""
        seeded = torch.Generator(tensor.device).manual_seed(seed)
        return torch.empty_like(tensor).normal_(generator=seeded)


def build_case(cell: Cell, device: torch.device, storage: torch.device | None = None) -> Case:
    """Build `cell` for `device`. Raises BackendUnavailable where its backend cannot run.

    `storage`: where its tensors live if not on `device`: `meta` for what is counted and never computed.
    """
    torch.manual_seed(0)
    layers: list[Built] = []
    setups: dict[tuple[str, str], float | None] = {}

    def make_layer(layer: LayerSpec, shape: LayerShape) -> nn.Module:
        need = Need(layer, shape, device.type, cell.dtype, cell.mode)
        backend = resolve(cell.backend, need, counted=storage is not None)
        if storage is None:
            backend, seconds = _ready(cell.backend, backend, need)
            setups.setdefault((layer.operator, backend), seconds)
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
    memory_format = cell.contract.memory_format
    module = laid_out(module.to(device=at, dtype=dtype), memory_format)
    inputs = tuple(arranged(torch.randn(shape, device=at, dtype=dtype), memory_format) for shape in shapes)
    taken = [seconds for seconds in setups.values() if seconds is not None]
    return Case(cell, at, dtype, module, inputs, tuple(layers), sum(taken) if taken else None)


def _ready(requested: str, backend: str, need: Need) -> tuple[str, float | None]:
    """The backend that was made ready, and the seconds that it took; under `auto` another one where that fails."""
    try:
        return backend, setup(BACKENDS[need.layer.operator][backend])
    except BackendUnavailable as error:
        again = resolve(requested, need)  # what failed is known as missing now
        if requested != AUTO or again == backend:
            raise
        to_stderr(f"warning: backend auto goes on with {again}: {error}")
        return _ready(requested, again, need)


def build_layer(layer: LayerSpec, in_channels: int, backend: str, scope: str) -> nn.Module:
    """The module of a layer that computes with `backend`."""
    implementation = BACKENDS[layer.operator][backend].load()
    module: nn.Module = OPERATORS[layer.operator].build(layer.fields, in_channels, implementation, scope)
    return module


def laid_out(module: nn.Module, memory_format: str) -> nn.Module:
    """`module` with its four-dimensional parameters and buffers in `memory_format`."""
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.data = arranged(tensor.data, memory_format)
    return module


def arranged(tensor: Tensor, memory_format: str) -> Tensor:
    """`tensor` in `memory_format` where it has four dimensions, else as it is.

    Given kernels `[N, G, K*K, H, W]` lie as a convolution would have made them: those of a pixel together, or of a tap.
    """
    if tensor.dim() == 5:
        kernels: Tensor = arranged(tensor.flatten(1, 2), memory_format).unflatten(1, tensor.shape[1:3])
        return kernels
    return tensor.contiguous(memory_format=MEMORY_FORMATS[memory_format]) if tensor.dim() == 4 else tensor


def _bytes(tensors: Sequence[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
