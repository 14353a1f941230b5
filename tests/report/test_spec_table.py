"""Tables of a user's spec: counted and measured columns, arrangement, baselines, and what is refused."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from invobench.conventions import RULES, Convention, ConventionMismatch
from invobench.errors import EXIT_USAGE, InvobenchError, UnknownName, UsageError
from invobench.report import SHEETS, Page
from invobench.report.sheet import Sheet
from invobench.report.spec_columns import FIGURES
from invobench.report.spec_table import TableOptions, spec_sheet
from invobench.results import Row, record_line
from invobench.runner.rows import make_row
from invobench.spec import read
from invobench.spec.cells import Cell
from tests.report.latex import compiled
from tests.rows import run

GOLDEN = Path(__file__).parents[1] / "golden"
SPEC = """\
version: 1
defaults: {in_channels: 64, height: 56, width: 56}
layers:
  - name: inv
    operator: involution
    group_channels: 16
    batch: 8
    kernel_size: 7
    matrix: {kernel_size: [3, 7], backend: [unfold, shift]}
  - {name: conv3x3, operator: conv, kernel_size: 3, batch: 8}
  - {name: mine, module: 'tests.user_layers:Talks', batch: 8}
"""
NETWORKS = """\
version: 1
networks:
  - {name: resnet50, network: resnet50}
  - {name: rednet50, network: rednet50}
  - {name: resnet50x2, network: resnet50, batch: 2}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("invobench.report.spec_notes.made_by", lambda: "invobench 0.1.0, torch 2.13.0, commit abc1234")
    Path("spec.yaml").write_text(SPEC)
    Path("networks.yaml").write_text(NETWORKS)
    return tmp_path


def cells(name: str = "spec.yaml", *overrides: str) -> list[Cell]:
    return read([Path(name)], overrides)


#: label -> what was measured, as (median, low, high) and peak memory in MiB
MEASURED: dict[str, tuple[tuple[float, float, float], int]] = {
    "inv kernel_size=3 backend=unfold": ((0.1000, 0.0990, 0.1010), 100),
    "inv kernel_size=3 backend=shift": ((0.0123, 0.0122, 0.0124), 20),
    "inv kernel_size=7 backend=unfold": ((0.338, 0.300, 0.394), 600),
    "inv kernel_size=7 backend=shift": ((0.0180, 0.0177, 0.0183), 40),
    "conv3x3": ((0.0156, 0.01557, 0.01563), 12),
    "mine": ((0.01240, 0.01235, 0.01245), 7),
}


def measured(cell: Cell, **changes: Any) -> Row:
    (median, low, high), memory = MEASURED[cell.label]
    given: dict[str, Any] = {
        "backend": cell.backend if cell.backend != "auto" else "aten",
        "device": "cpu",
        "latency_s": median,
        "latency_low_s": low,
        "latency_high_s": high,
        "throughput_per_s": cell.shape.batch / median,
        "peak_memory_bytes": memory * 2**20,
        "max_error": 3.2e-7,
        "macs_dispatched": 8 * 1_000_000,
        "threads": 2,
    }
    return make_row(cell, {**given, **changes})


def results(items: Sequence[Cell], path: str = "results.jsonl", **changes: dict[str, Any]) -> Path:
    """A results file of `items`, with changes to rows by name; None for a row that there is not."""
    rows = [measured(item, **changes.get(item.name, {})) for item in items]
    Path(path).write_text("".join([record_line("run", run()), *(record_line("row", row) for row in rows)]))
    return Path(path)


def column(sheet: Sheet, heading: str) -> list[str]:
    """The cells below a heading, groups' headings left out."""
    index = [item.heading for item in sheet.columns].index(heading)
    return [line.cells[index] for line in sheet.lines if line.style != "heading"]


def table(*columns: str, path: Path | None = None, of: Sequence[Cell] | None = None, **options: Any) -> Sheet:
    return spec_sheet(cells() if of is None else of, path, TableOptions(columns=columns, **options))


