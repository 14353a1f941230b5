"""Runs of several processes a cell, by fake ones: their order, what is kept, and that nothing is lost or redone."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from invobench.errors import UsageError
from invobench.results import read_results
from invobench.runner import session
from invobench.runner.merge import TOO_FEW
from invobench.runner.processes import Ended
from invobench.spec.cells import Cell, Measure
from tests.builders import cell, involution
from tests.runner.fakes import FakeProcesses, Watcher, cells_of, fake_run, steady

INTERVAL_NAME = "order statistics of process medians"
pytestmark = pytest.mark.usefixtures("no_ceilings")


@pytest.fixture
def no_ceilings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def records(folder: Path) -> list[str]:
    """The records after the head, in short."""
    lines = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()[1:]]
    return [f"{line['record']} {line['name']}{line.get('replicate', '')}" for line in lines]


def test_rounds_are_interleaved_and_each_is_kept_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes, watcher = FakeProcesses(), Watcher()
    outcome = fake_run(monkeypatch, cells_of("abc", 2), tmp_path, processes, watcher)
    everything, latency = ("params", "latency"), ("latency",)
    assert processes.jobs == [*[(name, everything) for name in "abc"], *[(name, latency) for name in "cba"]]
    assert processes.checked == [False] * 3 + [True] * 3
    first, second = [f"replicate {name}0" for name in "abc"], ["replicate c1", "row c", "replicate b1", "row b"]
    assert records(tmp_path) == [*first, *second, "replicate a1", "row a"]
    assert watcher.events[:4] == ["started 0/3", "start a", "process a 0 1/6", "start b"]
    assert watcher.events[-3:] == ["start a 1", "process a 1 6/6", "finish a"]
    assert [row.name for row in outcome.rows] == ["a", "b", "c"]
    assert {(row.status, row.message, row.processes) for row in outcome.rows} == {("noisy", TOO_FEW, 2)}
    assert outcome.exit_code == 0


def test_six_processes_give_an_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = fake_run(monkeypatch, cells_of("a", 6), tmp_path).rows
    assert (row.latency_low_s, row.latency_high_s) == (pytest.approx(0.01), pytest.approx(0.01005))
    assert (row.latency_s, row.interval, row.status) == (pytest.approx(0.010025), INTERVAL_NAME, "ok")
    assert (row.samples, row.samples_per_process) == (12, [2] * 6)
    assert read_results(tmp_path / "results.jsonl").rows == (row,)


def test_one_process_has_no_replicates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = fake_run(monkeypatch, cells_of("ab"), tmp_path)
    assert records(tmp_path) == ["row a", "row b"]
    assert [row.processes for row in outcome.rows] == [1, 1]
    fake_run(monkeypatch, cells_of("ab", 10), tmp_path / "params", metrics=("params",))
    assert records(tmp_path / "params") == ["row a", "row b"]


@pytest.mark.parametrize("stop", range(12))
def test_a_run_that_was_interrupted_goes_on_where_it_was(
    stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stops, each process of each cell is measured once in both runs together."""
    cells = cells_of("abc", 4)
    done: list[tuple[str, tuple[str, ...]]] = []

    def stops(cell: Cell, time: int) -> dict[str, Any]:
        if len(done) == stop:
            raise KeyboardInterrupt
        done.append((cell.name, ()))
        return steady(cell, time)

    first = FakeProcesses(stops)
    outcome = fake_run(monkeypatch, cells, tmp_path, first)
    assert (outcome.interrupted, outcome.exit_code) == (True, 130)
    assert sum(left.processes - left.done for left in outcome.left) == 12 - stop
    seen = Counter(name for name, _ in first.jobs)
    second = FakeProcesses(lambda cell, time: steady(cell, time + seen[cell.name]))
    resumed = fake_run(monkeypatch, cells, tmp_path, second, resume=True)
    assert resumed.exit_code == 0
    assert [name for name, _ in first.jobs + second.jobs] == [*"abc", *"cba", *names_of(2), *names_of(3)]
    whole = fake_run(monkeypatch, cells, tmp_path / "whole")
    assert resumed.rows == whole.rows
    assert sorted(records(tmp_path)) == sorted(records(tmp_path / "whole"))


