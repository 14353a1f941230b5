"""A gate on sides that replay times: what is measured when, until when, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from invobench.errors import MeasurementError, UsageError
from invobench.judging.side import side_of_results
from invobench.judging.verdicts import Verdict
from invobench.results import Row, read_results
from invobench.runner import interrupts
from invobench.runner.gate import gate as gating
from invobench.runner.gate.job import DETERMINISTIC
from invobench.runner.gate.measurer import Modules
from invobench.runner.gate.request import GateRequest
from tests.runner.gate.fakes import HERE, FakeGate, Watcher, cells_of, dies, steady


def verdicts(outcome: Any) -> dict[str, Verdict]:
    return {judged.identity.name: judged.verdict for judged in outcome.judgement.cells}


def latency(outcome: Any, name: str) -> Any:
    return next(judged.check("latency") for judged in outcome.judgement.cells if judged.identity.name == name)


def test_sides_swap_and_cells_come_in_the_same_order(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, cells_of("xyz"), steady(1.0), steady(1.0))
    outcome = gate.run()
    rounds = gate.rounds
    assert [process[0] for process in rounds] == list("bccbbccbbccb")
    orders = [process[2:] for process in rounds]
    assert orders[:4] == ["xyz"] * 4
    assert all(len(set(orders[start : start + 4])) == 1 for start in (0, 4, 8))
    assert len(set(orders)) > 1, "the order changes between pairs of rounds"
    assert outcome.exit_code == 0
    assert verdicts(outcome) == dict.fromkeys("xyz", Verdict.PASS)
    assert [progress.rounds_done for progress in gate.watcher.progress] == list(range(7))
    assert {progress.rounds for progress in gate.watcher.progress} == {6}
    assert gate.watcher.stages == ["starting base (main) and candidate (working tree)", "measuring"]


def test_only_the_first_process_measures_what_does_not_vary(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, cells_of("x"), steady(1.0), steady(1.0))
    gate.run()
    for side in (gate.base, gate.candidate):
        assert [order.metrics for order in side.orders] == [(*DETERMINISTIC, "latency"), *[("latency",)] * 5]
        assert [order.checked for order in side.orders] == [False, *[True] * 5]
        assert {(order.sample_time_s, order.target_ci, order.slow) for order in side.orders} == {(0.1, 0.05, 1.0)}


def test_an_even_drift_cancels(tmp_path: Path) -> None:
    """The machine gets slower all the time, by a third in all: each side is early as often as late."""
    gate = FakeGate(tmp_path, cells_of("x"), lambda *args: 1 + args[2] / 36, lambda *args: 1 + args[2] / 36)
    assert latency(gate.run(), "x").ratio == pytest.approx(1.0, abs=0.005)
    unfair = [1 + (2 * number + 2) / 36 for number in range(6)], [1 + (2 * number + 1) / 36 for number in range(6)]
    assert sum(unfair[0]) / sum(unfair[1]) > 1.02, "what A B A B A B would have said"


def test_a_slower_cell_is_regressed_and_a_quicker_one_improved(tmp_path: Path) -> None:
    def candidate(name: str, number: int, now: float) -> float:
        return steady({"x": 1.1, "y": 0.9, "z": 1.0}[name])(name, number, now)  # type: ignore[return-value]

    outcome = FakeGate(tmp_path, cells_of("xyz"), steady(1.0), candidate).run()
    assert verdicts(outcome) == {"x": Verdict.REGRESSED, "y": Verdict.IMPROVED, "z": Verdict.PASS}
    assert latency(outcome, "x").ratio == pytest.approx(1.1)
    assert outcome.exit_code == 1
    kept = FakeGate(tmp_path / "kept", cells_of("y"), steady(1.0), candidate).run(fail_on_improvement=True)
    assert kept.exit_code == 1


def undecided(name: str, number: int, now: float) -> float:
    """Of `x` every second process takes a fifth longer: its median may be either."""
    return 1.0 if name != "x" else (1.0, 1.2)[number % 2]


def test_only_undecided_cells_go_on_until_the_most_processes(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, cells_of("xy", {"time_s": 1000.0}), steady(1.0), undecided)
    outcome = gate.run()
    taken = {name: sum(line[1] == name and line[0][0] == "b" for line in gate.log) for name in "xy"}
    assert taken == {"x": 12, "y": 6}
    assert verdicts(outcome) == {"x": Verdict.INCONCLUSIVE, "y": Verdict.PASS}
    assert outcome.exit_code == 3
    assert [process[0] for process in gate.rounds[12:]] == list("bccbbccbbccb")
    assert gate.watcher.progress[-1].rounds_done == 12


def test_time_ends_it_after_a_pair_of_rounds(tmp_path: Path) -> None:
    """Six rounds take 12 s, and so many are taken whatever the time; each further one 2 s."""
    counts = {}
    for time_s in (1.0, 13.0, 16.5):
        gate = FakeGate(tmp_path / f"{time_s:g}", cells_of("x", {"time_s": time_s}), steady(1.0), undecided)
        assert gate.run().exit_code == 3
        counts[time_s] = gate.watcher.progress[-1].rounds_done
    assert counts == {1.0: 6, 13.0: 8, 16.5: 10}


def test_it_stops_when_more_processes_have_decided(tmp_path: Path) -> None:
    def settles(name: str, number: int, now: float) -> float:
        return 1.2 if number in {1, 3} else 1.0

    gate = FakeGate(tmp_path, cells_of("x", {"most_processes": 40, "time_s": 1000.0}), steady(1.0), settles)
    outcome = gate.run()
    assert outcome.exit_code == 0
    assert 6 < gate.watcher.progress[-1].rounds_done < 40


def test_looks_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 6 processes, then each time at 40 % more, two at a time: 10, 14, 20, 28, 40; and once after the first."""
    looks = []
    original = gating.judge

    def judge(base: Any, candidate: Any, rules: Any) -> Any:
        looks.append(len(next(iter(base.samples.values()))))
        return original(base, candidate, rules)

    monkeypatch.setattr(gating, "judge", judge)
    gate = FakeGate(tmp_path, cells_of("x", {"most_processes": 40, "time_s": 1000.0}), steady(1.0), undecided)
    gate.run()
    assert looks == [1, 6, 10, 14, 20, 28, 40]