@pytest.mark.parametrize(("name", "file"), [("table", "spec_table.txt"), ("latex", "spec_table.tex")])
def test_golden(name: str, file: str) -> None:
    path = results(cells(), mine={"status": "noisy"})
    sheet = table(path=path, group_by="operator", sort="-latency", baseline="conv3x3")
    text, golden = SHEETS[name].load()([sheet], Page()), GOLDEN / file
    if os.environ.get("INVOBENCH_GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_it_compiles(here: Path) -> None:
    sheet = table(*FIGURES, "input", "backend", path=results(cells()), group_by="name", baseline="conv3x3")
    compiled(SHEETS["latex"].load()([sheet], Page()), here)


# what is counted


@pytest.mark.parametrize("convention", list(Convention))
def test_macs_are_per_image_under_the_convention(convention: Convention) -> None:
    """The same network with one image and with two, against the published figures."""
    found = table("params", "macs", of=cells("networks.yaml"), convention=convention)
    one, rednet, two = found.records
    assert one["params"] == two["params"] == 25_557_032
    assert one["macs_per_image"] == two["macs_per_image"]
    published = {"formula": {"resnet50": 4.0892}, "hook": {"resnet50": 4.121, "rednet50": 2.714}}.get(convention, {})
    for record in (one, rednet):
        if record["name"] in published:
            assert record["macs_per_image"] / 1e9 == pytest.approx(published[record["name"]], abs=5e-4)
    assert {record["convention"] for record in found.records} == {convention}
    assert f"MACs\n{convention}" in [item.heading for item in found.columns]
    assert f"convention {convention}: {RULES[convention].summary}." in found.legend
    assert "flops = 2 × MACs" in found.legend
    assert found.notes[-1].startswith(f"convention {convention}; ")


def test_figures_are_those_of_the_cells() -> None:
    found = table("params", "macs", "min_bytes")
    for item, record in zip(cells(), found.records, strict=True):
        cost = item.cost()
        if cost is None:
            assert {"params", "macs_per_image", "min_bytes"}.isdisjoint(record)
            continue
        assert (record["params"], 8 * record["macs_per_image"]) == (cost.params, cost.macs(mode=item.mode))
        assert record["min_bytes"] == 4 * cost.min_elements(item.mode)
    assert column(found, "params")[:2] == ["1.668 k", "1.668 k"], "64·64/4 + 2·16 + 16·36 + 36"
    assert column(found, "params")[-1] == ""
    assert found.notes[0] == "mine: has no formula"


def test_the_mode_counts() -> None:
    once, thrice = (table("macs", of=cells("networks.yaml", f"mode={mode}")) for mode in ("forward", "train_step"))
    for forward, step in zip(once.records, thrice.records, strict=True):
        # the first convolution needs no gradient of the image: two products of three
        assert 2.9 < step["macs_per_image"] / forward["macs_per_image"] < 3


def test_what_is_shown_without_a_choice() -> None:
    assert [item.heading for item in table().columns] == ["layer", "input", "params", "MACs\nformula", "min\nbytes"]
    with_results = table(path=results(cells()))
    assert [item.heading for item in with_results.columns][5:] == ["latency", "peak\nmemory"]
    assert table(of=cells("networks.yaml")).columns[0].heading == "network"
    assert table(of=[*cells(), *cells("networks.yaml")]).columns[0].heading == "name"


def test_facts_of_a_cell_are_columns_too() -> None:
    found = table("kernel_size", "backend", "group_channels", "params")
    assert column(found, "kernel\nsize") == ["3", "3", "7", "7", "3", ""]
    assert column(found, "backend") == ["unfold", "shift", "unfold", "shift", "auto", "auto"]
    assert [item.text for item in found.columns] == [True, False, True, False, False]
    assert column(found, "layer") == ["inv", "inv", "inv", "inv", "conv3x3", "mine"], "what columns say is not repeated"
    assert column(table("params"), "layer")[0] == "inv kernel_size=3 backend=unfold"


# what is measured


def test_latency_has_the_digits_of_its_interval() -> None:
    found = table("latency", path=results(cells(), mine={"status": "noisy"}))
    assert column(found, "latency") == [
        "100 ± 1 ms",
        "12.3 ± 0.1 ms",
        "340 ± 50 ms",
        "18.0 ± 0.3 ms",
        "15.60 ± 0.03 ms",
        "12.40 ± 0.05 ms~",
    ]
    assert any(note.startswith("± is half the width") for note in found.notes)
    assert any(note.startswith("~ noisy") for note in found.notes)


@pytest.mark.parametrize("bounds", [(None, None), (0.0156, 0.0156)])
def test_latency_without_an_interval_is_by_magnitude(bounds: tuple[float | None, float | None]) -> None:
    changes = dict(zip(("latency_low_s", "latency_high_s"), bounds, strict=True))
    found = table("latency", "throughput", path=results(cells(), conv3x3={**changes, "status": "noisy"}))
    assert column(found, "latency")[4] == "15.6 ms~"
    assert column(found, "images/s")[4] == "513~"


def test_measured_columns_are_those_of_the_rows() -> None:
    found = table("throughput", "peak_memory", "max_error", "macs_dispatched", "macs_fvcore", path=results(cells()))
    assert column(found, "images/s") == ["80.0 ± 0.8", "650 ± 5", "24 ± 3", "444 ± 7", "513 ± 1", "645 ± 3"]
    assert column(found, "peak\nmemory")[:2] == ["100 MiB", "20.0 MiB"]
    assert set(column(found, "max\nerror")) == {"3e-07"}
    assert set(column(found, "MACs\ncounted")) == {"1.000 M"}, "a row has the batch's, the table one image's"
    assert set(column(found, "MACs\nfvcore")) == {""}
    first = found.records[0]
    assert (first["throughput_low_per_s"], first["throughput_high_per_s"]) == (8 / 0.1010, 8 / 0.0990)
    assert (first["peak_memory_bytes"], first["macs_dispatched_per_image"]) == (100 * 2**20, 1_000_000)
    assert "macs_fvcore_per_image" not in first
    assert "whole batch" in found.legend


def test_params_of_what_has_no_formula_are_those_of_its_row() -> None:
    found = table("params", path=results(cells(), mine={"params": 12}))
    assert column(found, "params")[-1] == "12"


def test_a_cell_that_was_not_measured_shows_its_status() -> None:
    missing = dict.fromkeys(("latency_s", "latency_low_s", "latency_high_s", "throughput_per_s", "peak_memory_bytes"))
    failed = {**missing, "macs_dispatched": None, "max_error": None, "status": "oom", "message": "out of memory"}
    names = ("params", "latency", "throughput", "peak_memory", "max_error", "macs_dispatched")
    found = table(*names, path=results(cells(), conv3x3=failed), baseline="inv kernel_size=3 backend=shift")
    assert [text for text in found.lines[4].cells[3:] if text] == ["oom"] * 5, "no change either, and no 0"
    assert found.lines[4].style == "bad"
    assert found.lines[4].cells[1] == "36.86 k"
    assert "conv3x3 (auto): oom: out of memory" in found.notes
    record = found.records[4]
    assert record["status"] == "oom"
    assert not {"latency_s", "latency_low_s", "peak_memory_bytes", "latency_over_baseline"} & set(record)


def test_the_footnote_says_where_it_was_measured() -> None:
    found = table("latency", path=results(cells()))
    assert found.notes[-1] == (
        "convention formula; measured: cpu (Some CPU @ 2.00GHz), 2 threads, torch 2.13.0, invobench 0.1.0, 2026-11-23; "
        "table: invobench 0.1.0, torch 2.13.0, commit abc1234."
    )
    assert table("params").notes[-1] == "convention formula; table: invobench 0.1.0, torch 2.13.0, commit abc1234."


# which results are those of a spec


def test_results_are_joined_by_cell_whatever_their_order_device_and_folder(here: Path) -> None:
    """As after `profile --device cpu`, from another folder."""
    elsewhere = cells(str(here / "spec.yaml"), "device=cpu")
    path = results(list(reversed(elsewhere)))
    assert {cell.key for cell in elsewhere}.isdisjoint(cell.key for cell in cells())
    found = table("latency", path=path)
    assert [record["latency_s"] for record in found.records] == [timing[0] for timing, _ in MEASURED.values()]
    assert [record["device"] for record in found.records] == ["cpu"] * 6


def test_twins_in_two_specs_keep_their_own_rows(here: Path) -> None:
    Path("other.yaml").write_text(SPEC)
    both = [*cells(), *cells("other.yaml")]
    rows = [measured(cell, **({"max_error": 0.5} if cell.spec == "other.yaml" else {})) for cell in both]
    Path("both.jsonl").write_text("".join([record_line("run", run()), *(record_line("row", row) for row in rows)]))
    found = table("max_error", of=both, path=Path("both.jsonl"))
    assert [record["max_error"] for record in found.records] == [3.2e-7] * 6 + [0.5] * 6


MADE_BY = "; it was made by: invobench profile a.yaml"


def refused(path: Path, of: Sequence[Cell] | None = None, **options: Any) -> str:
    """The message of a refusal: one line, exit 2."""
    with pytest.raises(InvobenchError) as raised:
        table("params", "latency", path=path, of=of, **options)
    assert raised.value.exit_code == EXIT_USAGE
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_results_of_another_spec_are_refused() -> None:
    path = results(cells())
    assert refused(path, cells("networks.yaml")) == (
        "results.jsonl: results of another spec: no row of it is a cell of networks.yaml: "
        "give the spec and --set of its run" + MADE_BY
    )


def test_a_spec_that_was_edited_since_is_another_spec() -> None:
    path = results(cells())
    Path("spec.yaml").write_text(SPEC.replace("group_channels: 16", "group_channels: 8"))
    assert refused(path) == (
        "results.jsonl: not the results of spec.yaml: lacks 'inv kernel_size=3 backend=unfold' and 3 more: "
        "go on with its run (--resume), or profile spec.yaml as it is now" + MADE_BY
    )


def test_results_that_lack_a_cell_are_refused() -> None:
    assert "lacks 'mine': go on with its run" in refused(results(cells()[:-1]))
    assert "no row of it is a cell of spec.yaml" in refused(results([]))


def test_results_with_a_cell_more_are_refused() -> None:
    assert refused(results(cells()), cells()[2:]) == (
        "results.jsonl: not the results of spec.yaml: has 'inv kernel_size=3 backend=unfold' and 1 more, which is no "
        "cell of it: give every spec of its run" + MADE_BY
    )


def test_a_file_that_is_no_results_file_is_refused() -> None:
    Path("x.jsonl").write_text("[]\n")
    assert refused(Path("x.jsonl")).startswith("x.jsonl:1: expected a 'run' record")
    assert refused(Path("no.jsonl")).startswith("no.jsonl: cannot read results: ")


@pytest.mark.parametrize("name", [name for name, figure in FIGURES.items() if figure.measured])
def test_measured_columns_need_results(name: str) -> None:
    for options in ({"columns": (name,)}, {"sort": f"-{name}"}):
        with pytest.raises(UsageError) as raised:
            spec_sheet(cells(), None, TableOptions(**options))  # type: ignore[arg-type]
        assert str(raised.value) == (f"column {name} is measured: give --results results.jsonl of `invobench profile`")


@pytest.mark.parametrize("name", ["macs_dispatched", "macs_fvcore", "macs_torch"])
def test_multiply_adds_of_results_have_their_convention(name: str) -> None:
    path = results(cells())
    with pytest.raises(ConventionMismatch) as raised:
        table("macs", name, path=path, convention=Convention.HOOK)
    assert str(raised.value) == (
        "multiply-adds under hook and formula cannot be compared: count both under one --convention"
    )
    assert table("macs", "latency", path=path, convention=Convention.HOOK).lines, "a latency has no convention"


# arrangement


def test_groups_are_headed_in_the_order_of_the_spec() -> None:
    found = table("params", group_by="operator")
    heads = [line.cells for line in found.lines if line.style == "heading"]
    assert heads == [("involution", ""), ("conv", ""), ("tests.user_layers:Talks", "")]
    assert [line.section for line in found.lines] == [True, False, False, False, False, True, False, True, False]
    assert len(found.records) == 6


@pytest.mark.parametrize(
    ("key", "headings"),
    [
        ("kernel_size", ["kernel_size 3", "kernel_size 7", "no kernel_size"]),
        ("backend", ["unfold", "shift", "auto"]),
        ("name", ["inv", "conv3x3", "mine"]),
        ("dtype", ["float32"]),
        ("mode", ["forward"]),
        ("group_channels", ["group_channels 16", "no group_channels"]),
    ],
)
def test_group_by(key: str, headings: list[str]) -> None:
    found = table("params", group_by=key)
    assert [line.cells[0] for line in found.lines if line.style == "heading"] == headings


def test_a_group_by_backend_is_by_what_ran() -> None:
    found = table("latency", path=results(cells()), group_by="backend")
    assert [line.cells[0] for line in found.lines if line.style == "heading"] == ["unfold", "shift", "aten"]
    assert column(found, "layer")[0] == "inv kernel_size=3", "the heading says the backend"


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("macs", ["inv3", "inv3", "inv7", "inv7", "conv3", "mine"]),
        ("-macs", ["conv3", "inv7", "inv7", "inv3", "inv3", "mine"]),
        ("name", ["conv3", "inv3", "inv3", "inv7", "inv7", "mine"]),
        ("-kernel_size", ["inv7", "inv7", "inv3", "inv3", "conv3", "mine"]),
    ],
)
def test_sort(sort: str, names: list[str]) -> None:
    """Stable both ways; what has no value is last both ways."""
    found = table("kernel_size", "macs", sort=sort)
    pairs = zip(column(found, "layer"), column(found, "kernel\nsize"), strict=True)
    assert [re.sub(r"3x3| .*", "", name) + size for name, size in pairs] == names