def names_of(number: int) -> list[str]:
    from invobench.runner.schedule import schedule

    return ["abc"[job.cell] for job in schedule([4] * 3) if job.replicate == number]


def test_a_file_that_was_cut_anywhere_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the middle of any write, and after any: what is whole is kept, the rest is measured once."""
    cells = cells_of("ab", 2)
    whole = fake_run(monkeypatch, cells, tmp_path / "whole")
    data = (tmp_path / "whole" / "results.jsonl").read_bytes()
    head = data.index(b"\n") + 1
    ends = [place + 1 for place, byte in enumerate(data) if byte == ord("\n") and place >= head - 1]
    for cut in sorted({*ends, *(end + 40 for end in ends[:-1]), *(end - 1 for end in ends[1:])}):
        folder = tmp_path / f"cut{cut}"
        folder.mkdir()
        (folder / "results.jsonl").write_bytes(data[:cut])
        kept = [line for line in data[:cut].split(b"\n")[1:-1] if b'"replicate"' in line]
        processes, watcher = FakeProcesses(), Watcher()
        outcome = fake_run(monkeypatch, cells, folder, processes, watcher, resume=True)
        assert len(processes.jobs) == 4 - len(kept)
        assert bool(watcher.warnings) == (cut not in ends)
        assert sorted(records(folder)) == sorted(records(tmp_path / "whole"))
        assert [row.name for row in outcome.rows] == [row.name for row in whole.rows]
        assert (folder / "results.jsonl").read_bytes().startswith(data[: data.rfind(b"\n", 0, cut) + 1])


def test_a_cell_whose_first_process_failed_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def some(cell: Cell, time: int) -> Any:
        return Ended(exit_code=-11) if cell.name == "b" else steady(cell, time)

    processes, watcher = FakeProcesses(some), Watcher()
    outcome = fake_run(monkeypatch, cells_of("ab", 6), tmp_path, processes, watcher)
    assert Counter(name for name, _ in processes.jobs) == {"a": 6, "b": 1}
    assert [(row.name, row.status) for row in outcome.rows] == [("a", "ok"), ("b", "failed")]
    assert outcome.rows[1].message == "the worker process was killed by SIGSEGV"
    assert "process a 1 8/12" in watcher.events  # the five that b does not need count as done
    assert outcome.exit_code == 4


def test_a_later_process_that_failed_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def third(cell: Cell, time: int) -> Any:
        return Ended(timed_out=True) if time == 2 else steady(cell, time)

    (row,) = fake_run(monkeypatch, cells_of("a", 8), tmp_path, FakeProcesses(third)).rows
    assert (row.status, row.processes, row.interval) == ("timeout", 7, INTERVAL_NAME)
    assert row.message == "process 3 of 8: not done after 600 s: raise measure.timeout_s"
    kept = read_results(tmp_path / "results.jsonl").replicates
    assert [replicate.status for replicate in kept] == ["ok", "ok", "timeout", *["ok"] * 5]


def test_a_budget_gives_every_cell_some_before_any_has_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = cells_of("abc", 6, run_time_s=7.0)
    processes = FakeProcesses(seconds=1.0)
    outcome = fake_run(monkeypatch, cells, tmp_path, processes)
    assert len(processes.jobs) == 7
    assert sorted((left.cell.name, left.done) for left in outcome.left)[0][0] == "a"
    assert sorted(left.done for left in outcome.left) == [2, 2, 3]
    assert [row.message for row in outcome.rows].count("2 of 6 processes: go on with --resume") == 2
    assert read_results(tmp_path / "results.jsonl").rows == ()
    assert (outcome.interrupted, outcome.exit_code) == (False, 4)
    longer = [replace(cell, measure=Measure(processes=6, run_time_s=60.0)) for cell in cells]
    rest = FakeProcesses()
    resumed = fake_run(monkeypatch, longer, tmp_path, rest, resume=True)
    assert (len(rest.jobs), resumed.left, resumed.exit_code) == (11, [], 0)


def test_a_budget_of_one_spec_leaves_the_cells_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [*cells_of("ab", run_time_s=1.0), *cells_of("cd")]
    outcome = fake_run(monkeypatch, cells, tmp_path, FakeProcesses(seconds=1.0))
    assert [row.name for row in outcome.rows] == ["a", "c", "d"]
    assert [(left.cell.name, left.done) for left in outcome.left] == [("b", 0)]
    assert outcome.exit_code == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_row_is_written_waits_until_it_is(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so do all that come after it: the run ends once, with what was measured."""
    write, sync = os.write, os.fsync

    def interrupted_write(descriptor: int, data: bytes) -> int:
        signal.raise_signal(number)
        return write(descriptor, data[:50])

    def interrupted_sync(descriptor: int) -> None:
        signal.raise_signal(number)
        sync(descriptor)

    def patched(cell: Cell, time: int) -> dict[str, Any]:
        monkeypatch.setattr(os, "write", interrupted_write)
        monkeypatch.setattr(os, "fsync", interrupted_sync)
        return steady(cell, time)

    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    outcome = fake_run(monkeypatch, cells_of("abc"), tmp_path, FakeProcesses(patched))
    assert (outcome.interrupted, [row.name for row in outcome.rows]) == (True, ["a"])
    found = read_results(tmp_path / "results.jsonl")
    assert [row.name for row in found.rows] == ["a"]
    assert found.whole == (tmp_path / "results.jsonl").stat().st_size
    assert {name: signal.getsignal(name) for name in before} == before


