"""Two columns of stored rows: what is drawn, what is left out, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from invobench import units
from invobench.conventions import Convention, ConventionMismatch
from invobench.errors import EXIT_USAGE, UnknownName, UsageError
from invobench.report.figures import Request
from invobench.report.figures.chart import Chart
from invobench.report.figures.columns import numeric_fields
from invobench.report.figures.scatter import chart
from invobench.results import Row
from tests.report.figures.stored import CONV, elsewhere, timed, write
from tests.rows import MISSING, row


@pytest.fixture
def drawn(tmp_path: Path) -> Any:
    """Rows -> the chart of a file that holds them."""

    def make(*rows: Row, **options: Any) -> Chart:
        return chart(Request((write(tmp_path / "results.jsonl", list(rows)),), **options))

    return make


def shown(found: Chart) -> dict[str, list[tuple[float, float]]]:
    return {item.label: [(round(point.x, 6), round(point.y, 6)) for point in item.points] for item in found.series}


def test_a_series_a_group_in_the_units_of_the_axes(drawn: Any) -> None:
    found = drawn(
        row("a", macs_formula=22_000_000, **timed(0.012)),
        row("b", macs_formula=44_000_000, **timed(0.02)),
        row("c", macs_formula=115_000_000, **CONV, **timed(0.001)),
    )
    assert shown(found) == {"involution": [(22, 12), (44, 20)], "conv": [(115, 1)]}
    assert (found.x.label, found.y.label) == ("multiply-adds (10⁶)", "latency (ms)")
    assert [point.y_interval for point in found.series[1].points] == [pytest.approx((0.9, 1.1))]
    assert [point.x_interval for point in found.series[1].points] == [None]
    assert [point.name for item in found.series for point in item.points] == ["a", "b", "c"]
    assert found.named
    assert found.caption == (
        "multiply-adds of the batch, convention formula (flops\u00a0=\u00a02\u00a0×\u00a0MACs)",
        "forward, float32, scope module",
        "cpu Some CPU @ 2.00GHz, 2 threads",
        "torch 2.13.0",
        "invobench 0.1.0",
        "bars: 95 % interval of the median",
    )
    assert found.notes == ()


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ({"x": "macs_dispatched", "y": "peak_memory"}, ("dispatched multiply-adds (10⁶)", "peak memory (MiB)")),
        ({"x": "params", "y": "throughput"}, ("parameters (10³)", "throughput, images per second")),
        ({"x": "min_bytes", "y": "max_error"}, ("least bytes moved (KiB)", "largest error, relative")),
        ({"x": "kernel_size", "y": "cell_time_s"}, ("kernel size", "cell time (s)")),
        ({"x": "reduction_ratio", "y": "peak_memory_bytes"}, ("reduction ratio", "peak memory (MiB)")),
    ],
)
def test_any_numeric_column(drawn: Any, options: dict[str, str], labels: tuple[str, str]) -> None:
    given = {"min_bytes": 5000, "throughput_per_s": 81.3, "cell_time_s": 3.5, "coordinates": {"reduction_ratio": 4}}
    found = drawn(row(**given), **options)
    assert (found.x.label, found.y.label) == labels
    assert not any("convention" in part for part in found.caption) or "macs" in options["x"]


def test_rows_without_a_value_are_left_out_and_named(drawn: Any) -> None:
    found = drawn(
        row("fits"),
        row("large", status="oom", coordinates={"kernel_size": 9}, **MISSING),
        row("counted", latency_s=None, latency_low_s=None, latency_high_s=None),
    )
    assert shown(found) == {"involution": [(22.880256, 12.3)]}
    assert found.notes == ("left out: large kernel_size=9: oom", "left out: counted: no latency")
    assert found.caption[-1] == "2 rows left out: oom 1, no latency 1"


def test_exact_columns_of_a_row_that_was_not_measured_are_drawn(drawn: Any) -> None:
    found = drawn(row("large", status="oom", **MISSING), x="params", y="macs")
    assert shown(found) == {"involution": [(4.388, 22.880256)]}
    assert found.notes == ()


def test_nothing_to_draw(drawn: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        drawn(row(status="oom", **MISSING), row(status="oom", **MISSING))
    path = tmp_path / "results.jsonl"
    assert str(error.value) == f"{path}: nothing to draw: no row has both macs_formula and latency_s (oom 2)"
    with pytest.raises(UsageError) as error:
        drawn()
    assert str(error.value) == f"{path}: nothing to draw: no row has both macs_formula and latency_s"


def test_two_conventions_are_refused_where_multiply_adds_are_drawn(tmp_path: Path) -> None:
    files = (
        write(tmp_path / "a.jsonl", [row()]),
        write(tmp_path / "b.jsonl", [row(convention=Convention.HOOK)]),
    )
    with pytest.raises(ConventionMismatch) as error:
        chart(Request(files))
    refusal = "multiply-adds under formula and hook cannot be compared: count both under one --convention"
    assert str(error.value) == refusal
    assert error.value.exit_code == EXIT_USAGE
    assert len(chart(Request(files, x="params")).series) == 1


@pytest.mark.parametrize(
    ("latencies", "log", "expected"),
    [
        ((0.001, 0.0101), None, True),
        ((0.001, 0.01), None, False),
        ((0.001, 0.0101), "none", False),
        ((0.001, 0.0101), "x", False),
        ((0.001, 0.002), "y", True),
        ((0.001, 0.002), "xy", True),
    ],
)
def test_an_axis_is_logarithmic_beyond_tenfold_or_as_told(
    drawn: Any, latencies: tuple[float, float], log: str | None, expected: bool
) -> None:
    found = drawn(row("a", **timed(latencies[0])), row("b", **timed(latencies[1])), log=log)
    assert found.y.log is expected
    assert found.x.log is (log in {"x", "xy"})


def test_a_logarithmic_axis_cannot_show_zero(drawn: Any) -> None:
    rows = (row("a", params=0), row("b", params=1000))
    assert not drawn(*rows, x="params").x.log
    with pytest.raises(UsageError) as error:
        drawn(*rows, x="params", log="x")
    assert str(error.value) == "--log: params has a value of 0, which a logarithmic axis cannot show"


def test_what_tells_rows_apart_splits_a_group(drawn: Any) -> None:
    found = drawn(
        row("a", backend="unfold"),
        row("a", backend="shift", mode="train_step"),
        row("c", **CONV),
    )
    assert [item.label for item in found.series] == [
        "involution, unfold, forward",
        "involution, shift, train_step",
        "conv",
    ]
    assert [item.family for item in found.series] == ["involution", "involution", "conv"]
    assert "float32, scope module" in found.caption


def test_machines_and_versions_are_told_apart(tmp_path: Path) -> None:
    files = (
        write(tmp_path / "a.jsonl", [row("a")]),
        write(tmp_path / "b.jsonl", [row("a", device="cuda:1")], elsewhere(torch="2.14.0", gpus=("H100", "H200"))),
    )
    found = chart(Request(files))
    cpu, gpu = "cpu Some CPU @ 2.00GHz, 2 threads", "cuda H200"
    assert [item.label for item in found.series] == [
        f"involution, {cpu}, torch 2.13.0",
        f"involution, {gpu}, torch 2.14.0",
    ]
    assert f"{cpu} and {gpu}" in found.caption
    assert "torch 2.13.0 and torch 2.14.0" in found.caption


def test_equal_points_of_exact_columns_stand_once(drawn: Any) -> None:
    rows = [row("a", backend=name, coordinates={"backend": name}) for name in ("unfold", "shift")]
    found = drawn(*rows, x="params", y="macs")
    assert shown(found) == {"involution": [(4.388, 22.880256)]}
    assert [point.name for point in found.series[0].points] == ["a"]


def test_lines_join_a_sweep_and_a_family_of_networks(drawn: Any) -> None:
    sweep = [row("inv", coordinates={"kernel_size": k}, macs_formula=k * 1000, kernel_size=k) for k in (7, 3, 5)]
    networks = [
        row(f"rednet{depth}", kind="network", macs_formula=depth * 10**6, **timed(depth / 1e3)) for depth in (26, 38)
    ]
    found = drawn(*sweep, *networks, row("other", macs_formula=9000))
    names = [[point.name for point in line] for line in found.series[0].lines]
    assert names == [
        ["inv kernel_size=3", "inv kernel_size=5", "inv kernel_size=7"],
        ["rednet26", "rednet38"],
        ["other"],
    ]


def test_no_line_through_two_sweeps_or_one_abscissa(drawn: Any) -> None:
    grid = [
        row("inv", coordinates={"kernel_size": k, "batch": n}, batch=n, macs_formula=k * n)
        for k, n in ((3, 1), (5, 2), (7, 8))
    ]
    assert [len(line) for line in drawn(*grid).series[0].lines] == [1, 1, 1]
    same = [row("inv", coordinates={"kernel_size": k}, **timed(k)) for k in (3, 5)]
    assert [len(line) for line in drawn(*same).series[0].lines] == [1, 1]


def test_groups_by_a_field_or_a_coordinate(drawn: Any) -> None:
    rows = [row("a", coordinates={"form": "W"}), row("b", backend="aten"), row("c", coordinates={"form": "W"})]
    assert [item.label for item in drawn(*rows, group_by="backend").series] == ["shift", "aten"]
    assert [len(item.points) for item in drawn(*rows, group_by="form").series] == [2, 1]
    assert [item.label for item in drawn(*rows, group_by="form").series] == ["W", "none"]


def test_many_points_go_without_names(drawn: Any) -> None:
    rows = [row(f"layer{index}", macs_formula=1000 + index) for index in range(13)]
    assert drawn(*rows[:12]).named
    assert not drawn(*rows).named


def test_noisy_rows_are_counted(drawn: Any) -> None:
    assert "1 of 2 rows noisy" in drawn(row("a"), row("b", status="noisy")).caption


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": "mac"}, "unknown column 'mac' (did you mean 'macs'?); there are: batch, height, in_channels, "),
        ({"y": "status"}, "unknown column 'status'; there are: batch, "),
        ({"group_by": "operators"}, "unknown field to group by 'operators' (did you mean 'operator'?); there are: "),
    ],
)
def test_unknown_names(drawn: Any, options: dict[str, str], message: str) -> None:
    with pytest.raises(UnknownName) as error:
        drawn(row(), **options)
    assert str(error.value).startswith(message)


def test_numeric_fields_are_those_of_numbers() -> None:
    fields = set(numeric_fields())
    assert {"params", "latency_s", "batch", "kernel_size", "cell_time_s"} <= fields
    assert fields & {"name", "status", "tf32", "samples_s", "coordinates", "convention"} == set()


def test_a_file_is_needed() -> None:
    with pytest.raises(UsageError) as error:
        chart(Request())
    usage = "invobench plot RESULTS.jsonl --x macs --y latency --out FILE"
    assert str(error.value) == f"plot scatter needs a results file: {usage}"


@pytest.mark.parametrize(
    ("quantity", "value", "expected"),
    [
        ("count", 183e6, (1e6, "10⁶")),
        ("count", 999, (1, "")),
        ("time", 0.0123, (1e-3, "ms")),
        ("time", 0, (1e-9, "ns")),
        ("bytes", 5000, (1024, "KiB")),
        ("bytes", 0, (1, "B")),
        ("plain", 3e-7, (1, "")),
    ],
)
def test_units_of_axes(quantity: str, value: float, expected: tuple[float, str]) -> None:
    assert units.scale(quantity, value) == expected
