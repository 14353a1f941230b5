"""Shares of the limit, worked out by hand for a machine of round numbers."""

from __future__ import annotations

from typing import Any

import pytest

from invobench.measure.ceilings import Ceiling, Ceilings
from invobench.measure.roofline import hint, limited, roofline
from invobench.results import Row
from tests import rows

#: 10 GB/s from memory, 40 GB/s within the cache, 100 GFLOP/s in float32 and 50 in float64, 5 µs to launch
BANDWIDTH, WITHIN, RATE, SLOW, FLOOR = 10e9, 40e9, 100e9, 50e9, 5e-6


def one(quantity: str, value: float, **changes: Any) -> Ceiling:
    given = {"device": "cpu", "quantity": quantity, "value": value, "threads": 2, "samples": 9, "reached": True}
    return Ceiling(**{**given, **changes})


def machine(*others: Ceiling) -> Ceilings:
    known = (
        one("copy", BANDWIDTH),
        one("cached_copy", WITHIN),
        one("matmul", RATE, dtype="float32"),
        one("matmul", SLOW, dtype="float64"),
        one("launch", FLOOR),
    )
    return Ceilings(fingerprint="f", invobench="0.1.0", created="now", ceilings=(*known, *others))


def row(**changes: Any) -> Row:
    """100 MB and 0.5 G multiply-adds in 20 ms: 10 ms at either limit."""
    given = {"macs_formula": 500_000_000, "min_bytes": 100_000_000, "latency_s": 0.02, "cache": "hot"}
    return rows.row(**{**given, **changes})


def test_rates_and_share() -> None:
    assert roofline(row(min_bytes=50_000_000), machine()) == {
        "achieved_bytes_per_s": pytest.approx(2.5e9),
        "achieved_flops_per_s": pytest.approx(5e10),
        "limit_share": pytest.approx(0.5),
        "bound": "compute",
    }
    found = roofline(row(min_bytes=150_000_000), machine())
    assert (found["limit_share"], found["bound"]) == (pytest.approx(0.75), "memory")


def test_dtype_and_device_choose_the_ceiling() -> None:
    assert roofline(row(dtype="float64"), machine())["limit_share"] == pytest.approx(1.0)
    gpu = [
        one(quantity, value, device="cuda:0", threads=None, **more)
        for quantity, value, more in (
            ("copy", 1e12, {}),
            ("matmul", 1e12, {"dtype": "float32"}),
            ("matmul", 4e12, {"dtype": "float32", "tf32": True}),
            ("launch", FLOOR, {}),
        )
    ]
    on_gpu = row(device="cuda:0", threads=7)
    assert roofline(on_gpu, machine(*gpu))["limit_share"] == pytest.approx(1e9 / 1e12 / 0.02)
    rounded = row(device="cuda:0", tf32=True, min_bytes=1)
    assert roofline(rounded, machine(*gpu))["limit_share"] == pytest.approx(1e9 / 4e12 / 0.02)


def test_what_stays_in_the_cache_is_set_against_the_cache() -> None:
    """2.5 ms at 40 GB/s, but 10 ms where it does not fit, with its outputs too, is cold, or does not say."""
    still = {"macs_formula": 1, "working_set_bytes": 100_000_000, "cache_bytes": 100_000_000}
    assert roofline(row(**still), machine())["limit_share"] == pytest.approx(0.125)
    for change in (
        {"working_set_bytes": 100_000_001},
        {"working_set_bytes": 1, "cache_bytes": 99_999_999},
        {"cache": "cold"},
        {"working_set_bytes": None},
        {"cache_bytes": None},
    ):
        assert roofline(row(**{**still, **change}), machine())["limit_share"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("changes", "bound"),
    [
        ({"latency_s": 9.9e-6}, "launch"),
        ({"latency_s": 10e-6}, "memory"),
        ({"launch_share": 0.51}, "launch"),
        ({"launch_share": 0.5}, "memory"),
        ({"launch_share": 0.0}, "memory"),
    ],
)
def test_launching_is_the_bound(changes: dict[str, float], bound: str) -> None:
    assert roofline(row(**changes), machine())["bound"] == bound


def test_a_share_above_one_is_not_hidden() -> None:
    assert roofline(row(latency_s=0.005), machine())["limit_share"] == pytest.approx(2.0)


RATES = {"achieved_bytes_per_s": pytest.approx(5e9), "achieved_flops_per_s": pytest.approx(5e10)}


@pytest.mark.parametrize(
    "changes", [{"threads": 1}, {"threads": None}, {"device": "cuda:0"}, {"dtype": "bfloat16"}, {"device": None}]
)
def test_without_its_ceilings_a_row_has_rates_alone(changes: dict[str, Any]) -> None:
    assert roofline(row(**changes), machine()) == RATES


def test_without_any_ceilings_a_row_has_rates_alone() -> None:
    assert roofline(row(), None) == RATES


@pytest.mark.parametrize("missing", ["copy", "matmul", "launch"])
def test_a_missing_quantity_leaves_share_and_bound_out(missing: str) -> None:
    known = machine()
    kept = tuple(item for item in known.ceilings if item.quantity != missing)
    assert roofline(row(), known.model_copy(update={"ceilings": kept})) == RATES


def test_without_formula_or_latency_there_is_nothing() -> None:
    assert roofline(row(macs_formula=None, min_bytes=None), machine()) == {}
    assert roofline(row(latency_s=None), machine()) == {}
    assert roofline(row(status="failed"), machine()) == {}


def test_a_row_takes_its_limits_up() -> None:
    done = limited(row(), machine())
    assert done.limit_share == pytest.approx(0.5)
    assert done.model_copy(update=dict.fromkeys(("limit_share", "bound", *RATES))) == row()
    assert Row.model_validate(done.model_dump()) == done


def test_the_hint_is_what_to_run() -> None:
    with_limits = limited(row(), machine())
    assert hint([with_limits], machine()) == ""
    assert hint([row(status="oom", latency_s=None)], None) == ""
    assert hint([row(macs_formula=None, min_bytes=None)], None) == ""
    assert hint([row()], None) == "no ceilings measured here: run invobench ceilings"
    assert hint([row(dtype="bfloat16")], machine()) == "", "this machine has no such product: nothing would help"
    some = "no ceilings measured here for some rows: run invobench ceilings --device "
    assert hint([with_limits, row(threads=1)], machine()) == f"{some}cpu --threads 1"
    assert hint([with_limits, row(device="cuda:1")], machine()) == f"{some}cuda:1"