def test_numbers_are_sorted_before_words() -> None:
    text = SPEC.replace("{kernel_size: [3, 7], backend: [unfold, shift]}", "{group_channels: [C, 16, 4]}")
    Path("spec.yaml").write_text(text)
    found = table("group_channels", "params", sort="group_channels")
    assert column(found, "group\nchannels") == ["4", "16", "C", "", ""]


def test_sorting_is_within_groups() -> None:
    found = table("params", group_by="operator", sort="-params")
    assert [line.cells[0] for line in found.lines] == [
        "involution",
        *("inv kernel_size=7 backend=unfold", "inv kernel_size=7 backend=shift"),
        *("inv kernel_size=3 backend=unfold", "inv kernel_size=3 backend=shift"),
        *("conv", "conv3x3", "tests.user_layers:Talks", "mine"),
    ]


def test_columns_are_asked_once() -> None:
    assert len(table("params", "macs", "params").columns) == 3


# the baseline


def test_changes_against_a_row() -> None:
    """The ↓ percentages that the paper prints: RedNet-50 against ResNet-50, 39 % of the parameters and 34 % of MACs."""
    found = table("params", "macs", of=cells("networks.yaml"), baseline="resnet50", convention=Convention.HOOK)
    assert [item.heading for item in found.columns] == ["network", "params", "Δ", "MACs\nhook", "Δ"]
    assert [line.cells[2::2] for line in found.lines] == [("", ""), ("↓ 39 %", "↓ 34 %"), ("0 %", "0 %")]
    assert found.notes[0] == "Δ is the change against resnet50."
    assert found.records[1]["params_over_baseline"] == pytest.approx(15_539_848 / 25_557_032, rel=1e-3)
    assert found.records[0]["macs_over_baseline"] == 1


