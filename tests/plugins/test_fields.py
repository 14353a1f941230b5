"""Fields of an installed package's: any type and validator, checked, hashed and put into columns like ours."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar

import pytest
from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from invobench.networks import NETWORKS
from invobench.operators import OPERATORS
from invobench.operators.base import RESERVED, LayerShape, LayerSpec, OperatorFields
from invobench.spec.keys import LayerKeys, NetworkKeys
from invobench.spec.located import Place, located
from invobench.spec.messages import built
from tests.builders import cell

PLACE = Place("x.yaml", 1, 1)


def _even(value: int) -> int:
    if value % 2:
        raise PydanticCustomError("acme_even", "{value} is odd:\n use an even one", {"value": value})
    return value


class Fields(OperatorFields):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    sizes: list[int] = Field(default=[3, 3])
    path: PurePosixPath = PurePosixPath("a")
    even: Annotated[int, AfterValidator(_even)] = 2
    kernel_size: list[int] | int = Field(default=[3, 5])

    @model_validator(mode="after")
    def together(self) -> Fields:
        if self.even == 6:
            raise PydanticCustomError("acme_six", "six is too many")
        return self


def messages(**values: Any) -> list[str]:
    report: set = set()
    built(Fields, {key: located(value, PLACE.below(key)) for key, value in values.items()}, PLACE, report)
    return sorted(f"{problem.key}: {problem.message}" for problem in report)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"path": "b"}, "path: must be an instance of PurePosixPath, not 'b'"),
        ({"even": 3}, "even: 3 is odd: use an even one"),
        ({"even": "x"}, "even: must be a whole number, not 'x'"),
        ({"even": 6}, "spec: six is too many"),
    ],
)
def test_what_pydantic_or_a_validator_says_is_kept(values: dict[str, Any], message: str) -> None:
    assert messages(**values) == [message]


def test_fields_with_lists_can_be_told_apart() -> None:
    one, same, other = Fields(sizes=[1]), Fields(sizes=[1]), Fields(sizes=[2])
    assert hash(one) == hash(same)
    assert {one, same, other} == {one, other}
    assert len({one, same, other}) == 2


def test_ours_are_told_apart_as_before() -> None:
    conv, involution = (OPERATORS[name].fields() for name in ("conv", "involution"))
    assert len({conv(), conv(kernel_size=3), conv(kernel_size=5), involution()}) == 3


def test_a_column_of_numbers_has_whole_numbers_alone() -> None:
    fields = OPERATORS["conv"].fields()(kernel_size=5, bias=True)
    assert (fields.whole("kernel_size"), fields.whole("bias"), fields.whole("none")) == (5, None, None)
    assert Fields().whole("kernel_size") is None


def test_the_shape_that_backends_are_compared_on() -> None:
    shape = LayerShape(8, 16, 56, 6)
    conv = OPERATORS["conv"].fields()
    assert conv(kernel_size=7).small_shape(shape) == LayerShape(2, 16, 11, 6)
    assert conv(kernel_size=3, dilation=2).small_shape(LayerShape(1, 4, 99, 99)) == LayerShape(2, 4, 9, 11)
    assert Fields().small_shape(shape) == LayerShape(2, 16, 5, 6)


def test_a_cell_is_described_in_plain_values() -> None:
    described = cell(LayerSpec("conv", Fields(path=PurePosixPath("b/c")))).describe()["what"]
    assert described == {
        "operator": "conv",
        "sizes": [3, 3],
        "path": "PurePosixPath('b/c')",
        "even": 2,
        "kernel_size": [3, 5],
    }


def test_reserved_keys_are_those_that_a_spec_knows() -> None:
    ours = {"name", "gate", "matrix", "include", "exclude", "operator", "network", "module", "kwargs"}
    assert ours | set(LayerKeys.model_fields) | set(NetworkKeys.model_fields) == RESERVED


@pytest.mark.parametrize("name", [name for name in OPERATORS if name != "module"])
def test_our_operators_pass_the_checks_of_others(name: str) -> None:
    assert OPERATORS[name].problem() == ""


@pytest.mark.parametrize("name", NETWORKS)
def test_our_networks_pass_the_checks_of_others(name: str) -> None:
    assert NETWORKS[name].problem() == ""


def test_alternatives_are_the_operators_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """An operator that excludes `stride` by `kernel_size` does not take conv's stride away."""
    from invobench.spec import targets

    class Greedy(OperatorFields):
        alternatives: ClassVar[tuple[str, ...]] = ("kernel_size", "stride")
        kernel_size: int = 3
        stride: int = 1

    class Entry:
        def fields(self) -> type[OperatorFields]:
            return Greedy

    monkeypatch.setitem(OPERATORS._entries, "greedy", Entry())
    monkeypatch.setitem(OPERATORS._added.owners, "greedy", "acme 1.0")
    targets._rivals.cache_clear()
    under = {"operator": "conv", "stride": 2}
    found = {}
    for operator in ("conv", "greedy", None):
        values = {**under, "operator": operator} if operator else {"stride": 2}
        items = {key: located(value, PLACE) for key, value in values.items()}
        found[operator] = set(targets.overlaid(items, {"kernel_size": located(5, PLACE)}))
    targets._rivals.cache_clear()
    assert found == {
        "conv": {"operator", "stride", "kernel_size"},
        "greedy": {"operator", "kernel_size"},
        None: {"stride", "kernel_size"},
    }
