"""The self-test on a side that replays times: known noise and known slowing, and what gates say of them."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from invobench.errors import UsageError
from invobench.judging.verdicts import Check, Identity, Verdict
from invobench.results import Row
from invobench.runner.gate import drawing
from invobench.runner.gate.drawing import needed, rate, subsets, supported, thinned
from invobench.runner.gate.job import Target
from invobench.runner.gate.measurer import Modules, Order
from invobench.runner.gate.request import GateRequest, GateSelftest
from invobench.runner.gate.selftest import FACTORS, Selftest, _in_turn, gate_selftest
from tests.runner.gate.fakes import HERE, Clock, FakeSide, Watcher, cells_of
from tests.runner.gate.repositories import layer, spec


class Noisy(FakeSide):
    """Takes `slow` times the time of its script, with noise between processes of so much."""

    def __init__(self, names: str, noise: float, **gate: Any) -> None:
        super().__init__("candidate", cells_of(names, gate), lambda *known: 1.0, Clock(), [])
        self.noise, self.random, self.processes = noise, random.Random(0), list[list[tuple[str, float]]]()

    def measure(
        self, orders: Sequence[Order], watch: Mapping[str, str | None] | None, got: Callable[[Identity, Row], None]
    ) -> Modules:
        self.processes.append([(order.planned.row.name, order.slow) for order in orders])
        slow = {order.planned.identity: order.slow for order in orders}

        def scaled(identity: Identity, row: Row) -> None:
            if row.latency_s is None:
                got(identity, row)
                return
            factor = slow[identity] * (1 + self.random.gauss(0, self.noise))
            times = [sample * factor for sample in row.samples_s]
            got(identity, row.model_copy(update={"samples_s": times, "latency_s": times[0]}))

        return super().measure(orders, watch, scaled)


def selftested(side: Noisy, rounds: int | None = 12, watcher: Watcher | None = None) -> GateSelftest:
    planned = side.plan([], [])
    cells = {cell.key: cell for cell in side.cells}
    of = {one.identity: cells[one.key] for one in planned}
    targets = {identity: Target(identity, True, cell.gate, cell.thresholds) for identity, cell in of.items()}
    return Selftest(side, planned, targets, watcher or Watcher(), side.clock.now).run(HERE, rounds, FACTORS)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("invobench.runner.gate.selftest.GATES", 25)


def test_a_quiet_machine_supports_its_threshold() -> None:
    watcher = Watcher()
    found = selftested(Noisy("xy", 0.002), watcher=watcher)
    assert (found.rounds, found.processes, found.gates, found.factors) == (12, 6, 25, FACTORS)
    for cell in (*found.cells, found.whole):
        assert cell is not None
        assert (cell.false_alarms.count, cell.passes.count, cell.passes.of) == (0, 25, 25)
        assert {factor: rate.count for factor, rate in cell.detected if factor != 1.05} == dict.fromkeys(
            FACTORS[1:], 25
        )
        assert cell.smallest is not None
        assert cell.smallest < 0.01
        assert cell.is_supported
    assert [cell.label for cell in found.cells] == ["x", "y"]
    assert found.cells[0].latency_s == pytest.approx(1.0, rel=0.01)
    assert found.exit_code == 0
    assert [progress.rounds_done for progress in watcher.progress] == list(range(13))
    assert found.notes == (
        "25 gates were drawn, each of 6 of the same 12 rounds: they overlap, so that the intervals are narrower than "
        "those of as many gates by themselves",
    )


def test_a_noisy_machine_does_not_and_says_what_it_supports() -> None:
    found = selftested(Noisy("x", 0.06))
    (cell,) = found.cells
    assert cell.passes.count < 25
    assert cell.smallest is not None
    assert 0.05 < cell.smallest < 0.3
    assert not cell.is_supported
    assert (found.unsupported, found.exit_code) == ([cell], 3)
    assert dict(cell.detected)[1.05].count < 5, "slowed by the threshold: it is not over it"
    loose = selftested(Noisy("x", 0.06, latency=f"{100 * cell.smallest + 0.01:.2f}%"))
    assert loose.exit_code == 0, "the threshold that it supports is supported"


def test_a_cell_without_a_threshold_has_no_rates_and_a_smallest_one() -> None:
    found = selftested(Noisy("x", 0.002, latency=None))
    (cell,) = found.cells
    assert (cell.threshold, cell.passes.of, cell.passes.share) == (None, 0, None)
    assert cell.smallest is not None
    assert found.exit_code == 0


def test_every_process_measures_every_cell_and_a_again_stays_beside_a() -> None:
    side = Noisy("xyz", 0.01)
    selftested(side, rounds=6)
    assert len(side.processes) == 6 * 7
    assert all(sorted(name for name, _ in process) == list("xyz") for process in side.processes)
    factors = [process[0][1] for process in side.processes]
    assert all(sorted(factors[start : start + 7]) == [1.0, 1.0, *FACTORS] for start in range(0, 42, 7))
    variants = [("A", 1.0), ("A again", 1.0), ("1.05", 1.05), ("1.08", 1.08)]
    for number in range(8):
        names = [name for name, _ in _in_turn(variants, number)]
        assert abs(names.index("A") - names.index("A again")) == 1
    first, second = ([name for name, _ in _in_turn(variants, number)] for number in (2, 3))
    assert second == first[::-1]


def test_rounds_are_twice_the_processes_by_default() -> None:
    assert selftested(Noisy("x", 0.002), rounds=None).rounds == 12


def test_a_cell_that_fails_is_named_and_the_others_count() -> None:
    side = Noisy("xy", 0.002)
    side.script = lambda name, number, now: (
        {"status": "failed", "message": "broke"} if (name, number) == ("y", 9) else 1.0
    )
    found = selftested(side)
    assert found.failed == (("y", "failed: broke"),)
    assert [cell.label for cell in found.cells] == ["x"]
    assert (found.rounds, found.exit_code) == (12, 4)


def test_ctrl_c_leaves_the_rounds_that_are_done() -> None:
    watcher = Watcher()

    def interrupt(progress: Any) -> None:
        if progress.rounds_done == 7:
            raise KeyboardInterrupt

    watcher.at = interrupt
    found = selftested(Noisy("x", 0.002), watcher=watcher)
    assert (found.interrupted, found.rounds, found.exit_code) == (True, 7, 130)
    assert found.gates == 7, "7 over 6"
    watcher.at = lambda progress: (_ for _ in ()).throw(KeyboardInterrupt)
    nothing = selftested(Noisy("x", 0.002), watcher=watcher)
    assert (nothing.cells, nothing.whole, nothing.gates, nothing.exit_code) == ((), None, 0, 130)


def test_a_gpu_cannot_be_slowed() -> None:
    side = Noisy("x", 0.002)
    (planned,) = side.plan([], [])
    row = planned.row.model_copy(update={"device": "cuda:0"})
    test = Selftest(
        side, [replace(planned, row=row)], {planned.identity: Target(planned.identity, True)}, Watcher(), float
    )
    with pytest.raises(UsageError, match="--self-test: x runs on cuda:0, and slowing needs --device cpu"):
        test.run(HERE, 6, FACTORS)
    assert side.processes == []


def test_draws_are_subsets_and_the_same_each_time() -> None:
    drawn = subsets(20, 10, 50)
    assert drawn == subsets(20, 10, 50)
    assert len(drawn) == 50
    assert all(len(set(draw)) == 10 and draw == sorted(draw) for draw in drawn)
    assert subsets(6, 6, 50) == [[0, 1, 2, 3, 4, 5]]
    assert subsets(5, 6, 50) == []


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(0, 100, 0.0, 0.037), (2, 100, 0.0055, 0.0700), (95, 100, 0.8882, 0.9785), (100, 100, 0.963, 1.0)],
)
def test_rates_have_wilsons_interval(count: int, of: int, low: float, high: float) -> None:
    found = rate([True] * count + [False] * (of - count))
    assert (found.count, found.of, found.share) == (count, of, count / of)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-4)
    assert (rate([]).share, rate([]).low, rate([]).high) == (None, 0.0, 1.0)


def check(base: float, high: float | None) -> Check:
    return Check("latency", "latency_s", base, base, 0.05, Verdict.PASS, 1.0, 0.99, high)


def test_the_threshold_that_a_gate_needs() -> None:
    assert needed(check(1.0, 1.03), 20e-6) == pytest.approx(0.03)
    assert needed(check(1e-4, 1.15), 20e-6) == 0.0, "15 µs are below the floor"
    assert needed(check(1.0, None), 20e-6) == math.inf


def test_the_threshold_that_a_machine_supports() -> None:
    assert supported([number / 1000 for number in range(1, 101)]) == 0.095
    assert supported([0.1] * 90 + [math.inf] * 10) is None
    assert supported([]) is None


def test_thinned_samples_keep_their_median() -> None:
    drawing_ = random.Random(0)
    samples = [drawing_.lognormvariate(0, 0.3) for _ in range(3000)]
    few_ = thinned(samples)
    assert len(few_) == drawing._SAMPLES
    assert statistics.median(few_) == pytest.approx(statistics.median(samples), rel=1e-3)
    assert statistics.stdev(few_) == pytest.approx(statistics.stdev(samples), rel=0.05)
    assert thinned(samples[:7]) == samples[:7]


@pytest.mark.slow
def test_for_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer that naps takes longer by what it is slowed by, whatever else the machine does."""
    (tmp_path / "mine.py").write_text(layer(first="__import__('time').sleep(0.002)"))
    text = spec().replace("  - {name: conv, operator: conv, out_channels: 8, kernel_size: 3}\n", "")
    (tmp_path / "spec.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    request = GateRequest((Path("spec.yaml"),), tmp_path / "out")
    found = gate_selftest(request, Watcher(), rounds=6, factors=(4.0,))
    assert (found.rounds, found.gates, found.failed) == (6, 1, ())
    (cell,) = found.cells
    assert (cell.label, cell.threshold) == ("mine", pytest.approx(0.4))
    assert cell.latency_s is not None
    assert cell.latency_s > 0.002
    assert cell.detected == ((4.0, rate([True])),)
    assert cell.false_alarms.count == 0