def test_what_is_regressed_once_is_looked_at_again(tmp_path: Path) -> None:
    """Noise that looks like a regression for six processes, and then does not."""

    def settles(name: str, number: int, now: float) -> float:
        return 1.2 if number < 6 else 1.0

    gate = FakeGate(tmp_path / "noise", cells_of("x", {"time_s": 1000.0}), steady(1.0), settles)
    assert gate.run().exit_code != 1
    hasty = FakeGate(tmp_path / "hasty", cells_of("x", {"most_processes": 6}), steady(1.0), settles)
    assert hasty.run().exit_code == 1
    gate = FakeGate(tmp_path / "real", cells_of("xy", {"time_s": 1000.0}), steady(1.0), lambda name, *more: 1.2)
    assert gate.run().exit_code == 1
    assert gate.watcher.progress[-1].rounds_done == 10, "a second look, and no third"


def test_cells_may_have_processes_of_their_own(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, cells_of("xy"), steady(1.0), steady(1.0))
    gate.conditions = "profile"
    assert gate.run().exit_code == 0
    assert (set(gate.candidate.batches), set(gate.base.batches)) == ({1}, {2})


def test_inconclusive_may_pass_or_fail_and_stays_inconclusive(tmp_path: Path) -> None:
    for wanted, code in (("pass", 0), ("fail", 1)):
        gate = FakeGate(tmp_path / wanted, cells_of("x", {"most_processes": 6}), steady(1.0), undecided)
        outcome = gate.run(inconclusive=wanted)
        assert (outcome.exit_code, outcome.judgement.verdict) == (code, Verdict.INCONCLUSIVE)


def failed(message: str, status: str = "failed") -> Mapping[str, Any]:
    return {"status": status, "message": message}


