"""A judgement of two sides: verdicts of cells, of the whole, exit codes, notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from invobench.errors import MeasurementError, UsageError
from invobench.judging.judge import judge, side_of_results
from invobench.judging.side import Rules, Side
from invobench.judging.verdicts import Judged, Judgement, Verdict
from invobench.results import Results, Row
from tests.judging.samples import BASE, CANDIDATE, broken, limit, rules, side, timed
from tests.rows import ENVIRONMENT, row, run

OTHER_PLACE = replace(CANDIDATE, fingerprint="e" * 16)
OTHER_TORCH = replace(CANDIDATE, torch="2.14.0")


def judged(base: Row | list[Row], candidate: Row | list[Row], **changes: Any) -> Judgement:
    rows = [one if isinstance(one, list) else [one] for one in (base, candidate)]
    return judge(side(BASE, *rows[0]), side(CANDIDATE, *rows[1]), rules(**changes))


def only(judgement: Judgement) -> Judged:
    assert len(judgement.cells) == 1
    return judgement.cells[0]


def quantities(cell: Judged) -> list[str]:
    return [check.quantity for check in cell.checks]


ALL = ["latency", "peak_memory", "params", "macs_formula", "macs_dispatched", "min_bytes", "operations", "output_shape"]


def test_nothing_changed() -> None:
    found = judged(timed(seed=1), timed(seed=2), where=lambda identity: (f"{identity.name}.yaml", 4))
    assert (found.verdict, found.exit_code, found.notes) == (Verdict.PASS, 0, ())
    cell = only(found)
    assert quantities(cell) == ALL
    assert {check.verdict for check in cell.checks} == {Verdict.PASS}
    assert (cell.message, cell.spec, cell.line, cell.processes) == ("", "involution.yaml", 4, (10, 10))
    assert found.mean == cell.checks[0].ratio == pytest.approx(1.0, abs=0.01)
    assert found.mean_low is not None
    assert found.mean_high is not None
    assert found.mean_low < 1 < found.mean_high


def test_the_same_sides_give_the_same_judgement() -> None:
    assert judged(timed(seed=1), timed(seed=2)) == judged(timed(seed=1), timed(seed=2))
    assert judged(timed(seed=1), timed(seed=2)) != judged(timed(seed=1), timed(seed=2), seed=1)


def test_slower() -> None:
    found = judged(timed(seed=1), timed(latency_s=0.0115, seed=2))
    assert (found.verdict, found.exit_code) == (Verdict.REGRESSED, 1)
    check = only(found).check("latency")
    assert check is not None
    assert check.low is not None
    assert 1.05 < check.low < 1.15
    assert only(found).message == check.message
    assert check.message.startswith("latency +1")
    assert check.message.endswith("%), allowed +5 %")


def test_the_values_of_a_check_are_those_of_its_ratio() -> None:
    check = only(judged(timed(seed=1), timed(latency_s=0.0115, seed=2))).checks[0]
    assert check.candidate / check.base == check.ratio


def test_all_that_decides_is_said() -> None:
    found = judged(timed(seed=1), timed(latency_s=0.0115, seed=2, params=5000, peak_memory_bytes=1))
    said = only(found).message.split("; ")
    assert len(said) == 2
    assert said[0].startswith("latency +")
    assert said[1] == "parameters 4,388 → 5,000 (+13.9 %), may not grow"


def test_pairs() -> None:
    """The two processes of a round are slow together: pairs tell 3 % apart from 0, sides do not."""
    levels = [1.0, 1.1, 0.9, 1.2, 1.0, 0.85, 1.15, 1.05, 0.95, 1.0]
    rows = [
        row(
            latency_s=factor,
            samples_s=[factor * level * (1 + 0.002 * n) for level in levels for n in range(10)],
            samples_per_process=[10] * 10,
        )
        for factor in (1.0, 1.03)
    ]
    verdicts = [judged(*rows, paired=paired, thresholds=limit(latency="2%")).verdict for paired in (True, False)]
    assert verdicts == [Verdict.REGRESSED, Verdict.INCONCLUSIVE]


def test_pairs_of_which_one_is_missing_are_no_pairs() -> None:
    found = judged(timed(processes=10, seed=1), timed(processes=9, seed=2), paired=True)
    assert only(found).processes == (10, 9)
    assert found.verdict is Verdict.PASS
    assert found.notes == ("one side has fewer processes in some cells: there they are not taken as pairs",)


def test_few_processes_cannot_tell() -> None:
    found = judged(timed(processes=5, seed=1), timed(latency_s=1.0, processes=5, seed=2))
    assert (found.verdict, found.exit_code) == (Verdict.INCONCLUSIVE, 3)
    check = only(found).checks[0]
    assert (check.low, check.high, check.needs) == (None, None, 6)
    assert "a side has 5 processes, and fewer than 6 have no interval" in only(found).message


def test_thresholds_are_of_a_cell() -> None:
    limits = {"a": limit(params=None), "b": limit()}
    found = judge(
        side(BASE, timed("a"), timed("b")),
        side(CANDIDATE, timed("a", params=9999), timed("b", params=9999)),
        Rules(thresholds=lambda identity: limits[identity.name]),
    )
    assert [cell.verdict for cell in found.cells] == [Verdict.PASS, Verdict.REGRESSED]
    assert found.cells[0].check("params") is None


@pytest.mark.parametrize("timing", ["judge", "inconclusive", "leave out"])
def test_exact_checks_decide_whatever_becomes_of_times(timing: str) -> None:
    found = judged(timed(seed=1), timed(seed=2, macs_dispatched=1), timing=timing, timing_reason="elsewhere")
    check = only(found).check("macs_dispatched")
    assert check is not None
    assert check.verdict is Verdict.IMPROVED
    worse = judged(timed(seed=1), timed(seed=2, output_shape=[[1]]), timing=timing, timing_reason="elsewhere")
    assert (worse.verdict, worse.exit_code) == (Verdict.REGRESSED, 1)


def test_times_of_another_environment() -> None:
    reason = "measured in another environment: save a baseline here"
    found = judge(
        side(BASE, timed(seed=1)),
        side(OTHER_PLACE, row(**{**timed().model_dump(), "latency_s": None, "samples_s": []})),
        rules(timing="inconclusive", timing_reason=reason),
    )
    assert (found.verdict, found.exit_code) == (Verdict.INCONCLUSIVE, 3)
    check = only(found).checks[0]
    assert (check.quantity, check.verdict, check.message) == ("latency", Verdict.INCONCLUSIVE, f"latency: {reason}")
    assert check.base == pytest.approx(0.01, rel=0.01)
    assert (check.candidate, check.ratio, check.low) == (None, None, None)
    assert only(found).message == f"latency: {reason}"
    assert found.notes == (f"different environments: main {'f' * 16}, working tree {'e' * 16}",)
    assert (found.mean, found.mean_low, found.mean_high) == (None, None, None)


def test_a_baseline_without_times_is_one_of_exact_values() -> None:
    """There is nothing that another environment would make untold."""
    not_timed = row(**{**timed().model_dump(), "latency_s": None, "samples_s": [], "samples_per_process": []})
    found = judged(not_timed, not_timed, timing="inconclusive", timing_reason="elsewhere")
    assert (found.verdict, found.exit_code) == (Verdict.PASS, 0)
    assert quantities(only(found)) == ALL[1:]


def test_times_left_out() -> None:
    found = judged(timed(seed=1), timed(latency_s=1.0, seed=2), timing="leave out")
    assert (found.verdict, found.exit_code, found.notes) == (Verdict.PASS, 0, ("latency is left out",))
    assert quantities(only(found)) == ALL[1:]
    assert found.mean is None


def test_timed_on_one_side() -> None:
    not_timed = row(**{**timed().model_dump(), "latency_s": None, "samples_s": [], "samples_per_process": []})
    found = judged(timed(seed=1), not_timed)
    assert found.verdict is Verdict.INCONCLUSIVE
    told = "latency: working tree has no value and main has: measure both with the same metrics"
    assert only(found).message == told
    assert only(found).checks[0].base == pytest.approx(0.01, rel=0.01)
    assert judged(not_timed, not_timed).verdict is Verdict.PASS


def test_other_versions_of_torch_dispatch_as_they_like() -> None:
    found = judge(side(BASE, timed(seed=1)), side(OTHER_TORCH, timed(seed=2, operations=99, launches=3)), rules())
    assert found.verdict is Verdict.PASS
    assert quantities(only(found)) == [name for name in ALL if name != "operations"]
    assert found.notes == ("operations and launches are not compared: torch 2.13.0 in main, 2.14.0 in working tree",)
    assert judged(timed(seed=1), timed(seed=2, operations=99)).verdict is Verdict.REGRESSED


def test_launches_are_compared_where_there_are_some() -> None:
    found = judged(timed(seed=1, launches=3), timed(seed=2, launches=4))
    assert only(found).message == "kernel launches 3 → 4 (+33.3 %), may not grow"


BAD = {"status": "failed", "message": "it broke"}


@pytest.mark.parametrize(
    ("base", "candidate", "verdict", "exit_code"),
    [
        ({}, BAD, Verdict.FAILED, 4),
        (BAD, BAD, Verdict.FAILED, 4),
        (BAD, {}, Verdict.INCONCLUSIVE, 3),
        ({}, {"status": "oom"}, Verdict.REGRESSED, 1),
        ({}, {"status": "failed", "message": "backend x of y is wrong, and was not timed: off"}, Verdict.REGRESSED, 1),
    ],
)
def test_cells_that_were_not_measured(
    base: dict[str, Any], candidate: dict[str, Any], verdict: Verdict, exit_code: int
) -> None:
    rows = [broken(**changes) if changes else timed() for changes in (base, candidate)]
    found = judged(*rows)
    assert (found.verdict, found.exit_code) == (verdict, exit_code)
    assert only(found).check("latency") is None
    assert {check.verdict for check in only(found).checks} == {Verdict.PASS}, "what the formula says of both"


def test_what_is_known_of_a_cell_that_failed_is_compared() -> None:
    found = only(judged(broken(), broken(params=5000)))
    assert found.verdict is Verdict.REGRESSED
    assert found.message == (
        "failed in main: it broke; failed in working tree: it broke; parameters 4,388 → 5,000 (+13.9 %), may not grow"
    )


def test_a_process_that_failed_leaves_the_others_times_aside() -> None:
    found = only(judged(timed(seed=1), timed(seed=2, latency_s=1.0, **BAD)))
    assert found.verdict is Verdict.FAILED
    assert found.check("latency") is None
    assert found.processes == (10, 10)


def test_a_noisy_row_is_measured() -> None:
    assert judged(timed(seed=1, status="noisy"), timed(seed=2, status="noisy")).verdict is Verdict.PASS


def test_new_and_missing() -> None:
    found = judged([timed("same", seed=1), timed("involution_7x7")], [timed("same", seed=2), timed("involution7x7")])
    same, missing, new = found.cells
    assert (same.verdict, missing.verdict, new.verdict) == (Verdict.PASS, Verdict.MISSING, Verdict.NEW)
    assert missing.message == "only main has it, removed or renamed: is it now 'involution7x7'?"
    assert new.message == "only working tree has it: there is nothing to compare it with"
    assert (missing.processes, new.processes) == ((10, 0), (0, 10))
    assert (found.verdict, found.exit_code) == (Verdict.MISSING, 3)


def test_a_new_cell_does_no_harm() -> None:
    found = judged(timed("a", seed=1), [timed("a", seed=2), timed("b")])
    assert (found.verdict, found.exit_code) == (Verdict.PASS, 0)
    assert judged([timed("a", seed=1), timed("sasa")], [timed("a", seed=2)]).cells[1].message == (
        "only main has it, removed or renamed"
    )


@pytest.mark.parametrize("sides", [([], []), ([timed("a")], [timed("b")]), ([timed("a")], []), ([], [timed("b")])])
@pytest.mark.parametrize("inconclusive", ["report", "pass", "fail"])
def test_nothing_in_common_is_nothing_measured(sides: tuple[list[Row], list[Row]], inconclusive: str) -> None:
    found = judged(*sides, inconclusive=inconclusive)
    assert (found.verdict, found.exit_code) == (Verdict.NOTHING, 4)
    assert found.notes == ("main and working tree have no cell in common: nothing was judged",)


def test_no_threshold_at_all_is_nothing_measured() -> None:
    keys = ("latency", "peak_memory", "params", "macs", "min_bytes", "operations", "launches")
    rows = [timed(seed=seed, output_shape=None) for seed in (1, 2)]
    found = judged(*rows, thresholds=limit(**dict.fromkeys(keys)))
    assert (found.verdict, found.exit_code) == (Verdict.NOTHING, 4)
    assert only(found).message == "neither side has a value that a threshold bounds"


INCONCLUSIVE = (timed(seed=1), timed(seed=2, processes=5))


@pytest.mark.parametrize(("wanted", "code"), [("report", 3), ("pass", 0), ("fail", 1)])
def test_what_becomes_of_code_3(wanted: str, code: int) -> None:
    found = judged(*INCONCLUSIVE, inconclusive=wanted)
    assert (found.verdict, found.exit_code) == (Verdict.INCONCLUSIVE, code)
    missing = judged([timed("a", seed=1), timed("b")], timed("a", seed=2), inconclusive=wanted)
    assert (missing.verdict, missing.exit_code) == (Verdict.MISSING, code)


@pytest.mark.parametrize(("wanted", "code"), [("report", 4), ("pass", 4), ("fail", 1)])
def test_the_worst_code_wins(wanted: str, code: int) -> None:
    """Of a failure and what cannot be told: 1 before 4 before 3."""
    base, candidate = [timed("a", seed=1), timed("b")], [timed("a", seed=2, processes=5), broken("b")]
    assert judged(base, candidate, inconclusive=wanted).exit_code == code


def test_improvements() -> None:
    base, candidate = timed(seed=1), timed(latency_s=0.008, seed=2)
    found = judged(base, candidate)
    assert (found.verdict, found.exit_code, found.notes) == (Verdict.IMPROVED, 0, ())
    asked = judged(base, candidate, fail_on_improvement=True)
    assert (asked.verdict, asked.exit_code) == (Verdict.IMPROVED, 1)
    assert asked.notes == ("improved by more than the threshold: save a new baseline",)
    assert judged(base, timed(seed=2), fail_on_improvement=True).exit_code == 0


def test_an_improvement_beside_what_cannot_be_told_fails_too() -> None:
    base, candidate = timed(seed=1), timed(seed=2, processes=5, params=1)
    assert judged(base, candidate).exit_code == 3
    assert judged(base, candidate, fail_on_improvement=True).exit_code == 1


def test_the_mean_is_over_cells_whose_times_were_judged() -> None:
    base = [timed(name, seed=seed) for seed, name in enumerate("abc")]
    candidate = [timed("a", 0.02, seed=7), timed("b", 0.005, seed=8), broken("c")]
    found = judged(base, candidate)
    assert found.mean == pytest.approx(1.0, rel=0.02)
    assert None not in (found.mean_low, found.mean_high)


def spoilt(which: int, build: Callable[[Row], Side]) -> Judgement:
    rows = [timed(seed=1), timed(seed=2)]
    sides = [build(one) if n == which else side(BASE, one) for n, one in enumerate(rows)]
    return judge(sides[0], replace(sides[1], subject=CANDIDATE), rules())


@pytest.mark.parametrize("bad", [0.0, -1e-6, float("nan"), float("inf")])
def test_a_clock_that_went_backwards(bad: float) -> None:
    def build(one: Row) -> Side:
        good = side(BASE, one)
        return replace(good, samples={identity: [*found[:-1], [0.01, bad]] for identity, found in good.samples.items()})

    with pytest.raises(MeasurementError, match=r"^involution in working tree: process 10, sample 2 of 2 is .* no time"):
        spoilt(1, build)


def test_processes_without_samples_are_left_out() -> None:
    def build(one: Row) -> Side:
        good = side(BASE, one)
        return replace(good, samples={identity: [[], *found] for identity, found in good.samples.items()})

    assert only(spoilt(0, build)).processes == (10, 10)


def test_other_conditions_are_refused() -> None:
    with pytest.raises(UsageError, match=r"^involution: execution is eager in the base and compiled in the candidate"):
        judged(timed(), timed(execution="compiled"))


def test_other_threads_are_refused_where_times_are_judged() -> None:
    with pytest.raises(UsageError, match=r"^involution: threads is 2 in the base and 4 in the candidate"):
        judged(timed(), timed(threads=4))
    assert judged(timed(), timed(threads=4), timing="inconclusive", timing_reason="elsewhere").exit_code == 3


def test_a_side_of_results() -> None:
    rows = (timed("a"), broken("b"), row("c", samples_s=[], latency_s=0.5))
    made = side_of_results(Results(run(), rows, (), 0), "a.jsonl")
    assert (made.subject.label, made.subject.fingerprint) == ("a.jsonl", ENVIRONMENT.fingerprint)
    assert (made.subject.torch, made.subject.created) == (ENVIRONMENT.torch, run().created)
    assert {identity.name: len(found) for identity, found in made.samples.items()} == {"a": 10, "c": 1}