def test_facts_have_no_change() -> None:
    found = table("kernel_size", "params", baseline="conv3x3")
    assert [item.heading for item in found.columns] == ["layer", "kernel\nsize", "params", "Δ"]


def test_intervals_that_overlap_are_no_change() -> None:
    found = table("latency", path=results(cells()), baseline="inv kernel_size=3 backend=shift")
    assert column(found, "Δ") == ["↑ 713 %", "", "↑ 2648 %", "↑ 46 %", "↑ 27 %", "≈"]
    assert found.notes[0].endswith("; ≈: their 95 % intervals overlap.")


def test_a_baseline_that_was_not_measured_gives_no_change() -> None:
    lost = dict.fromkeys(("latency_s", "latency_low_s", "latency_high_s"))
    found = table("latency", path=results(cells(), conv3x3={**lost, "status": "timeout"}), baseline="conv3x3")
    assert column(found, "Δ") == [""] * 6


def test_a_change_against_nothing_is_no_change() -> None:
    Path("spec.yaml").write_text(SPEC.replace("kernel_size: 7\n", "kernel_size: 7\n    scope: aggregation\n"))
    found = table("params", baseline="inv kernel_size=3 backend=unfold")
    assert column(found, "params")[0] == "0"
    assert column(found, "Δ") == [""] * 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": ("parms",)}, "unknown column 'parms' (did you mean 'params'?); there are: "),
        ({"sort": "-latensy"}, "unknown column 'latensy' (did you mean 'latency'?); there are: "),
        ({"group_by": "operater"}, "unknown key to group by 'operater' (did you mean 'operator'?); there are: "),
        ({"group_by": "latency"}, "unknown key to group by 'latency'; there are: "),
        ({"baseline": "conv3×3"}, "unknown row 'conv3×3' (did you mean 'conv3x3'?); there are: conv3x3, inv kernel"),
    ],
)
def test_unknown_names(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownName) as raised:
        spec_sheet(cells(), None, TableOptions(**options))
    assert str(raised.value).startswith(message)
    assert raised.value.exit_code == EXIT_USAGE