def test_a_cell_that_fails_on_one_side_is_not_measured_again(tmp_path: Path) -> None:
    def candidate(name: str, number: int, now: float) -> float | Mapping[str, Any]:
        return failed("the worker process was killed by SIGSEGV") if name == "x" else 1.0

    gate = FakeGate(tmp_path, cells_of("xy"), steady(1.0), candidate)
    outcome = gate.run()
    assert [line[1] for line in gate.log].count("x") == 2
    assert verdicts(outcome) == {"x": Verdict.FAILED, "y": Verdict.PASS}
    assert "SIGSEGV" in next(judged.message for judged in outcome.judgement.cells if judged.identity.name == "x")
    assert outcome.exit_code == 4


def test_a_clock_that_goes_backwards_is_a_failure_with_its_words(tmp_path: Path) -> None:
    said = "perf_counter goes backwards: it read -1e-05 s for 1 calls"

    def candidate(name: str, number: int, now: float) -> float | Mapping[str, Any]:
        return failed(said) if number == 3 else 1.0

    gate = FakeGate(tmp_path, cells_of("x"), steady(1.0), candidate)
    outcome = gate.run()
    assert outcome.exit_code == 4
    assert said in outcome.judgement.cells[0].message
    assert gate.watcher.progress[-1].rounds_done == 4


def test_cells_of_one_side_are_measured_once(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, cells_of("xn"), steady(1.0), steady(1.0), cells_of("xm"))
    outcome = gate.run()
    assert verdicts(outcome) == {"x": Verdict.PASS, "m": Verdict.MISSING, "n": Verdict.NEW}
    assert outcome.exit_code == 3
    assert [line[1] for line in gate.log].count("m") == [line[1] for line in gate.log].count("n") == 1


def test_no_common_cell_is_nothing_measured(tmp_path: Path) -> None:
    outcome = FakeGate(tmp_path, cells_of("n"), steady(1.0), steady(1.0), cells_of("m")).run()
    assert (outcome.judgement.verdict, outcome.exit_code) == (Verdict.NOTHING, 4)


def test_deterministic_takes_one_process_a_side_and_no_time(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, cells_of("xy"), steady(1.0), steady(2.0))
    outcome = gate.run(deterministic=True)
    assert gate.rounds == ["b:xy", "c:xy"]
    assert {order.metrics for order in gate.base.orders} == {DETERMINISTIC}
    assert latency(outcome, "x") is None
    assert outcome.exit_code == 0


def test_other_contracts_are_refused_after_one_round(tmp_path: Path) -> None:
    def candidate(name: str, number: int, now: float) -> Mapping[str, Any]:
        return {"latency_s": 1.0, "samples_s": [1.0], "samples": 1, "threads": 2}

    gate = FakeGate(tmp_path, cells_of("x"), steady(1.0), candidate)
    with pytest.raises(UsageError, match="threads"):
        gate.run()
    assert gate.rounds == ["b:x", "c:x"]


def test_code_of_the_other_tree_is_refused_after_one_round(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, cells_of("x"), steady(1.0), steady(1.0))
    gate.watch = {"own": "/there", "foreign": "/here"}
    gate.base.modules = Modules({"mine": "/here/mine.py", "other": "/here/other.py"}, own=0)
    outcome = gate.run()
    assert str(outcome.error) == (
        "base (main) imported mine and 1 more from the other side's tree (/here/mine.py), so that nothing would "
        "be compared: install each side in an environment of its own, and use --against-python"
    )
    assert (outcome.exit_code, outcome.judgement) == (4, None)
    assert gate.rounds == ["b:x", "c:x"]
    assert gate.base.watched == [gate.watch]


def test_only_the_first_process_is_asked_for_its_modules(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, cells_of("x"), steady(1.0), steady(1.0))
    gate.watch = {"own": "/there", "foreign": "/here"}
    outcome = gate.run()
    assert gate.base.watched == gate.candidate.watched == [gate.watch, *[None] * 5]
    note = "base (main) imported no code of its own tree: only specs and what is installed ran"
    assert note in outcome.judgement.notes
    assert gate.watcher.warnings == [note]


