"""What the parity tests run: fields and shapes of every operator, inputs in several layouts, and the comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from invobench.operators import BACKENDS, OPERATORS
from invobench.operators.base import LayerShape, OperatorFields

LAYOUTS = ("contiguous", "channels_last", "strided")


@dataclass(frozen=True)
class Case:
    """A layer on an input of `shape`."""

    operator: str
    fields: OperatorFields
    shape: LayerShape
    scope: str = "module"

    def __str__(self) -> str:
        keys = ",".join(f"{key}={value}" for key, value in self.fields.model_dump(exclude_unset=True).items())
        return f"{self.operator}[{keys}]{'x'.join(map(str, self.shape.dims))}/{self.scope}"

    def build(self, backend: str) -> nn.Module:
        """The layer with `backend`, seeded, in eval mode, its norms' statistics not the default ones."""
        torch.manual_seed(0)
        code = BACKENDS[self.operator][backend].load()
        module = OPERATORS[self.operator].build(self.fields, self.shape.in_channels, code, self.scope)
        for norm in (m for m in module.modules() if isinstance(m, nn.BatchNorm2d)):
            norm.running_mean.uniform_(-0.2, 0.2)
            norm.running_var.uniform_(0.5, 2.0)
        return module.eval()


def case(operator: str, dims: tuple[int, int, int, int], scope: str = "module", **fields: Any) -> Case:
    """A case from plain values."""
    return Case(operator, OPERATORS[operator].fields()(**fields), LayerShape(*dims), scope)


#: the compact tier: every kernel size, stride, dilation, grouping, odd and tiny sizes, each scope at least once
QUICK: Mapping[str, list[Case]] = {
    "involution": [
        case("involution", (1, 16, 7, 7), kernel_size=7, groups=4),
        case("involution", (3, 8, 9, 6), kernel_size=3, group_channels=1, reduction_ratio=2),
        case("involution", (3, 8, 9, 6), kernel_size=5, stride=2, group_channels="C"),
        case("involution", (1, 8, 11, 13), kernel_size=3, stride=2, dilation=2, group_channels=4),
        case("involution", (3, 8, 2, 5), kernel_size=7, dilation=2, groups=2),
        case("involution", (1, 4, 1, 1), kernel_size=3, stride=2, form="linear"),
        case("involution", (3, 8, 5, 8), kernel_size=3, form="linear", stride=2, groups=8),
        case("involution", (3, 8, 9, 6), "aggregation", kernel_size=7, stride=2, groups=2),
        case("involution", (1, 8, 5, 5), "aggregation", kernel_size=5, dilation=2, group_channels="C"),
        case("involution", (1, 6, 3, 2), "aggregation", kernel_size=3, group_channels=1),
    ],
    "conv": [
        case("conv", (1, 8, 7, 7), kernel_size=7),
        case("conv", (3, 8, 9, 6), kernel_size=3, out_channels=12, groups=4, bias=True),
        case("conv", (3, 8, 9, 6), kernel_size=5, stride=2, groups="C"),
        case("conv", (1, 4, 11, 13), kernel_size=3, stride=2, dilation=2, groups="C", out_channels=8),
        case("conv", (3, 4, 2, 5), kernel_size=7, dilation=2, bias=True),
        case("conv", (3, 8, 5, 5), kernel_size=1, out_channels=3),
        case("conv", (1, 4, 6, 7), kernel_size=2, stride=2),
        case("conv", (1, 4, 9, 9), kernel_size=3, padding=0, stride=3),
        case("conv", (1, 3, 1, 1), kernel_size=3, padding=4, bias=True),
    ],
    "stand_alone_attention": [
        case("stand_alone_attention", (1, 16, 7, 7), kernel_size=7),
        case("stand_alone_attention", (3, 8, 9, 6), kernel_size=3, num_heads=4),
        case("stand_alone_attention", (3, 8, 9, 7), kernel_size=5, stride=2, num_heads=2, out_channels=12),
        case("stand_alone_attention", (1, 4, 1, 1), kernel_size=3, stride=2, num_heads=1),
        case("stand_alone_attention", (3, 8, 2, 5), kernel_size=7, num_heads=2, stride=2),
        case("stand_alone_attention", (1, 6, 11, 5), kernel_size=3, num_heads=1, out_channels=4),
    ],
}

_SIZES = ((1, 1), (2, 5), (8, 8), (9, 13))


def grid(operator: str, kernel_size: int) -> Iterator[Case]:
    """The full grid of `operator` at one kernel size."""
    for variant, batch, (height, width) in product(_VARIANTS[operator], (1, 3), _SIZES):
        fields = {"kernel_size": kernel_size, **variant}
        scope = fields.pop("scope", "module")
        yield case(operator, (batch, 16, height, width), scope, **fields)