def test_a_baseline_is_one_row() -> None:
    with pytest.raises(UsageError) as raised:
        table("params", baseline="inv")
    assert str(raised.value) == (
        "baseline 'inv' is 4 rows: name one: inv kernel_size=3 backend=unfold, inv kernel_size=3 backend=shift, "
        "inv kernel_size=7 backend=unfold, inv kernel_size=7 backend=shift"
    )
    Path("other.yaml").write_text(SPEC)
    with pytest.raises(UsageError, match="baseline 'mine' is 2 rows: leave one of them out"):
        table("params", of=[*cells(), *cells("other.yaml")], baseline="mine")


def test_records_say_what_a_row_is() -> None:
    (record,) = table("params", of=cells()[:1]).records
    assert json.loads(SHEETS["jsonl"].load()([table("params", of=cells()[:1])], Page())) == record
    assert record == {
        "spec": "spec.yaml",
        "name": "inv",
        "coordinates": {"kernel_size": 3, "backend": "unfold"},
        "kind": "layer",
        "operator": "involution",
        "dtype": "float32",
        "mode": "forward",
        "scope": "module",
        "batch": 8,
        "in_channels": 64,
        "height": 56,
        "width": 56,
        "backend": "unfold",
        "convention": "formula",
        "params": 1668,
    }


def test_rows_say_where_they_differ() -> None:
    Path("spec.yaml").write_text(
        SPEC.replace("batch: 8}\n  - {name: mine", "batch: 8, mode: backward}\n  - {name: mine")
    )
    found = table("params")
    assert found.title == "spec.yaml · float32, forward, module"
    assert column(found, "layer")[4:] == ["conv3x3 backward", "mine"]
    assert column(table("mode", "params"), "layer")[4] == "conv3x3"