def test_a_side_that_dies_ends_it_and_what_was_measured_is_kept(tmp_path: Path) -> None:
    def base(name: str, number: int, now: float) -> float | BaseException:
        return dies(name, number, now) if (name, number) == ("y", 2) else 1.0

    outcome = FakeGate(tmp_path, cells_of("xy"), base, steady(1.0)).run()
    assert isinstance(outcome.error, MeasurementError)
    assert (outcome.exit_code, outcome.judgement) == (4, None)
    found = read_results(tmp_path / "base/results.jsonl")
    assert [(row.name, row.replicate) for row in found.replicates] == [
        *(("x", 0), ("y", 0), ("x", 1), ("y", 1)),
        *((name, 2) for name in _before("y", found.replicates)),
    ]
    assert [row.name for row in found.rows] == ["x", "y"]
    assert found.rows[1].samples_per_process == [3, 3]


def _before(name: str, replicates: Any) -> list[str]:
    """The cells of the third round that came before `name`."""
    return [row.name for row in replicates if row.replicate == 2 and row.name != name]


def test_ctrl_c_keeps_the_replicates_that_are_finished(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, cells_of("x"), steady(1.0), steady(1.0))

    def interrupt(progress: Any) -> None:
        if progress.rounds_done == 3:
            raise KeyboardInterrupt

    gate.watcher.at = interrupt
    outcome = gate.run()
    assert (outcome.interrupted, outcome.judgement, outcome.exit_code) == (True, None, 130)
    for side in ("base", "candidate"):
        found = read_results(tmp_path / side / "results.jsonl")
        assert [row.replicate for row in found.replicates] == [0, 1, 2]
        assert found.rows[0].processes == 3


def test_a_signal_is_heard_between_processes(tmp_path: Path) -> None:
    import signal

    gate = FakeGate(tmp_path, cells_of("x"), steady(1.0), steady(1.0))
    gate.watcher.at = lambda progress: signal.raise_signal(signal.SIGTERM)
    with interrupts.held_back():
        assert gate.run().exit_code == 130
    assert gate.rounds == ["b:x", "c:x"]


def test_results_are_two_files_that_say_what_was_measured(tmp_path: Path) -> None:
    outcome = FakeGate(tmp_path, cells_of("xy"), steady(1.0), steady(1.02)).run()
    for side, expected in (("base", 1.0), ("candidate", 1.02)):
        found = read_results(tmp_path / side / "results.jsonl")
        assert len(found.replicates) == 12
        assert [row.name for row in found.rows] == ["x", "y"]
        row = found.rows[0]
        assert (row.status, row.processes, row.samples_per_process) == ("ok", 6, [3] * 6)
        assert row.latency_s == pytest.approx(expected)
        assert (row.peak_memory_bytes, row.operations) == (1000, 7)
        assert found.run.command == "gate"
        assert set(found.run.cells) == {row.cell_key for row in found.rows}
        assert side_of_results(found, side).samples.keys() == {judged.identity for judged in outcome.judgement.cells}
    assert outcome.base_run is not None
    assert outcome.judgement.base.revision == "a" * 40
    assert (outcome.judgement.base.label, outcome.judgement.candidate.label) == ("main", "working tree")


def test_a_folder_that_has_results_is_refused(tmp_path: Path) -> None:
    FakeGate(tmp_path, cells_of("x"), steady(1.0), steady(1.0)).run()
    with pytest.raises(UsageError, match=r"base/results.jsonl: there are results already; choose another --out DIR"):
        FakeGate(tmp_path, cells_of("x"), steady(1.0), steady(1.0)).run()


def test_a_full_disk_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from invobench.runner.gate import record

    count = 0

    def append(self: Any, row: Row) -> None:
        nonlocal count
        count += 1
        if count > 5:
            raise MeasurementError("cannot write: No space left on device")

    monkeypatch.setattr(record.ResultsFile, "append", append)
    outcome = FakeGate(tmp_path, cells_of("x"), steady(1.0), steady(1.0)).run()
    assert (outcome.exit_code, outcome.judgement) == (4, None)
    assert "No space left" in str(outcome.error)


def stored(folder: Path, seconds: float) -> Any:
    """A baseline of `x` and `y`, measured before."""
    FakeGate(folder, cells_of("xy"), steady(seconds), steady(seconds)).run()
    return side_of_results(read_results(folder / "candidate/results.jsonl"), "baseline")


