"""CUDA graphs by stand-ins: one that keeps what a call gave and replays it, and a `torch.cuda` that notes its calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

from invobench.errors import BackendUnavailable, MeasurementError
from invobench.runner import graphs, worker
from invobench.runner.cases import Case, build_case
from invobench.runner.graphs import CudaGraphs, captured, tensors
from invobench.spec.contract import Contract
from tests.builders import cell, involution

CPU = torch.device("cpu")
GRAPH = Contract(execution="cuda_graph")


@dataclass
class FakeGraphs:
    """A replay does the captured call's work again, into the result that the capture gave.

    `leaves_out`: a replay does nothing, as where kernels went to a stream that is not captured.
    """

    leaves_out: bool = False
    captures: int = 0
    replays: int = 0

    def __call__(self, device: torch.device) -> FakeGraphs:
        return self

    def capture(self, run: Callable[[], Any]) -> tuple[Callable[[], Any], Any]:
        self.captures += 1
        result: Tensor = run()

        def replay() -> None:
            self.replays += 1
            if not self.leaves_out:
                result.copy_(run())

        return replay, result


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeGraphs:
    made = FakeGraphs()
    monkeypatch.setattr(graphs, "GRAPHS", {"cpu": made})
    return made


def case_of(contract: Contract = GRAPH) -> Case:
    return build_case(cell(involution(), device="auto", contract=contract), CPU)


def test_a_step_is_captured_and_replayed(fake: FakeGraphs) -> None:
    case = case_of()
    step = case.step()
    assert (fake.captures, fake.replays) == (1, 1)  # replayed once to be checked
    assert case.setup_s > 0
    assert step.run() is None
    assert fake.replays == 2
    assert step.autograd is False


def test_what_is_eager_stays_eager(fake: FakeGraphs) -> None:
    case = case_of()
    with torch.no_grad():
        expected = case.module.eval()(*case.inputs)
    assert torch.equal(case.eager_step().run(), expected)
    assert torch.equal(case.step().whole(), expected)  # the peak of memory is that of the call itself
    assert fake.replays == 1


def test_each_set_of_inputs_has_a_graph(fake: FakeGraphs) -> None:
    case = case_of()
    setup_s = case.step() and case.setup_s
    runs = case.step().variants(3)
    assert (len(runs), fake.captures) == (3, 4)
    for run in runs:
        run()
    assert fake.replays == 4 + 3
    assert case.setup_s == setup_s


def test_a_replay_that_leaves_work_out_is_found(fake: FakeGraphs) -> None:
    fake.leaves_out = True
    with pytest.raises(MeasurementError) as caught:
        case_of().step()
    assert str(caught.value) == (
        "execution cuda_graph: a replay does not give what the step gives, since some of its work is not in the graph"
        " (another stream, or the host); use eager"
    )


def test_a_replay_that_works_on_stale_values_is_found() -> None:
    state = torch.ones(3)

    def run() -> Tensor:
        return state * 2

    def stale(device: torch.device) -> Any:
        class Stale:
            def capture(self, run: Callable[[], Any]) -> tuple[Callable[[], Any], Any]:
                result = run()
                return lambda: result.fill_(2.01), result

        return Stale()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graphs, "GRAPHS", {"cpu": stale})
        with pytest.raises(MeasurementError, match="a replay does not give what the step gives"):
            captured(run, CPU)


@pytest.mark.parametrize(
    ("error", "expected", "status"),
    [
        (
            RuntimeError("operation not permitted when stream is capturing\nmore"),
            "execution cuda_graph: cannot capture the step, which must not wait for the GPU: operation not permitted"
            " when stream is capturing; use eager",
            "failed",
        ),
        (torch.OutOfMemoryError("tried to allocate 2.00 GiB"), "out of memory (asked for 2.00 GiB): reduce", "oom"),
    ],
)
def test_what_cannot_be_captured(
    fake: FakeGraphs, monkeypatch: pytest.MonkeyPatch, error: Exception, expected: str, status: str
) -> None:
    def capture(run: Callable[[], Any]) -> Any:
        raise error

    monkeypatch.setattr(fake, "capture", capture)
    with pytest.raises((MeasurementError, torch.OutOfMemoryError)) as caught:
        case_of().step()
    row = worker.failure(caught.value)
    assert row["status"] == status
    assert row["message"].startswith(expected)


def test_without_a_gpu_there_are_no_graphs() -> None:
    with pytest.raises(BackendUnavailable) as caught:
        case_of().step()
    assert str(caught.value) == "execution cuda_graph: needs a GPU, not cpu: use eager or compiled"
    told: dict[str, Any] = {}
    worker.measure_cell(cell(involution(), device="auto", contract=GRAPH), "cpu", ("params", "latency"), told.update)
    assert (told["status"], told["message"], "params" in told) == ("unsupported", str(caught.value), False)


def test_tensors_of_what_a_module_returns() -> None:
    a, b, whole = torch.ones(1), torch.ones(2), torch.ones(3, dtype=torch.int64)
    found = tensors({"x": [a, (b, whole)], "y": None})
    assert [id(tensor) for tensor in found] == [id(a), id(b)]


@dataclass
class FakeCuda:
    """`torch.cuda` as far as a capture goes; `log` has what was asked, in order."""

    log: list[str] = field(default_factory=list)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        log = self.log

        class Stream:
            def __init__(self, name: object) -> None:
                self.name = name if isinstance(name, str) else "side"

            def wait_stream(self, other: Stream) -> None:
                log.append(f"{self.name} waits for {other.name}")

        class Graph:
            def replay(self) -> None:
                log.append("replay")

        @contextmanager
        def stream(chosen: Stream) -> Iterator[None]:
            log.append(f"on {chosen.name}")
            yield
            log.append(f"off {chosen.name}")

        @contextmanager
        def graph(captured: Graph) -> Iterator[None]:
            log.append("capture")
            yield
            log.append("captured")

        for name, value in {
            "current_stream": lambda device: Stream("current"),
            "Stream": Stream,
            "stream": stream,
            "CUDAGraph": Graph,
            "graph": graph,
        }.items():
            monkeypatch.setattr(torch.cuda, name, value)


def test_the_order_of_a_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda()
    cuda.install(monkeypatch)

    def run() -> str:
        cuda.log.append("run")
        return "result"

    replay, result = CudaGraphs(torch.device("cuda:0")).capture(run)
    replay()
    assert result == "result"
    assert cuda.log == [
        "side waits for current",
        "on side",
        *["run"] * graphs.WARMUPS,
        "off side",
        "current waits for side",
        "capture",
        "run",
        "captured",
        "replay",
    ]


def test_gpus_have_graphs() -> None:
    assert graphs.GRAPHS["cuda"] is CudaGraphs
