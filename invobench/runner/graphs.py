"""CUDA graphs: a step captured once and replayed, behind an interface that a test can stand in for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from invobench.errors import BackendUnavailable, MeasurementError

Run = Callable[[], Any]

#: calls before the capture, so that libraries have chosen their algorithms and allocated their workspaces
WARMUPS = 3


class Graphs(Protocol):
    """Captures steps on a device."""

    def capture(self, run: Run) -> tuple[Run, Any]:
        """`run` warmed up and captured: what replays it, and the result that every replay writes into."""
        ...


class CudaGraphs:
    """`torch.cuda.CUDAGraph`, after warm-up on a side stream as PyTorch's notes on graphs ask."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def capture(self, run: Run) -> tuple[Run, Any]:
        """Warm `run` up and capture a call of it."""
        current = torch.cuda.current_stream(self.device)
        side = torch.cuda.Stream(self.device)
        side.wait_stream(current)
        with torch.cuda.stream(side):
            for _ in range(WARMUPS):
                run()
        current.wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = run()
        return graph.replay, result


#: device type -> what captures there
GRAPHS: Mapping[str, Callable[[torch.device], Graphs]] = {"cuda": CudaGraphs}


def require_graphs(device: torch.device) -> None:
    """Raise BackendUnavailable where `device` has no graphs."""
    if device.type not in GRAPHS:
        raise BackendUnavailable(f"execution cuda_graph: needs a GPU, not {device}: use eager or compiled")


def captured(run: Run, device: torch.device) -> Run:
    """What replays `run` as a graph on `device`, once its replay has given what `run` gives.

    Raises BackendUnavailable where a device has no graphs, MeasurementError where `run` cannot be captured or its
    replay leaves something out.
    """
    require_graphs(device)
    expected = [tensor.clone() for tensor in tensors(run())]
    try:
        replay, result = GRAPHS[device.type](device).capture(run)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        first = (str(error).splitlines() or [""])[0]
        raise MeasurementError(
            f"execution cuda_graph: cannot capture the step, which must not wait for the GPU: {first}; use eager"
        ) from error
    _check_replay(replay, tensors(result), expected)
    return replay


def tensors(result: Any) -> list[Tensor]:
    """The floating-point tensors in what a module returned."""
    return [tensor for tensor in _leaves(result) if tensor.is_floating_point()]


def _leaves(result: Any) -> Iterator[Tensor]:
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, Mapping):
        for value in result.values():
            yield from _leaves(value)
    elif isinstance(result, list | tuple):
        for value in result:
            yield from _leaves(value)


def _check_replay(replay: Run, results: list[Tensor], expected: list[Tensor]) -> None:
    """Replay into results that are spoilt first: work that went past the graph does not mend them.

    Half of the digits must agree. The kernels are the same, only sums by atomics may come in another order.
    """
    for result in results:
        result.fill_(float("nan"))
    replay()
    for result, exact in zip(results, expected, strict=True):
        scale = exact.abs().max().item() or 1.0
        error = (result - exact).abs().max().item() / scale
        if not error <= torch.finfo(exact.dtype).eps ** 0.5:  # a NaN is not within it either
            raise MeasurementError(
                "execution cuda_graph: a replay does not give what the step gives, since some of its work is not in "
                "the graph (another stream, or the host); use eager"
            )
