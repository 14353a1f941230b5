"""The check before a backend may be timed: values and gradients against the float64 reference, on a small input.

The backend is checked under the cell's contract: compiled, in its memory format, with TF32 products where they may be.
The reference is never: it is eager, contiguous, and the oracle in float64 on the CPU. (A CUDA graph is checked when
it is captured.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from invobench.conventions import PRODUCTS
from invobench.cost import Cost
from invobench.errors import MeasurementError
from invobench.judging.statuses import WRONG
from invobench.operators import BACKENDS, ORACLE, layer_cost
from invobench.operators.base import LayerShape, LayerSpec
from invobench.runner.cases import Built, Case, arranged, build_layer, laid_out
from invobench.runner.compiling import compiled, compiler_errors
from invobench.runner.settings import without_tf32

#: of `results`: the output, without and with gradients
OUTPUTS = 2
#: a backend may err by this times the reference's own error in its dtype, and by this many machine epsilons
_FACTOR = 4
#: what half-precision products are summed in
_SUMMED_IN = {torch.bfloat16: torch.float32, torch.float16: torch.float32}
#: TF32 keeps 10 bits of a mantissa: the step from 1 to the next number
_TF32_EPS = 2.0**-10


@dataclass(frozen=True)
class Errors:
    """max|Δ| / max|float64 result|: of the output, and the worst over the gradients."""

    output: float
    gradient: float

    @property
    def worst(self) -> float:
        """The larger of both."""
        return max(self.output, self.gradient)


def check_case(case: Case) -> Errors | None:
    """The worst errors over a case's distinct layers, None where none of them has a reference.

    Raises MeasurementError, naming layer and backend, where one is not within tolerance.
    """
    distinct = {
        (built.layer.operator, built.layer.fields, built.shape.in_channels, built.backend): built
        for built in case.layers
        if ORACLE in BACKENDS[built.layer.operator]
    }
    if not distinct:
        return None
    found = [_check(built, case) for built in distinct.values()]
    return Errors(max(errors.output for errors in found), max(errors.gradient for errors in found))


def _check(built: Built, case: Case) -> Errors:
    torch.manual_seed(0)
    layer, scope = built.layer, case.cell.scope
    shape = layer.fields.small_shape(built.shape)
    candidate = _used(build_layer(layer, shape.in_channels, built.backend, scope)).to(case.device, case.dtype)
    inputs = [torch.randn(dims).to(case.device, case.dtype) for dims in layer.fields.input_shapes(shape, scope)]
    oracle = _twin(candidate, layer, shape, scope).to("cpu", torch.float64)
    same_dtype = _twin(candidate, layer, shape, scope).to(case.device, case.dtype)
    exact = results(oracle, [tensor.to("cpu", torch.float64) for tensor in inputs])
    with without_tf32():
        allowed = _errors(results(same_dtype, inputs), exact)
    errors = _errors(_candidate_results(candidate, inputs, case), exact)
    margin = _margin(layer, shape, case)
    for what in ("output", "gradient"):
        error, limit = getattr(errors, what), _FACTOR * getattr(allowed, what) + margin
        if not error <= limit:  # a NaN is not within it either
            raise MeasurementError(
                f"backend {built.backend} of {layer.operator} {WRONG}: {what} off by {error:.3g} "
                f"of the float64 reference's largest value, allowed {limit:.3g} (shape {list(shape.dims)})"
            )
    return errors


def _used(module: nn.Module) -> nn.Module:
    """`module` with norms as training leaves them: new ones change nothing in eval mode, and none would be missed."""
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for tensor, low, high in (
                (norm.running_mean, -0.2, 0.2),
                (norm.running_var, 0.5, 2.0),
                (norm.weight, 0.5, 1.5),
                (norm.bias, -0.2, 0.2),
            ):
                if tensor is not None:
                    tensor.detach().uniform_(low, high)
    return module


def _candidate_results(candidate: nn.Module, inputs: list[Tensor], case: Case) -> list[Tensor]:
    """`results` of the candidate as the contract has it run."""
    contract = case.cell.contract
    laid_out(candidate, contract.memory_format)
    placed = [arranged(tensor, contract.memory_format) for tensor in inputs]
    if contract.execution != "compiled":
        return results(candidate, placed)
    with compiler_errors():
        return results(compiled(candidate), placed)


def _margin(layer: LayerSpec, shape: LayerShape, case: Case) -> float:
    """What rounding explains beside the reference's own error: the result's, and that of sums in another order.

    A sum of n terms added one after another errs by about √n epsilons of the type it is kept in, relative to the
    largest of many such sums; the reference's sums may be shorter or blocked. (oneDNN's
    convolution on a CPU with AVX2 adds channel after channel.)
    """
    cost = layer_cost(layer, shape, case.cell.scope)
    longest = max((term.longest_sum for term in cost.terms), default=1) if cost else 1
    summed_in = _SUMMED_IN.get(case.dtype, case.dtype)
    rounding = _FACTOR * torch.finfo(case.dtype).eps + math.sqrt(longest) * torch.finfo(summed_in).eps
    return rounding + (_tf32_margin(cost) if case.cell.contract.tf32 else 0.0)


def _tf32_margin(cost: Cost | None) -> float:
    """What TF32 products explain: each factor loses up to one epsilon of TF32 where its mantissa is cut off.

    A product of two factors is off by two of them, whatever the length of a sum of products, since sums are
    kept in float32 and the largest of many sums grows as fast as its error. Products that follow one another add up:
    at most the operator's product terms in the forward pass, and once more on a gradient's way back.
    """
    stages = sum(term.kind in PRODUCTS for term in cost.terms) if cost else 1
    return 2 * 2 * max(1, stages) * _TF32_EPS


def _twin(candidate: nn.Module, layer: LayerSpec, shape: LayerShape, scope: str) -> nn.Module:
    """The reference with the candidate's weights (rounded to the candidate's dtype)."""
    twin = build_layer(layer, shape.in_channels, ORACLE, scope)
    twin.load_state_dict(candidate.state_dict())
    return twin


def results(module: nn.Module, inputs: list[Tensor]) -> list[Tensor]:
    """Output without and with gradients, and those of inputs and parameters for one fixed gradient; eval mode.

    Without gradients a backend may take another way, which is the one that `forward` times.
    """
    module.eval()
    with torch.no_grad():
        alone = module(*inputs)
    leaves = [tensor.detach().clone().requires_grad_() for tensor in inputs]
    y = module(*leaves)
    seeded = torch.Generator().manual_seed(1)
    grad_y = torch.randn(y.shape, generator=seeded).to(inputs[0].dtype).to(y)
    return [alone, y.detach(), *torch.autograd.grad(y, [*leaves, *module.parameters()], grad_y)]


def _errors(found: list[Tensor], exact: list[Tensor]) -> Errors:
    relative = [relative_error(a, b) for a, b in zip(found, exact, strict=True)]
    return Errors(_worst(relative[:OUTPUTS]), _worst(relative[OUTPUTS:]))


def _worst(errors: list[float]) -> float:
    """The largest; NaN where one is, which a plain `max` passes over."""
    return max(errors, key=lambda error: math.inf if math.isnan(error) else error)


def relative_error(found: Tensor, exact: Tensor) -> float:
    """max|found - exact| / max|exact| (the plain difference where `exact` is 0); NaN where either has one."""
    scale = exact.abs().max().item() or 1.0
    return float((found.to("cpu", torch.float64) - exact).abs().max().item() / scale)
