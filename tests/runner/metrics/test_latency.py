"""The latency metric: what it times and what it writes into the row, with clocks that read what they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from invobench.measure.clock import Block, Clock, Run
from invobench.measure.nvml import Reading
from invobench.measure.resources import Usage
from invobench.measure.sampling import sample
from invobench.results import Row
from invobench.runner.cases import Case, build_case
from invobench.runner.metrics import latency
from invobench.runner.metrics.latency import MOST_SETS, go_round, input_sets, measure
from tests.builders import cell, involution
from tests.measure.fakes import FakeClock
from tests.threads import one_thread  # noqa: F401

L2 = 1000


class FakeStep:
    """A step that notes what was called."""

    autograd = False

    def __init__(self, log: list[str], name: str) -> None:
        self.log, self.name = log, name

    def prepare(self) -> None:
        self.log.append(f"prepare {self.name}")

    def run(self) -> None:
        self.log.append(self.name)

    def variants(self, sets: int) -> list[Callable[[], None]]:
        return [lambda number=number: self.log.append(f"{self.name} {number}") for number in range(sets)]  # type: ignore[misc]


def fake_case(log: list[str], device: str = "cuda:0", input_bytes: int = 400, **contract: Any) -> Case:
    agreed = SimpleNamespace(**{"cache": "hot", "execution": "eager", **contract})
    measuring = SimpleNamespace(target_ci=0.01, max_time_s=0.01, min_samples=50)
    return cast(
        Case,
        SimpleNamespace(
            cell=SimpleNamespace(contract=agreed, measure=measuring, shape=SimpleNamespace(batch=8)),
            device=torch.device(device),
            input_bytes=input_bytes,
            state_bytes=7,
            step=lambda: FakeStep(log, "step"),
            eager_step=lambda: FakeStep(log, "eager"),
        ),
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Which clocks were asked for: a call takes 3 s where launches are in it, else 2 s; the L2 cache is 1,000 bytes."""
    found: list[tuple[str, bool]] = []

    def clock_for(device: torch.device, cache: str, *, launches: bool = False) -> Clock:
        found.append((cache, launches))
        return FakeClock(repeat(3.0 if launches else 2.0))

    monkeypatch.setattr(latency, "clock_for", clock_for)
    monkeypatch.setattr(latency, "cache_bytes", lambda device: L2)
    return found


@pytest.mark.parametrize(
    ("device", "contract", "input_bytes", "sets"),
    [
        ("cuda:0", {}, 400, 4),  # 3 of 400 exceed 1,000 bytes, and one more is being read
        ("cuda:0", {}, 1000, 3),
        ("cuda:0", {}, 1001, 1),  # exceeds the cache by itself
        ("cuda:0", {}, 17, 60),
        ("cuda:0", {}, 16, MOST_SETS),
        ("cuda:0", {}, 15, 1),  # fits, however often
        ("cuda:0", {}, 0, 1),
        ("cuda:0", {"cache": "cold"}, 400, 1),
        ("cpu", {}, 400, 1),
    ],
)
def test_sets_of_inputs_exceed_a_gpus_cache(
    asked: list[tuple[str, bool]], device: str, contract: dict[str, str], input_bytes: int, sets: int
) -> None:
    case = fake_case([], device, input_bytes, **contract)
    assert input_sets(case) == sets
    found = measure(case)
    assert found["input_sets"] == sets
    assert found["working_set_bytes"] == sets * input_bytes + 7
    assert found["cache_bytes"] == L2


def test_sets_take_turns(asked: list[tuple[str, bool]]) -> None:
    log: list[str] = []
    measure(fake_case(log))
    assert log[:9] == [f"step {number}" for number in (0, 1, 2, 3, 0, 1, 2, 3, 0)]
    turns: list[int] = []
    run = go_round([lambda number=number: turns.append(number) for number in range(3)])  # type: ignore[misc]
    for _ in range(7):
        run()
    assert turns == [0, 1, 2, 0, 1, 2, 0]


def test_one_set_is_prepared_once(asked: list[tuple[str, bool]]) -> None:
    log: list[str] = []
    measure(fake_case(log, "cpu"))
    assert log.count("prepare step") == 1
    assert set(log[1:]) == {"step"}


@pytest.mark.parametrize("cache", ["hot", "cold"])
def test_the_cache_of_the_contract_is_the_clocks(asked: list[tuple[str, bool]], cache: str) -> None:
    found = measure(fake_case([], cache=cache))
    assert asked == [(cache, False)]
    assert "graph_latency_s" not in found
    assert "launch_share" not in found