def test_a_signal_after_the_last_row_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Last(Watcher):
        def cell_finished(self, *arguments: Any) -> None:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)

    outcome = fake_run(monkeypatch, cells_of("a"), tmp_path, watcher=Last())
    assert (outcome.interrupted, outcome.exit_code, outcome.left) == (True, 130, [])
    assert len(outcome.rows) == 1


def test_a_full_disk_names_the_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    def patched(cell: Cell, time: int) -> dict[str, Any]:
        if cell.name == "b":
            monkeypatch.setattr(os, "fsync", full)
        return steady(cell, time)

    outcome = fake_run(monkeypatch, cells_of("abc", 2), tmp_path, FakeProcesses(patched))
    path = tmp_path / "results.jsonl"
    cause = "cannot write: No space left on device; the rows before are kept: free space, then --resume"
    assert str(outcome.error) == f"b: {path}: {cause}"
    assert records(tmp_path) == ["replicate a0"]
    assert [(left.cell.name, left.done) for left in outcome.left] == [("a", 1), ("b", 1), ("c", 0)]
    assert outcome.exit_code == 4


def refusal(monkeypatch: pytest.MonkeyPatch, cells: list[Cell], folder: Path, **changes: Any) -> str:
    size = (folder / "results.jsonl").stat().st_size
    with pytest.raises(UsageError) as raised:
        fake_run(monkeypatch, cells, folder, resume=True, **changes)
    assert (folder / "results.jsonl").stat().st_size == size
    start, end = f"{folder / 'results.jsonl'}: results of another run: ", "; choose another --out DIR"
    text = str(raised.value)
    assert text.startswith(start)
    assert text.endswith(end)
    assert "\n" not in text
    return text.removeprefix(start).removesuffix(end)


def test_a_refusal_says_what_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = cells_of("abc")
    fake_run(monkeypatch, cells, tmp_path)

    def refused(others: list[Cell], **changes: Any) -> str:
        return refusal(monkeypatch, others, tmp_path, **changes)

    assert refused(cells, metrics=("latency",)) == "--metrics latency, was params,latency"
    assert refused(cells[:2]) == "1 cell removed: c"
    assert refused([*cells, *cells_of("de")]) == "2 cells added: d and 1 more"
    other = replace(cells[0], measure=Measure(max_time_s=5.0), dtype="bfloat16")
    assert refused([other, *cells[1:]]) == (
        '1 cell changed: a (dtype "bfloat16", was "float32"; also measure.max_time_s)'
    )
    larger = cell(involution(kernel_size=5), name="a", measure=Measure())
    assert refused([larger, *cells[1:]]) == "1 cell changed: a (kernel_size 5, was 3)"
    assert refused([replace(one, mode="backward") for one in cells]) == (
        '3 cells changed: a (mode "backward", was "forward") and 2 more'
    )
    assert refused([larger, cells[1], *cells_of("d")], metrics=("latency",)) == (
        "--metrics latency, was params,latency; 1 cell changed: a (kernel_size 5, was 3); "
        "1 cell added: d; 1 cell removed: c"
    )
    assert refused([replace(one, spec="other.yaml") for one in cells]) == "spec other.yaml, was test.yaml"