def test_a_baseline_of_the_same_environment_is_judged(tmp_path: Path) -> None:
    base = stored(tmp_path / "before", 1.0)
    gate = FakeGate(tmp_path / "now", cells_of("xy"), steady(9.0), steady(1.2))
    outcome = gate.run(base)
    assert verdicts(outcome) == dict.fromkeys("xy", Verdict.REGRESSED)
    assert (outcome.exit_code, outcome.base_run) == (1, None)
    assert len(gate.rounds) == 10
    assert {process[0] for process in gate.rounds} == {"c"}
    assert not (tmp_path / "now/base").exists()


def test_a_baseline_of_another_environment_leaves_time_open_and_takes_one_process(tmp_path: Path) -> None:
    base = stored(tmp_path / "before", 1.0)
    gate = FakeGate(tmp_path / "now", cells_of("xy"), steady(9.0), steady(1.2))
    gate.candidate.environment = HERE.model_copy(update={"fingerprint": "g"})
    outcome = gate.run(base)
    assert verdicts(outcome) == dict.fromkeys("xy", Verdict.INCONCLUSIVE)
    assert outcome.exit_code == 3
    assert gate.rounds == ["c:xy"]
    assert "measured in another environment (fingerprint f, here g)" in latency(outcome, "x").message
    exact = FakeGate(tmp_path / "exact", cells_of("xy"), steady(9.0), steady(1.2))
    exact.candidate.environment = gate.candidate.environment
    assert exact.run(base, deterministic=True).exit_code == 0


def test_thresholds_are_the_candidates(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, cells_of("x", {"latency": "50%"}), steady(1.0), steady(1.2), cells_of("x"))
    outcome = gate.run()
    assert (latency(outcome, "x").threshold, outcome.exit_code) == (0.5, 0)
    assert (outcome.judgement.cells[0].spec, outcome.judgement.cells[0].line) == ("test.yaml", 3)


def test_cells_may_want_different_numbers_of_processes(tmp_path: Path) -> None:
    cells = [*cells_of("x"), *(replace(one, spec="other.yaml") for one in cells_of("y", {"processes": 8}))]
    gate = FakeGate(tmp_path, cells, steady(1.0), steady(1.0))
    assert gate.run().exit_code == 0
    taken = {name: sum(line[:2] == ("base (main)", name) for line in gate.log) for name in "xy"}
    assert taken == {"x": 6, "y": 8}


def test_a_cell_without_a_limit_of_time_takes_one_process(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, cells_of("x", {"latency": None}), steady(1.0), steady(9.0))
    assert gate.run().exit_code == 0
    assert gate.rounds == ["b:x", "c:x"]


def test_cells_that_cannot_be_told_apart_are_refused(tmp_path: Path) -> None:
    cells = [*cells_of("x"), *(replace(one, spec="other.yaml") for one in cells_of("x"))]
    with pytest.raises(UsageError) as raised:
        FakeGate(tmp_path, cells, steady(1.0), steady(1.0)).run()
    assert str(raised.value) == "base (main): test.yaml and other.yaml: x is there twice: names must differ"


def test_a_baseline_says_how_it_was_measured_and_the_candidate_is_measured_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a gate measured and a profile measured are different times of the same code."""
    base = stored(tmp_path / "before", 1.0)
    assert base.subject.conditions == "gate"
    asked: list[str] = []

    def alone(request: Any, stack: Any, say: Any, conditions: str) -> Any:
        asked.append(conditions)
        raise KeyboardInterrupt

    monkeypatch.setattr("invobench.runner.gate.sides.alone", alone)
    monkeypatch.setattr("invobench.runner.gate.gate.read", lambda specs, settings: [])
    for side in (base, replace(base, subject=replace(base.subject, conditions="profile"))):
        with pytest.raises(KeyboardInterrupt):
            gating.against_baseline(GateRequest((Path("test.yaml"),), tmp_path / "now"), side, Watcher())
    assert asked == ["gate", "profile"]


def test_against_a_profile_the_record_says_so(tmp_path: Path) -> None:
    gate = FakeGate(tmp_path, cells_of("x"), steady(1.0), steady(1.0))
    gate.conditions = "profile"
    gate.run()
    said = {side: read_results(tmp_path / side / "results.jsonl").run.conditions for side in ("base", "candidate")}
    assert said == {"base": "gate", "candidate": "profile"}
