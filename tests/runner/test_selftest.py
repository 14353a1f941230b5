"""The self-test on the real clock, kept short; what it finds depends on the machine, that it is told does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from invobench.errors import MeasurementError, UsageError
from invobench.measure.interval import Interval
from invobench.measure.selftest.aims import Overhead
from invobench.measure.selftest.ladder import RATIOS, Pair, Rung
from invobench.measure.selftest.peers import Agreement
from invobench.runner.processes import Ended, Processes
from invobench.runner.selftest import Plan, Selftest, agreement, ladder, loop_overhead, raw, whole_cell, write

CPU = torch.device("cpu")
SHORT = Plan(ladder_s=0.01, peers_s=0.01)


def test_the_ladder_measures_every_rung() -> None:
    """Within 30 %, which no noise of a machine that runs tests should exceed for the median of three."""
    found = ladder(CPU, Plan(ladder_s=1.5, peers_s=0.0))
    assert [rung.ratio for rung in found] == list(RATIOS)
    for rung in found:
        assert rung.pairs
        assert all(pair.base.median > 0 for pair in rung.pairs)
        assert rung.measured.median == pytest.approx(rung.ratio, rel=0.3)


def test_every_tool_is_compared_or_skipped_with_a_word() -> None:
    found = agreement(CPU, SHORT)
    assert {item.peer for item in found} == {"torch.utils.benchmark", "triton.testing.do_bench"}
    assert len(found) == 6
    for item in found:
        assert bool(item.ratios) != bool(item.skipped)
        assert all(ratio > 0 for ratio in item.ratios)


def test_overhead_of_the_loop() -> None:
    """The loop looks at its samples a dozen times in 2 s: that is no tenth of them, on whatever machine."""
    found = loop_overhead(CPU)
    assert found.total_s > 1.5
    assert 0 <= found.share < 0.1


def test_overhead_of_a_cell() -> None:
    """Its check takes time, which only the whole cell has."""
    without, whole = whole_cell("cpu", Processes())
    assert 0 < without.inside_s < without.total_s < whole.total_s
    assert without.inside_s == whole.inside_s
    assert (without.aimed, whole.aimed) == (True, False)


def test_a_cell_that_fails_is_no_overhead(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dead:
        """Processes that die."""

        def run(self, *arguments: object, **options: object) -> Ended:
            return Ended(exit_code=-9)

    with pytest.raises(MeasurementError, match=r"convolution .*: not timed: the worker process was killed by SIGKILL"):
        whole_cell("cpu", Dead())  # type: ignore[arg-type]


def test_raw_pairs_are_kept(tmp_path: Path) -> None:
    pair = Pair(Interval(1.0, 0.9, 1.1), Interval(1.1, None, None))
    found = Selftest(
        *("cpu", "A processor", 2, None, (Rung(1.1, (pair, pair)),)),
        (Agreement("tool", "busy", (1.0,)),),
        (Overhead("loop", 2.0, 1.9),),
    )
    path = tmp_path / "new" / "raw.jsonl"
    write(path, raw(found))
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["kind"] for line in lines] == ["selftest", "pair", "pair", "agreement", "overhead"]
    assert (lines[2]["ratio"], lines[2]["repeat"], lines[2]["multiple"]["low"]) == (1.1, 1, None)
    with pytest.raises(UsageError, match=r"raw\.jsonl/x: cannot write: .*; choose another --out FILE"):
        write(path / "x", "")
