"""Every backend of every operator against float64 `reference`: values and gradients."""

from __future__ import annotations

import pytest
import torch

from invobench.operators import BACKENDS, OPERATORS
from invobench.operators.select import unavailable
from tests.operators.cases import LAYOUTS, QUICK, Case, Problem, case, grid, laid_out, mismatches, worst_error

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
#: operators whose only code is the user's
OWN = {"module"}


def pairs() -> list[tuple[str, str]]:
    """Each operator with each of its backends that runs here, `reference` too."""
    return [
        (operator, backend)
        for operator in OPERATORS
        if operator not in OWN
        for backend, entry in BACKENDS[operator].items()
        if unavailable(entry, "cpu") is None
    ]


def test_every_operator_has_a_reference_and_cases():
    for operator in set(OPERATORS) - OWN:
        assert "reference" in BACKENDS[operator]
        assert {k.fields.kernel_size for k in QUICK[operator]} >= {3, 5, 7}
        assert {k.scope for k in QUICK[operator]} == set(OPERATORS[operator].fields().scopes)
        assert {k.shape.batch for k in QUICK[operator]} == {1, 3}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    ("backend", "item", "layout"),
    [
        pytest.param(backend, item, LAYOUTS[index % 3], id=f"{backend}-{item}-{LAYOUTS[index % 3]}")
        for operator, backend in pairs()
        for index, item in enumerate(QUICK[operator])
    ],
)
def test_agrees_with_float64_reference(backend: str, item: Case, layout: str, dtype: torch.dtype):
    assert mismatches(item, backend, dtype, layout) == []


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("operator", "backend"), pairs())
def test_every_layout(operator: str, backend: str, layout: str):
    assert mismatches(QUICK[operator][1], backend, torch.float32, layout) == []


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kernel_size", [3, 5, 7])
@pytest.mark.parametrize(("operator", "backend"), [pair for pair in pairs() if pair[1] != "reference"])
def test_full_grid(operator: str, backend: str, kernel_size: int, dtype: torch.dtype):
    cases = [item for item in grid(operator, kernel_size) if not is_library_fault(item, backend, dtype)]
    wrong = [line for i, item in enumerate(cases) for line in mismatches(item, backend, dtype, LAYOUTS[i % 3])]
    assert wrong == []
    assert len(cases) >= 32


def is_library_fault(item: Case, backend: str, dtype: torch.dtype) -> bool:
    """oneDNN 3.12 (in torch 2.13) leaves bfloat16 weight gradients unwritten where the stride exceeds the width."""
    fields = item.fields.model_dump()
    faulty = backend == "aten" and dtype == torch.bfloat16 and fields["dilation"] == 1
    return faulty and fields["stride"] > item.shape.width


@pytest.mark.parametrize(("operator", "backend"), [pair for pair in pairs() if pair[1] != "reference"])
def test_the_comparison_refuses_a_shifted_input(operator: str, backend: str, monkeypatch: pytest.MonkeyPatch):
    """A backend that shifts its input by one pixel is refused, in the coarsest dtype."""
    item = QUICK[operator][0]
    entry = BACKENDS[operator][backend]
    code = entry.load()

    def shifted(x, *rest):
        return code(torch.roll(x, 1, dims=-1), *rest)

    monkeypatch.setattr(type(entry), "load", lambda self: shifted if self is entry else original(self))
    original = type(entry).__mro__[1].load
    assert mismatches(item, backend, torch.bfloat16, "contiguous") != []


@pytest.mark.parametrize(
    ("operator", "backend"), [pair for pair in pairs() if pair[0] in {"involution", "conv"} and pair[1] != "reference"]
)
def test_whole_numbers_are_exact(operator: str, backend: str):
    """Sums of small whole numbers do not round, so that each backend must equal `reference` bit by bit."""
    items = {
        "involution": case("involution", (3, 8, 9, 6), "aggregation", kernel_size=5, stride=2, groups=2),
        "conv": case("conv", (3, 8, 9, 6), kernel_size=5, stride=2, groups=2, bias=True),
    }
    problem = Problem.of(items[operator], torch.float32)
    whole = Problem(
        problem.case,
        problem.dtype,
        {name: (8 * value).round() for name, value in problem.state.items()},
        tuple(x.round() for x in problem.inputs),
        problem.grad.round(),
    )
    exact, found = whole.solve("reference", torch.float32), whole.solve(backend, torch.float32, "strided")
    assert {name: torch.equal(found[name], value) for name, value in exact.items()} == dict.fromkeys(exact, True)


def test_an_infinite_error_is_reported_where_a_result_is_not_finite():
    exact = {"y": torch.ones(2, dtype=torch.float64)}
    assert worst_error({"y": torch.tensor([1.0, torch.nan], dtype=torch.float64)}, exact) == {"y": float("inf")}
    assert worst_error({"y": torch.tensor([1.0, 1.5], dtype=torch.float64)}, exact) == {"y": 0.5}


def test_strided_inputs_are_views_into_a_nan_buffer():
    x = laid_out(torch.ones(1, 2, 3, 4), "strided")
    assert not x.is_contiguous()
    assert torch.equal(x, torch.ones(1, 2, 3, 4))
    assert x._base is not None
    assert x._base.isnan().sum().item() == x._base.numel() - x.numel()
