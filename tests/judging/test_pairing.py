"""Which rows are one cell, and what refuses to be compared."""

from __future__ import annotations

from typing import Any

import pytest

from invobench.errors import UsageError
from invobench.judging.pairing import Pair, identity_of, near, pair, require_comparable
from invobench.results import Row
from tests.judging.samples import broken
from tests.rows import row


def labels(pairs: list[Pair]) -> list[tuple[str, bool, bool]]:
    return [(one.identity.label, one.base is not None, one.candidate is not None) for one in pairs]


def test_cells_of_both_sides_in_order() -> None:
    pairs = pair([row("a"), row("b")], [row("c"), row("b"), row("d")])
    assert labels(pairs) == [("a", True, False), ("b", True, True), ("c", False, True), ("d", False, True)]
    assert [one.is_common for one in pairs] == [False, True, False, False]


@pytest.mark.parametrize(
    ("field", "value"),
    [("dtype", "float16"), ("mode", "backward"), ("scope", "aggregation"), ("backend_requested", "unfold")],
)
def test_what_an_identity_has(field: str, value: str) -> None:
    assert identity_of(row(**{field: value})) != identity_of(row())


def test_everything_else_is_compared() -> None:
    changed = row(kernel_size=9, params=1, backend="unfold", device="cpu:0", spec="b.yaml", status="noisy")
    assert identity_of(changed) == identity_of(row())


def test_the_order_of_coordinates_decides_nothing() -> None:
    one, other = (row(coordinates=dict(order)) for order in ([("b", 1), ("a", [2])], [("a", [2]), ("b", 1)]))
    assert identity_of(one) == identity_of(other)
    assert identity_of(one).label == "involution a=[2] b=1"
    assert hash(identity_of(row(coordinates={"operator": {"name": "conv"}})))


def test_the_number_of_a_gpu_decides_nothing() -> None:
    assert identity_of(row(device="cuda:1")).device == "cuda"


def test_a_cell_twice_on_a_side() -> None:
    with pytest.raises(UsageError, match=r"^involution \(cpu, float32, forward\) is twice in the candidate: give"):
        pair([row()], [row(), row()])


@pytest.mark.parametrize("swapped", [False, True])
def test_a_row_that_failed_before_it_had_a_device_takes_the_other_sides(swapped: bool) -> None:
    rows = [row(), broken(device=None, device_requested="auto")]
    pairs = pair(*([one] for one in (rows[::-1] if swapped else rows)))
    assert labels(pairs) == [("involution", True, True)]
    assert pairs[0].identity.device == "cpu"


def test_not_where_there_are_two() -> None:
    pairs = pair([row(), row(device="cuda:0")], [broken(device=None, device_requested="auto")])
    assert len(pairs) == 3


def refused(base: Row, candidate: Row, timing: bool = True) -> str:
    with pytest.raises(UsageError) as caught:
        require_comparable(pair([base], [candidate]), timing)
    return str(caught.value)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("convention", ("formula", "hook")),
        ("execution", ("eager", "compiled")),
        ("cache", ("hot", "cold")),
        ("memory_format", ("contiguous", "channels_last")),
        ("tf32", (False, True)),
        ("autograd", (False, True)),
        ("threads", (2, 4)),
    ],
)
def test_other_conditions_are_refused(field: str, values: tuple[Any, Any]) -> None:
    base, candidate = (row(coordinates={"kernel_size": 7}, **{field: value}) for value in values)
    old, new = (str(value).lower() for value in values)
    assert refused(base, candidate) == (
        f"involution kernel_size=7: {field} is {old} in the base and {new} in the candidate: "
        "these are not compared; measure both alike"
    )
    require_comparable(pair([base], [base]))


def test_pinned_processes_and_others() -> None:
    assert "affinity is not pinned in the base and pinned in" in refused(row(), row(affinity="0,1"))
    require_comparable(pair([row(affinity="0,1")], [row(affinity="2,3")]))


def test_threads_are_of_times_on_a_cpu() -> None:
    require_comparable(pair([row(threads=2)], [row(threads=4)]), timing=False)
    require_comparable(pair([row(threads=2, device="cuda:0")], [row(threads=4, device="cuda:0")]))
    require_comparable(pair([row(threads=2)], [broken(threads=4)]))


def test_another_device_is_refused() -> None:
    assert refused(row(), row(device="cuda:0")).startswith("involution: device is cpu in the base and cuda in the cand")


def test_a_device_more_is_a_new_cell() -> None:
    both = [row(), row(device="cuda:0")]
    require_comparable(pair([row()], both))
    require_comparable(pair(both, [row()]))


def test_near_names() -> None:
    gone = identity_of(row("involution_7x7"))
    others = [identity_of(row(name)) for name in ("conv", "involution_7", "involution7x7")]
    assert near(gone, others) == ["'involution7x7'", "'involution_7'"]
    assert near(gone, [identity_of(row("sasa"))]) == []
    changed = identity_of(row("involution_7x7", dtype="bfloat16", mode="backward"))
    assert near(gone, [changed]) == ["'involution_7x7' with dtype bfloat16, mode backward"]