_VARIANTS: Mapping[str, list[dict[str, Any]]] = {
    "involution": [
        {"stride": stride, "dilation": dilation, **variant}
        for stride, dilation, variant in product(
            (1, 2),
            (1, 2),
            (
                {"groups": 1},
                {"groups": 4, "form": "linear"},
                {"group_channels": 1, "reduction_ratio": 8},
                {"group_channels": "C"},
                {"group_channels": 4, "scope": "aggregation"},
            ),
        )
    ],
    "conv": [
        {"stride": stride, "dilation": dilation, **variant}
        for stride, dilation, variant in product(
            (1, 2), (1, 2), ({}, {"groups": 4, "out_channels": 8, "bias": True}, {"groups": "C", "out_channels": 32})
        )
    ],
    "stand_alone_attention": [
        {"stride": stride, **variant}
        for stride, variant in product((1, 2), ({"num_heads": 8}, {"num_heads": 2, "out_channels": 12}))
    ],
}


def laid_out(values: Tensor, layout: str) -> Tensor:
    """`values` in `layout`; `strided` is a view into a buffer that is NaN wherever the view is not."""
    if layout == "channels_last":
        return values.contiguous(memory_format=torch.channels_last) if values.dim() == 4 else values
    if layout == "contiguous":
        return values.contiguous()
    shape = [*values.shape[:-2], 2 * values.shape[-2] + 3, values.shape[-1] + 5]
    buffer = torch.full(shape, torch.nan, dtype=values.dtype)
    view = buffer[..., 1 : 1 + 2 * values.shape[-2] : 2, 2 : 2 + values.shape[-1]]
    return view.copy_(values)


@dataclass(frozen=True)
class Problem:
    """A case's numbers, rounded to `dtype`, so that every backend and the float64 oracle start from the same."""

    case: Case
    dtype: torch.dtype
    state: dict[str, Tensor]
    inputs: tuple[Tensor, ...]
    grad: Tensor

    @classmethod
    def of(cls, case: Case, dtype: torch.dtype) -> Problem:
        """Random numbers for `case`."""
        state = {name: value.to(dtype) for name, value in case.build("reference").state_dict().items()}
        generator = torch.Generator().manual_seed(1)
        shapes = case.fields.input_shapes(case.shape, case.scope)
        inputs = tuple(torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes)
        out = case.fields.output_shape(case.shape).dims
        return cls(case, dtype, state, inputs, torch.randn(out, generator=generator, dtype=torch.float64).to(dtype))

    def solve(self, backend: str, dtype: torch.dtype, layout: str = "contiguous") -> dict[str, Tensor]:
        """The output, and the gradients of inputs and parameters, with `backend` in `dtype`, as float64."""
        module = self.case.build(backend).to(dtype)
        module.load_state_dict(self.state)
        inputs = [laid_out(x.to(dtype), layout).requires_grad_() for x in self.inputs]
        y = module(*inputs)
        leaves = {f"input{index}": x for index, x in enumerate(inputs)} | dict(module.named_parameters())
        grads = torch.autograd.grad(y, list(leaves.values()), laid_out(self.grad.to(dtype), layout))
        assert y.dtype == dtype
        assert all(torch.equal(x.detach(), given.to(dtype)) for x, given in zip(inputs, self.inputs, strict=True))
        found = {"y": y.detach()} | dict(zip(leaves, grads, strict=True))
        return {name: value.double() for name, value in found.items()}


def worst_error(found: Mapping[str, Tensor], exact: Mapping[str, Tensor]) -> dict[str, float]:
    """max|difference| / max|exact| of each tensor; infinite where something is not finite."""
    errors = {}
    for name, right in exact.items():
        assert found[name].shape == right.shape, name
        scale = right.abs().max().item()
        assert scale > 0, f"{name} is zero everywhere: the case shows nothing"
        difference = (found[name] - right).abs().max().item()
        errors[name] = difference / scale if torch.isfinite(found[name]).all() else float("inf")
    return errors


def mismatches(case: Case, backend: str, dtype: torch.dtype, layout: str) -> list[str]:
    """What of `backend` is further from float64 `reference` than rounding in `dtype` explains.

    Allowed is 4 times the error of `reference` in the same dtype, and 8 units of rounding for another order of sums.
    """
    problem = Problem.of(case, dtype)
    exact = problem.solve("reference", torch.float64)
    own = worst_error(problem.solve("reference", dtype), exact)
    found = worst_error(problem.solve(backend, dtype, layout), exact)
    allowed = {name: 4 * error + 8 * torch.finfo(dtype).eps for name, error in own.items()}
    return [
        f"{case} {backend} {dtype} {layout}: {name} is off by {error:.2e}, allowed {allowed[name]:.2e}"
        for name, error in found.items()
        if error > allowed[name]
    ]
