"""Formulas and counter against literal loops: drawn layers of every operator, forward and backward, and the values.

Three things that share no code must agree, to the last multiply-add: the cost terms, what the layers dispatch, and
`loops_*.py`, whose outputs and gradients are compared with the modules' so that they count what has to be done.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from invobench.complexity.dispatch import Count, count_dispatched
from invobench.conventions import PRODUCTS, Convention
from invobench.cost import MODES, Cost, CostTerm
from invobench.operators import BACKENDS, OPERATORS, OperatorEntry
from invobench.operators.base import LayerShape
from invobench.operators.stand_alone_attention.module import relative_logits
from invobench.runner.steps import STEPS
from tests.complexity.loops import Grid, Shape, Tally, indices
from tests.complexity.loops_attention import Attention
from tests.complexity.loops_conv import Conv
from tests.complexity.loops_involution import Involution
from tests.complexity.strategies import LAYERS, counted
from tests.operators.cases import Case

LOOPS: Mapping[str, Any] = {"involution": Involution, "conv": Conv, "stand_alone_attention": Attention}
CONVENTIONS = (Convention.FORMULA, Convention.VALID_TAPS)
EXAMPLES = 200
#: and in the quick tier, of the property that takes longest
FEW = 50


class Looped:
    """A layer computed in loops, on random numbers."""

    def __init__(self, layer: Case) -> None:
        self.loops = LOOPS[layer.operator](layer.shape.dims, layer.scope, layer.fields.model_dump())
        numbers = random.Random(0)
        self.given = {name: _random(shape, numbers) for name, shape in self.loops.shapes().items()}
        for name in self.given:
            if name.endswith("running_var"):
                self.given[name] = {index: 0.5 + value**2 for index, value in self.given[name].items()}
        self.forward, self.backward = Tally(), Tally()
        self.y: Grid = self.loops.forward(self.given, self.forward)
        self.grad_y = {index: numbers.uniform(-1, 1) for index in sorted(self.y)}
        self.grads: dict[str, Grid] = self.loops.backward(self.given, self.grad_y, self.backward)

    def terms(self, convention: Convention, mode: str) -> Counter[str]:
        """Multiply-adds by term; a train step is a forward and a backward pass."""
        taps = "inside" if convention is Convention.VALID_TAPS else "every"
        forward, backward = getattr(self.forward, taps), getattr(self.backward, taps)
        return {"forward": forward, "backward": backward, "train_step": forward + backward}[mode]


def _random(shape: Shape, numbers: random.Random) -> Grid:
    return {index: numbers.uniform(-1, 1) for index in indices(*shape)}


def check_formula(layer: Case) -> None:
    """Every term and the totals, in every mode, with and without the taps on padding."""
    looped = Looped(layer)
    cost = OPERATORS[layer.operator].cost(layer.fields, layer.shape, layer.scope)
    assert cost is not None
    products = [term for term in cost.terms if term.kind in PRODUCTS]
    done = {term.name: (term.operations, term.operations - term.padding_operations) for term in products}
    assert done == {term: (every, looped.forward.inside[term]) for term, every in looped.forward.every.items()}
    for convention in CONVENTIONS:
        for mode in MODES:
            found = {term.name: term.macs(convention, mode) for term in products}
            assert found == {name: looped.terms(convention, mode)[name] for name in looped.forward.every}
            assert cost.macs(convention, mode) == looped.terms(convention, mode).total()


def involution_einsum(x: Tensor, weight: Tensor, kernel_size: int, stride: int, dilation: int) -> Tensor:
    """The aggregation as one contraction over the taps."""
    batch, groups, taps, height, width = weight.shape
    border = dilation * (kernel_size // 2)
    columns = functional.unfold(x, kernel_size, dilation=dilation, padding=border, stride=stride)
    columns = columns.view(batch, groups, -1, taps, height, width)
    return torch.einsum("ngtyx,ngctyx->ngcyx", weight, columns).flatten(1, 2)


def attention_einsum(q: Tensor, k: Tensor, v: Tensor, row: Tensor, column: Tensor, kernel_size: int) -> Tensor:
    """Scores and weighted sum as a contraction each."""
    heads, size = row.shape[0], q.shape[-2:]
    keys, values = (
        functional.unfold(x, kernel_size, padding=kernel_size // 2).view(x.shape[0], heads, -1, kernel_size**2, *size)
        for x in (k, v)
    )
    q = q.unflatten(1, (heads, -1))
    rows, columns = relative_logits(q, row, column)
    relative = (rows.unsqueeze(3) + columns.unsqueeze(2)).flatten(2, 3)
    attention = (torch.einsum("nhdyx,nhdtyx->nhtyx", q, keys) + relative).softmax(dim=2)
    return torch.einsum("nhtyx,nhdtyx->nhdyx", attention, values).flatten(1, 2)


#: operator -> what computes it: every backend whose work is dispatched and not declared, and an einsum that is none
SPELLINGS: dict[str, dict[str, Callable[..., Any]]] = {
    name: {backend: entry.load() for backend, entry in BACKENDS[name].items() if not entry.opaque} for name in LOOPS
}
SPELLINGS["involution"]["einsum"] = involution_einsum
SPELLINGS["stand_alone_attention"]["einsum"] = attention_einsum


def dispatched(layer: Case, code: Callable[..., Any], dtype: torch.dtype, device: str, mode: str) -> Count:
    """What the layer dispatches."""
    with torch.device(device):
        module = OPERATORS[layer.operator].build(layer.fields, layer.shape.in_channels, code, layer.scope).to(dtype)
    shapes = layer.fields.input_shapes(layer.shape, layer.scope)
    step = STEPS[mode](module, tuple(torch.zeros(shape, dtype=dtype, device=device) for shape in shapes), "layer")
    step.prepare()
    return count_dispatched(step.run)


def check_dispatch(layer: Case, dtype: torch.dtype, device: str) -> None:
    """The counter, for every spelling and mode."""
    looped = Looped(layer)
    for mode in MODES:
        wanted = looped.terms(Convention.FORMULA, mode).total()
        counts = {
            name: dispatched(layer, code, dtype, device, mode) for name, code in SPELLINGS[layer.operator].items()
        }
        found = {name: (count.macs, dict(count.uncounted)) for name, count in counts.items()}
        assert (mode, found) == (mode, dict.fromkeys(found, (wanted, {})))


def check_values(layer: Case) -> None:
    """Output and gradients, against the reference backend in float64."""
    looped = Looped(layer)
    shapes = looped.loops.shapes()
    tensors = {name: _tensor(looped.given[name], shape) for name, shape in shapes.items()}
    inputs = [tensors.pop(name).requires_grad_() for name in looped.loops.inputs]
    module = layer.build("reference").double()
    unset = module.load_state_dict(tensors, strict=False)
    assert unset.unexpected_keys == []
    assert all(name.endswith("num_batches_tracked") for name in unset.missing_keys)
    y = module(*inputs)
    leaves = dict(zip(looped.loops.inputs, inputs, strict=True)) | dict(module.named_parameters())
    grads = torch.autograd.grad(y, list(leaves.values()), _tensor(looped.grad_y, y.shape))
    assert len(looped.y) == y.numel()
    _same("y", looped.y, y)
    assert looped.grads.keys() == leaves.keys()
    for name, grad in zip(leaves, grads, strict=True):
        _same(f"gradient of {name}", looped.grads[name], grad)


def _tensor(grid: Grid, shape: Shape) -> Tensor:
    """The numbers inside `shape`; a gradient that nothing was added to is zero."""
    return torch.tensor([grid.get(index, 0.0) for index in indices(*shape)], dtype=torch.float64).view(*shape)


def _same(name: str, found: Grid, right: Tensor) -> None:
    difference = (_tensor(found, tuple(right.shape)) - right).abs().max().item()
    assert difference <= 1e-9 * right.abs().max().item(), name


def drawn(
    layers: st.SearchStrategy[Any],
    check: Callable[..., None],
    phases: tuple[Phase, ...] = (Phase.generate, Phase.shrink),
    examples: int = EXAMPLES,
) -> int:
    """Run `check` on `examples` draws, the same ones in each run; how many different ones there were."""
    seen = []

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(layers)
    def each(case: Any) -> None:
        seen.append(case)
        check(*case)

    each()
    return len(set(seen))


def test_every_operator_with_a_formula_has_loops() -> None:
    assert LOOPS.keys() == LAYERS.keys() == OPERATORS.keys() - {"module"}


@pytest.mark.parametrize("operator", LOOPS)
def test_formula_equals_loops(operator: str) -> None:
    assert drawn(st.tuples(LAYERS[operator]()), check_formula) >= EXAMPLES


@pytest.mark.parametrize("operator", LOOPS)
def test_dispatched_equals_loops_on_a_few(operator: str) -> None:
    assert drawn(counted(operator), check_dispatch, examples=FEW) >= FEW


@pytest.mark.slow
@pytest.mark.parametrize("operator", LOOPS)
def test_dispatched_equals_loops(operator: str) -> None:
    assert drawn(counted(operator), check_dispatch) >= EXAMPLES


@pytest.mark.parametrize("operator", LOOPS)
def test_loops_equal_the_reference(operator: str) -> None:
    assert drawn(st.tuples(LAYERS[operator]()), check_values) >= EXAMPLES


#: operator -> field (or part of the shape) -> values that the draws above must reach
REACHED: dict[str, dict[str, set[Any]]] = {
    "involution": {
        "kernel_size": {1, 3, 5},
        "stride": {1, 2, 3},
        "dilation": {1, 2, 3},
        "group_channels": {None, 1, 2, "C"},
        "groups": {None, 1, 2},
        "reduction_ratio": {1, 2, 3},
        "form": {"bottleneck", "linear"},
        "scope": {"module", "aggregation"},
    },
    "conv": {
        "kernel_size": {1, 2, 3, 4, 5},
        "stride": {1, 2, 3},
        "dilation": {1, 2, 3},
        "padding": {None, 0, 1, 2, 3},
        "groups": {1, 2, "C"},
        "bias": {True, False},
    },
    "stand_alone_attention": {"kernel_size": {1, 3, 5}, "stride": {1, 2}, "num_heads": {1, 2, 3}},
}


@pytest.mark.parametrize("operator", LOOPS)
def test_draws_reach_every_option(operator: str) -> None:
    seen: dict[str, set[Any]] = defaultdict(set)

    def note(layer: Case) -> None:
        assert list(layer.fields.problems(layer.shape.in_channels)) == []
        batch, _, height, width = layer.shape.dims
        for name, value in {**layer.fields.model_dump(), "scope": layer.scope}.items():
            seen[name].add(value)
        seen["batch"].add(batch)
        seen["size"] |= {height, width}

    drawn(st.tuples(LAYERS[operator]()), note)
    wanted = {**REACHED[operator], "batch": {1, 2}, "size": {1, 2, 3, 4, 5, 6}}
    assert {name: values - seen[name] for name, values in wanted.items() if values - seen[name]} == {}


def _one_more(term: CostTerm, layer: Case) -> CostTerm:
    return replace(term, operations=term.operations + 1)


def _k_for_k2(term: CostTerm, layer: Case) -> CostTerm:
    return replace(term, operations=term.operations // layer.fields.columns()["kernel_size"])


def _k2_for_k(term: CostTerm, layer: Case) -> CostTerm:
    return replace(term, operations=term.operations * layer.fields.columns()["kernel_size"])


def _size_of_the_input(term: CostTerm, layer: Case) -> CostTerm:
    return replace(term, operations=term.operations * _positions(layer.shape) // _positions(_out(layer)))


def _size_of_the_output(term: CostTerm, layer: Case) -> CostTerm:
    return replace(term, operations=term.operations * _positions(_out(layer)) // _positions(layer.shape))


def _positions(shape: LayerShape) -> int:
    return shape.height * shape.width


def _out(layer: Case) -> LayerShape:
    return layer.fields.output_shape(layer.shape)


def _groups(layer: Case) -> int:
    fields: Any = layer.fields
    return int(fields.group_count(layer.shape.in_channels))


def _times_groups(term: CostTerm, layer: Case) -> CostTerm:
    return replace(term, operations=term.operations * _groups(layer))


def _over_groups(term: CostTerm, layer: Case) -> CostTerm:
    return replace(term, operations=term.operations // _groups(layer))


def _not_reduced(term: CostTerm, layer: Case) -> CostTerm:
    return replace(term, operations=term.operations * layer.fields.columns()["reduction_ratio"])


def _of_one_image(term: CostTerm, layer: Case) -> CostTerm:
    return replace(term, operations=term.operations // layer.shape.batch)


def _no_padding(term: CostTerm, layer: Case) -> CostTerm:
    return replace(term, padding_operations=0)


Wrong = Callable[[CostTerm, Case], CostTerm]
_TERMS = {
    "involution": ("reduce", "span", "aggregate"),
    "conv": ("conv",),
    "stand_alone_attention": ("query", "key", "value", "scores", "relative", "weighted_sum"),
}
#: (operator, term, what is wrong with it)
WRONG: list[tuple[str, str, Wrong]] = [
    *(
        (operator, term, wrong)
        for operator, terms in _TERMS.items()
        for term in terms
        for wrong in (_one_more, _of_one_image)
    ),
    *(("involution", term, _size_of_the_input) for term in _TERMS["involution"]),
    *(("involution", term, _k_for_k2) for term in ("span", "aggregate")),
    ("involution", "span", _over_groups),
    ("involution", "span", _not_reduced),
    ("involution", "reduce", _not_reduced),
    ("involution", "aggregate", _over_groups),
    ("involution", "aggregate", _no_padding),
    ("conv", "conv", _k_for_k2),
    ("conv", "conv", _size_of_the_input),
    ("conv", "conv", _times_groups),
    ("conv", "conv", _no_padding),
    *(("stand_alone_attention", term, _size_of_the_output) for term in _TERMS["stand_alone_attention"]),
    *(
        ("stand_alone_attention", term, wrong)
        for term in ("scores", "weighted_sum")
        for wrong in (_k_for_k2, _no_padding)
    ),
    ("stand_alone_attention", "relative", _k2_for_k),
]


@pytest.mark.parametrize(("operator", "name", "wrong"), WRONG, ids=lambda value: getattr(value, "__name__", value))
def test_a_wrong_formula_fails(monkeypatch: pytest.MonkeyPatch, operator: str, name: str, wrong: Wrong) -> None:
    right = OperatorEntry.cost

    def cost(self: OperatorEntry, fields: Any, shape: LayerShape, scope: str = "module") -> Cost:
        found = right(self, fields, shape, scope)
        assert found is not None
        layer = Case(operator, fields, shape, scope)
        terms = tuple(wrong(term, layer) if term.name == name else term for term in found.terms)
        return replace(found, terms=terms)

    monkeypatch.setattr(OperatorEntry, "cost", cost)
    assert_fails(st.tuples(LAYERS[operator]()), check_formula)


@pytest.mark.parametrize("operator", LOOPS)
def test_a_backward_pass_that_counts_one_gradient_fails(monkeypatch: pytest.MonkeyPatch, operator: str) -> None:
    monkeypatch.setattr(CostTerm, "factor", lambda self, mode: {"forward": 1, "backward": 1, "train_step": 2}[mode])
    assert_fails(st.tuples(LAYERS[operator]()), check_formula)


@pytest.mark.parametrize("operator", LOOPS)
def test_code_that_multiplies_once_more_fails(monkeypatch: pytest.MonkeyPatch, operator: str) -> None:
    right = SPELLINGS[operator]["reference"]

    def wasteful(*args: Any) -> Tensor:
        y: Tensor = right(*args)
        return y * torch.ones_like(y)

    monkeypatch.setitem(SPELLINGS[operator], "reference", wasteful)
    assert_fails(counted(operator), check_dispatch)


def test_loops_that_forget_a_gradient_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.complexity.loops_involution.added", lambda first, second: first)
    assert_fails(st.tuples(LAYERS["involution"]()), check_values)


def assert_fails(layers: st.SearchStrategy[Any], check: Callable[..., None]) -> None:
    """The property does not hold; the first draw that shows it is enough."""
    with pytest.raises(AssertionError):
        drawn(layers, check, phases=(Phase.generate,))
