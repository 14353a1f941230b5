"""Comparing in turn, on medians that the test makes up; torch's own timer is called for real."""

from __future__ import annotations

import sys
import time
from types import ModuleType

import pytest
import torch

from invobench.measure.clock import Run
from invobench.measure.interval import Interval
from invobench.measure.selftest.peers import PEERS, Agreement, Peer, callables, compare


def peer(medians: dict[str, float], asked: list[str], missing: str = "") -> Peer:
    def median(run: Run) -> float:
        asked.append(f"theirs {run()}")
        return medians[run()]

    return Peer("peer", "hot", median, lambda: missing)


RUNS: dict[str, Run] = {"a": lambda: "a", "b": lambda: "b"}


def test_both_time_the_same_callables_in_turn() -> None:
    asked: list[str] = []

    def ours(run: Run) -> float:
        asked.append(f"ours {run()}")
        return 2.0

    ticks = iter(range(1000))
    found = compare(peer({"a": 2.0, "b": 4.0}, asked), ours, RUNS, 6.0, now=lambda: float(next(ticks)))
    assert asked[:8] == ["ours a", "theirs a", "ours b", "theirs b", "theirs a", "ours a", "theirs b", "ours b"]
    assert found == (Agreement("peer", "a", (1.0,) * 6), Agreement("peer", "b", (0.5,) * 6))
    assert found[1].ratio == Interval(0.5, 0.5, 0.5)


def test_a_peer_that_is_missing_is_not_called() -> None:
    asked: list[str] = []
    found = compare(peer({}, asked, "there is no GPU here"), lambda run: 1.0, RUNS, 1.0)
    assert asked == []
    assert [(item.callable, item.skipped, item.ratio) for item in found] == [
        ("a", "there is no GPU here", None),
        ("b", "there is no GPU here", None),
    ]


def test_triton_is_skipped_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert PEERS["cuda"][0].missing() == "there is no GPU here"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert PEERS["cuda"][0].missing() == "triton is not installed"


def test_torch_times_what_we_give_it() -> None:
    """A loop of 1 ms: the median is that, or more where the machine is busy."""

    def run() -> None:
        end = time.perf_counter() + 0.001
        while time.perf_counter() < end:
            pass

    timer = PEERS["cpu"][0]
    assert timer.name == "torch.utils.benchmark"
    assert timer.missing() == ""
    assert 0.001 <= timer.median(run) < 0.1


def test_the_callables_run() -> None:
    runs = callables(torch.device("cpu"), lambda: None)
    assert list(runs) == ["busy loop", "add, 4096 elements", "convolution 3×3, 1×64×28×28"]
    assert [getattr(run(), "shape", None) for run in runs.values()] == [None, (4096,), (1, 64, 28, 28)]


def test_triton_gives_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """`do_bench` is asked for the median over our time, and its 1.5 ms are 0.0015 s."""
    asked: list[dict[str, object]] = []

    def do_bench(run: Run, **options: object) -> float:
        asked.append(options)
        run()
        return 1.5

    testing = ModuleType("triton.testing")
    testing.do_bench = do_bench  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "triton", ModuleType("triton"))
    monkeypatch.setitem(sys.modules, "triton.testing", testing)
    called: list[int] = []
    assert PEERS["cuda"][0].median(lambda: called.append(1)) == 0.0015
    assert called == [1]
    assert asked == [{"warmup": 25, "rep": pytest.approx(200.0), "return_mode": "median"}]


def test_ours_is_asked_for_the_cache_that_the_peer_leaves() -> None:
    assert {name: [(peer.name, peer.cache) for peer in peers] for name, peers in PEERS.items()} == {
        "cpu": [("torch.utils.benchmark", "hot"), ("triton.testing.do_bench", "cold")],
        "cuda": [("triton.testing.do_bench", "cold")],
    }