def test_one_spec_by_another_path_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From another folder, by a link, absolute or relative; rows keep the path that the run was begun with."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "a.yaml").write_text("")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "specs" / "a.yaml")
    out = tmp_path / "out"

    def under(spec: str) -> list[Cell]:
        return [replace(one, spec=spec) for one in cells_of("ab", 2)]

    monkeypatch.chdir(tmp_path)
    whole = fake_run(monkeypatch, under("specs/a.yaml"), out)
    for folder, spec in (
        (".", "./specs/a.yaml"),
        ("specs", "a.yaml"),
        ("specs", "../specs/a.yaml"),
        (".", str(tmp_path / "specs" / "a.yaml")),
        (".", "link.yaml"),
    ):
        monkeypatch.chdir(tmp_path / folder)
        processes = FakeProcesses()
        again = fake_run(monkeypatch, under(spec), out, processes, resume=True)
        assert processes.jobs == []
        assert again.rows == whole.rows
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.yaml").write_text("")
    assert refusal(monkeypatch, under("b.yaml"), out) == "spec b.yaml, was specs/a.yaml"


def test_the_order_of_cells_and_metrics_is_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_run(monkeypatch, cells_of("ab"), tmp_path)
    again = fake_run(monkeypatch, cells_of("ba"), tmp_path, metrics=("latency", "params"), resume=True)
    assert [row.name for row in again.rows] == ["b", "a"]


def test_a_file_of_an_earlier_schema_is_read_and_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_run(monkeypatch, cells_of("ab"), tmp_path)
    path = tmp_path / "results.jsonl"
    head, *rows = path.read_text().splitlines(keepends=True)
    old = json.loads(head)
    for key in ("metrics", "cells", "spec_ids"):
        del old[key]
    path.write_text(json.dumps({**old, "schema_version": 1}) + "\n" + "".join(rows))
    assert [row.name for row in read_results(path).rows] == ["a", "b"]
    assert refusal(monkeypatch, cells_of("ab"), tmp_path) == "it was written in schema 1, and this invobench writes 2"


def test_rows_are_set_against_the_ceilings_that_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from invobench.measure.ceilings import Ceiling, Ceilings

    known = {"device": "cpu", "samples": 9, "reached": True, "threads": 1}
    ceilings = Ceilings(
        fingerprint="f",
        invobench="0",
        created="now",
        ceilings=(
            Ceiling(quantity="copy", value=1e9, **known),
            Ceiling(quantity="matmul", value=1e9, dtype="float32", **known),
            Ceiling(quantity="launch", value=1e-6, **known),
        ),
    )
    monkeypatch.setattr(session, "read_ceilings", lambda fingerprint: (ceilings, ""))
    processes = FakeProcesses(lambda cell, time: {**steady(cell, time), "threads": 1})
    one = fake_run(monkeypatch, cells_of("a"), tmp_path / "one", processes)
    (row,) = one.rows
    assert row.achieved_flops_per_s == 2 * row.macs_formula / row.latency_s
    assert (row.bound, one.hint) == ("compute", "")
    several = FakeProcesses(lambda cell, time: {**steady(cell, time), "threads": 1})
    (merged,) = fake_run(monkeypatch, cells_of("a", 6), tmp_path / "six", several).rows
    assert merged.achieved_flops_per_s == 2 * merged.macs_formula / merged.latency_s
    assert read_results(tmp_path / "six" / "results.jsonl").rows == (merged,)


def test_ceilings_that_cannot_be_read_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "read_ceilings", lambda fingerprint: (None, "/x: ceilings of another environment"))
    watcher = Watcher()
    outcome = fake_run(monkeypatch, cells_of("a"), tmp_path, watcher=watcher)
    assert watcher.warnings == [
        "/x: ceilings of another environment: rows have no limits; invobench ceilings measures them"
    ]
    assert "run invobench ceilings" in outcome.hint
