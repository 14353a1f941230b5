"""The file of a baseline: what is kept, that it reads back, that it is small, and every way it can be wrong."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from invobench.baselines.file import is_baseline, read_baseline, save
from invobench.errors import UsageError
from invobench.judging.judge import Rules, judge, side_of_results
from invobench.judging.pairing import identity_of
from invobench.judging.verdicts import Verdict
from invobench.results import Results, Row, record_line
from tests.baselines.builders import locked, results, timed
from tests.rows import ENVIRONMENT, MISSING, row

FAILED = {**MISSING, "samples_s": [], "clock": None}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "base.json"


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def refusal(attempt: Callable[[], Any]) -> str:
    """The message that `attempt` is refused with: one line."""
    with pytest.raises(UsageError) as caught:
        attempt()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_saved_is_read(path: Path) -> None:
    exact = {"min_bytes": 10**19, "output_shape": [[1, 64, 56, 56]], "operations": 41, "launches": 7}
    given = results(timed(**exact), timed("b", coordinates={"kernel_size": 3}), overrides=("measure.processes=10",))
    saved = save(given, path)
    assert read_baseline(path) == saved
    assert saved.head.environment == ENVIRONMENT
    assert saved.head.created == given.run.created
    assert saved.head.overrides == ("measure.processes=10",)
    assert saved.head.convention == "formula"
    assert saved.warnings == ()
    first = saved.rows[0]
    assert {name: getattr(first, name) for name in exact} == exact
    assert first.samples_per_process == [1] * 10
    assert first.samples == 30
    dropped = {"samples_s", "samples_per_process"}
    assert first.model_dump(exclude=dropped) == given.rows[0].model_dump(exclude=dropped)


def test_how_processes_were_used_is_kept(path: Path) -> None:
    for conditions in ("profile", "gate"):
        save(results(timed(), conditions=conditions), path)
        assert read_baseline(path).side().subject.conditions == conditions


def test_of_each_process_its_median_is_kept_to_six_digits(path: Path) -> None:
    samples = [0.0123456789, 0.5, 0.001, 3.00000049e-6, 2.99999949e-6]
    given = row(samples_s=samples, samples_per_process=[3, 2], latency_s=0.01234567, processes=2, samples=5)
    save(results(given), path)
    cell = json.loads(path.read_text())["cells"][0]
    assert cell["process_medians_s"] == [0.0123457, 3e-06]
    assert cell["latency_s"] == 0.0123457
    assert "samples_s" not in cell


def test_one_process_is_one_median(path: Path) -> None:
    save(results(row()), path)
    assert read_baseline(path).rows[0].samples_s == [0.0123]


def test_a_cell_a_line_and_a_key_of_the_head_a_line(path: Path) -> None:
    names = ["a", "b", "c"]
    save(results(*(timed(name) for name in names)), path)
    lines = lines_of(path)
    assert lines[1] == ' "format": "invobench baseline",'
    at = lines.index(' "cells": [')
    assert [json.loads(line.rstrip(","))["name"] for line in lines[at + 1 : at + 4]] == names
    assert lines[at + 4 :] == [" ]", "}"]
    assert any(line.startswith('  "fingerprint"') for line in lines)
    before = lines
    save(results(timed("a"), timed("b", params=5000), timed("c")), path)
    assert [(old, new) for old, new in zip(before, lines_of(path), strict=True) if old != new] == [
        (before[at + 2], before[at + 2].replace('"params": 4388', '"params": 5000'))
    ]


def test_the_same_results_are_the_same_bytes(path: Path, tmp_path: Path) -> None:
    first, second = (timed("a", cell_key="1"), timed("b", cell_key="2"))
    cells: dict[str, dict[str, Any]] = {"1": {"name": "a"}, "2": {"name": "b"}}
    save(results(first, second, cells=cells), path)
    save(results(second, first, cells=cells), tmp_path / "other.json")
    assert path.read_bytes() == (tmp_path / "other.json").read_bytes()


def test_a_hundred_cells_of_ten_processes_are_small(path: Path) -> None:
    def cell(number: int) -> Row:
        coordinates = {"backend": "shift", "batch": 8, "in_channels": 64 + number, "kernel_size": 7, "mode": "forward"}
        exact = {"min_bytes": 12_862_608, "output_shape": [[8, 64, 56, 56]], "operations": 148, "launches": 52}
        noisy = {"status": "noisy", "message": "median of 10 processes ±3.7%, target ±2.0%: raise measure.processes"}
        return timed("involution7x7", coordinates=coordinates, cell_key=f"{number:016x}", **exact, **noisy)

    saved = save(results(*(cell(number) for number in range(100)), specs=("specs/gate.yaml",)), path)
    assert len(saved.rows) == 100
    assert all(len(row.samples_s) == 10 for row in saved.rows)
    assert 50_000 < path.stat().st_size < 200_000


def test_it_says_what_the_spec_hash_is_of(path: Path, tmp_path: Path) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text("version: 1\n")
    of_files = save(results(timed(), specs=(str(spec),)), path).head
    of_cells = save(results(timed(), specs=(str(tmp_path / "gone.yaml"),)), path).head
    assert (of_files.spec_hash_of, of_cells.spec_hash_of) == ("files", "cells")
    assert of_files.spec_hash != of_cells.spec_hash


def test_a_side_of_a_judgement(path: Path) -> None:
    given = results(timed(), timed("b", latency_s=None, samples_s=[], samples_per_process=[], samples=None))
    side = save(given, path).side()
    assert side.subject.label == str(path)
    assert side.subject.fingerprint == ENVIRONMENT.fingerprint
    assert (side.subject.torch, side.subject.created) == (ENVIRONMENT.torch, given.run.created)
    assert side.samples == {identity_of(given.rows[0]): tuple((round(0.0123 + 1e-6 * i, 6),) for i in range(10))}
    found = judge(side, side_of_results(given, "now"), Rules())
    assert [cell.identity.label for cell in found.cells] == ["involution", "b"]
    assert found.cells[0].verdict is Verdict.PASS


def test_cells_that_have_no_timing_verdict_are_told(path: Path) -> None:
    few, enough = timed("few", processes=5), timed("enough", processes=6)
    untimed = timed("untimed", latency_s=None, samples_s=[], samples_per_process=[])
    assert save(results(few, enough, row("one"), untimed), path).warnings == (
        "2 cells: fewer than 6 processes, so no timing verdict is possible: profile with --set measure.processes=10: "
        "few (5), one (1)",
        "1 cell: no times, so no timing verdict is possible: profile with the metric latency: untimed",
    )


def test_a_long_list_is_cut(path: Path) -> None:
    told = save(results(*(row(f"n{i}") for i in range(8))), path).warnings
    assert len(told) == 1
    assert told[0].endswith(": n0 (1), n1 (1), n2 (1), n3 (1), n4 (1) and 3 more")


def test_a_failed_cell_is_kept_with_its_status(path: Path) -> None:
    failed = row("big", status="oom", message="out of memory", device=None, **{**FAILED, "device_requested": "cuda"})
    saved = save(results(timed(), failed), path)
    assert saved.warnings == ("1 cell: not measured, and kept so that a gate can say so: big (oom)",)
    kept = read_baseline(path).rows[1]
    assert (kept.status, kept.message, kept.latency_s, kept.samples_s) == ("oom", "out of memory", None, [])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (results(), "there are no cells"),
        (
            results(row("a", status="failed", **FAILED), row("b", status="oom", **FAILED)),
            "none of 2 cells was measured",
        ),
    ],
)
def test_nothing_measured_is_no_baseline(path: Path, given: Results, told: str) -> None:
    assert refusal(lambda: save(given, path)) == f"{path}: no baseline: {told}; profile them first"
    assert not path.exists()


def test_two_cells_of_one_identity_are_refused(path: Path) -> None:
    given = results(timed(cell_key="1"), timed(cell_key="2", params=1))
    assert refusal(lambda: save(given, path)) == (
        f"{path}: cells are there twice, such as 'involution' (1 in all): give one another name in its spec"
    )


@pytest.mark.parametrize("held", ["{}", '{"name": "package"}', record_line("run", results().run)])
def test_what_is_not_a_baseline_is_not_written_over(path: Path, held: str) -> None:
    path.write_text(held)
    told = f"{path}: holds something that is not a baseline: name another file, or move it away"
    assert refusal(lambda: save(results(timed()), path)) == told
    assert path.read_text() == held


def test_a_device_is_not_written_over() -> None:
    assert "holds something that is not a baseline" in refusal(lambda: save(results(timed()), Path(os.devnull)))


@pytest.mark.parametrize("held", ["", '{\n "format": "invobench baseline",\n cut'])
def test_a_damaged_baseline_is_written_over(path: Path, held: str) -> None:
    path.write_text(held)
    save(results(timed()), path)
    assert read_baseline(path).rows[0].name == "involution"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refusal(lambda: save(results(timed()), tmp_path)) == f"{tmp_path}: is a folder: name a file in it"
    assert refusal(lambda: read_baseline(tmp_path)).startswith(f"{tmp_path}: cannot read a baseline: Is a directory; ")


def test_a_folder_that_takes_nothing() -> None:
    given = results(timed())
    with locked() as folder:
        told = refusal(lambda: save(given, folder / "base.json"))
        assert told == (
            f"{folder}/base.json: cannot write a baseline: Permission denied; "
            "free space, or name a file in a folder of yours"
        )


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Files take no more than `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_does_not_fit_leaves_the_old_one(path: Path) -> None:
    before = save(results(timed()), path)
    many = results(*(timed(f"n{i}") for i in range(20)))
    with at_most(4096):
        told = refusal(lambda: save(many, path))
    assert told.startswith(f"{path}: cannot write a baseline: File too large; free space, or ")
    assert read_baseline(path) == before
    assert list(path.parent.iterdir()) == [path]


def test_every_cut_is_told(path: Path) -> None:
    save(results(timed("ä")), path)
    data = path.read_bytes()
    whole = len(data.rstrip())
    told = set()
    for length in range(whole):
        path.write_bytes(data[:length])
        message = refusal(lambda: read_baseline(path))
        assert message.startswith(str(path))
        assert message.endswith(f"restore it, or save one: invobench baseline save RESULTS {path}")
        told.add("cut off" in message)
    assert True in told
    path.write_bytes(data[: whole // 2])
    assert ": cut off: " in refusal(lambda: read_baseline(path))


def test_an_empty_file(path: Path) -> None:
    path.touch()
    assert refusal(lambda: read_baseline(path)).startswith(f"{path}:1:1: cut off: restore it, or save one: ")


def test_marks_of_a_merge_conflict_are_told(path: Path) -> None:
    save(results(timed()), path)
    lines = lines_of(path)
    at = lines.index(' "cells": [') + 1
    both = [*lines[:at], "<<<<<<< HEAD", lines[at], "=======", lines[at], ">>>>>>> other", *lines[at + 1 :]]
    path.write_text("\n".join(both))
    assert refusal(lambda: read_baseline(path)).startswith(f"{path}:{at + 1}: marks of a merge conflict: restore it")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", ': not a baseline (no "format": "invobench baseline"): save one: '),
        ('{"format": "other"}', ': not a baseline (no "format": "invobench baseline"): save one: '),
        ("{,}", ":1:2: not JSON: Expecting property name enclosed in double quotes: restore it, or save one: "),
        ("[" * 100_000, ": not a baseline: "),
        (record_line("run", results().run) + record_line("row", timed()), ": results, not a baseline: "),
    ],
)
def test_what_is_no_baseline(path: Path, text: str, told: str) -> None:
    path.write_text(text)
    assert refusal(lambda: read_baseline(path)).startswith(f"{path}{told}")


def test_what_is_no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    assert refusal(lambda: read_baseline(path)).startswith(f"{path}: not a baseline: not UTF-8 text: ")


def test_a_file_that_is_not_there(path: Path) -> None:
    assert refusal(lambda: read_baseline(path)) == (
        f"{path}: cannot read a baseline: No such file or directory; save one: invobench baseline save RESULTS {path}"
    )


def _edit(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda values: values.update({key: value})


def _edit_cell(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda values: values["cells"][1].update({key: value})


def _drop(values: dict[str, Any]) -> None:
    del values["cells"][1]["process_medians_s"]


def _twice(values: dict[str, Any]) -> None:
    values["cells"].append(dict(values["cells"][1], params=1))


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (
            _edit("version", 2),
            "a baseline of version 2; this invobench reads 1: use the version that wrote it, or ",
        ),
        (_edit("version", "1"), "version: must be a number from 1"),
        (_edit("version", True), "version: must be a number from 1"),
        (_edit("version", 0), "version: must be a number from 1"),
        (_edit("cells", []), "cells: must be a list of at least one cell"),
        (_edit("cells", {}), "cells: must be a list of at least one cell"),
        (_edit("cells", [1]), "cells[1]: must be an object"),
        (_edit("environment", {}), "environment.fingerprint: Field required"),
        (_edit("convention", "hooks"), "convention: Input should be "),
        (_edit("more", 1), "more: Extra inputs are not permitted"),
        (_edit_cell("params", "many"), "cells[2] (b): params: Input should be a valid integer"),
        (_edit_cell("status", "fine"), "cells[2] (b): status: Input should be 'ok'"),
        (_edit_cell("more", 1), "cells[2] (b): more: Extra inputs are not permitted"),
        (_edit_cell("name", 1), "cells[2]: name: Input should be a valid string"),
        (_edit_cell("process_medians_s", [0.1, -0.1]), "cells[2] (b): process_medians_s.1: Input should be greater"),
        (_edit_cell("process_medians_s", [float("nan")]), "cells[2] (b): process_medians_s.0: Input should be "),
        (_edit_cell("process_medians_s", []), "cells[2] (b): latency_s goes with process_medians_s"),
        (_drop, "cells[2] (b): latency_s goes with process_medians_s"),
        (_twice, "cells are there twice, such as 'b' (1 in all): restore it, or save one: "),
    ],
)
def test_what_is_wrong_in_one(path: Path, edit: Callable[[dict[str, Any]], None], told: str) -> None:
    save(results(timed("a"), timed("b")), path)
    values = json.loads(path.read_text())
    edit(values)
    path.write_text(json.dumps(values))
    assert refusal(lambda: read_baseline(path)).startswith(f"{path}: {told}")


def test_another_layout_reads_the_same(path: Path) -> None:
    saved = save(results(timed("ü")), path)
    path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True, indent=8))
    assert read_baseline(path) == saved


def test_which_files_say_that_they_are_one(path: Path, tmp_path: Path) -> None:
    save(results(timed()), path)
    assert is_baseline(path)
    path.write_bytes(path.read_bytes()[:60])
    assert is_baseline(path)
    path.write_text('{"format": "invobench"}')
    assert not is_baseline(path)
    assert not is_baseline(tmp_path)
    assert not is_baseline(tmp_path / "gone.json")