def test_a_graph_is_compared_with_the_eager_call_as_a_program_sees_it(asked: list[tuple[str, bool]]) -> None:
    """2 s as a graph, 3 s eager with launches: a third of the eager call goes."""
    log: list[str] = []
    found = measure(fake_case(log, execution="cuda_graph", cache="cold"))
    assert asked == [("cold", False), ("cold", True)]
    assert (found["latency_s"], found["graph_latency_s"]) == (2.0, 2.0)
    assert found["launch_share"] == pytest.approx(1 / 3)
    assert log.index("prepare step") < log.index("prepare eager") == len(log) - log[::-1].index("step")


def test_a_graph_that_is_slower_has_no_launch_share(
    monkeypatch: pytest.MonkeyPatch, asked: list[tuple[str, bool]]
) -> None:
    monkeypatch.setattr(
        latency, "clock_for", lambda device, cache, launches=False: FakeClock(repeat(1.0 + (not launches)))
    )
    assert measure(fake_case([], execution="cuda_graph"))["launch_share"] == 0.0


class ToldClock(FakeClock):
    """Blocks with this usage and reading."""

    def __init__(self, durations: Iterable[float], usage: Usage | None, reading: Reading | None) -> None:
        super().__init__(durations)
        self.usage, self.reading = usage, reading

    def block(self, run: Run, loops: int, count: int) -> Block:
        return Block(super().block(run, loops, count).samples_s, self.usage, self.reading)


def row_of(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> dict[str, Any]:
    monkeypatch.setattr(latency, "clock_for", lambda device, cache: clock)
    monkeypatch.setattr(latency, "cache_bytes", lambda device: None)
    return measure(fake_case([], "cpu"))


def test_what_a_cpus_clock_knows_is_in_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    found = row_of(monkeypatch, ToldClock(repeat(2.0), Usage(3, 2, 1), None))
    blocks = found["page_faults"] // 3
    assert blocks >= 2
    assert (found["page_faults"], found["context_switches"]) == (3 * blocks, 2 * blocks)
    for name in ("throttled_samples", "sm_clock_hz", "temperature_c", "power_w", "cache_bytes"):
        assert found[name] is None


def test_what_a_gpus_clock_knows_is_in_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    found = row_of(monkeypatch, ToldClock(repeat(2.0), None, Reading(1.9e9, 55.0, 320.0)))
    assert (found["sm_clock_hz"], found["temperature_c"], found["power_w"]) == (1.9e9, 55.0, 320.0)
    assert (found["throttled_samples"], found["page_faults"], found["context_switches"]) == (0, None, None)


def test_the_median_and_what_it_stands_on(monkeypatch: pytest.MonkeyPatch) -> None:
    found = row_of(monkeypatch, FakeClock(repeat(2.0)))
    assert (found["latency_s"], found["latency_low_s"], found["latency_high_s"]) == (2.0, 2.0, 2.0)
    assert found["interval"] == "order statistics of samples"
    assert found["samples"] == len(found["samples_s"]) >= 50
    assert (found["throughput_per_s"], found["loops"], found["clock"]) == (4.0, 1, "fake")
    assert (found["outliers"], found["drift"]) == (0, 0.0)
    assert (found["status"], found["message"]) == ("ok", "")
    assert found["warmups"] >= 12


@pytest.mark.parametrize("execution", ["eager", "cuda_graph"])
def test_what_the_spec_says_of_sampling_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: list[tuple[str, bool]], execution: str
) -> None:
    """Of the eager call beside a graph too."""
    seen: list[dict[str, Any]] = []

    def noted(clock: Clock, run: Run, **settings: Any) -> Any:
        seen.append(settings)
        return sample(clock, run, **settings)

    monkeypatch.setattr(latency, "sample", noted)
    case = fake_case([], "cpu", execution=execution)
    case.cell.measure.min_samples = 200  # type: ignore[misc]
    case.cell.measure.max_time_s = 100_000.0  # type: ignore[misc]
    found = measure(case)
    assert seen == [{"target_ci": 0.01, "max_time_s": 100_000.0, "min_samples": 200}] * len(asked)
    assert found["samples"] >= 200


def test_every_field_is_one_of_a_row_and_measured_here(one_thread: None) -> None:  # noqa: F811
    """A real layer on this machine's processor."""
    case = build_case(cell(involution(), (1, 16, 14, 14), backend="shift"), torch.device("cpu"))
    found = measure(case)
    assert set(found) <= set(Row.model_fields)
    assert found["latency_s"] > 0
    assert found["status"] in ("ok", "noisy")
    assert sum(found["samples_s"]) * found["loops"] <= found["sampling_time_s"] * 1.01
    assert (found["clock"], found["input_sets"]) == ("perf_counter", 1)
    assert found["page_faults"] >= 0
    assert found["context_switches"] >= 0
