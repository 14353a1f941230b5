"""Agreement with other tools: the same callables, timed by our loop and by theirs in turn."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from invobench.measure.clock import Run
from invobench.measure.interval import Interval, median_interval
from invobench.measure.selftest.ladder import rounds

#: seconds of samples that a peer is given for one median
PEER_TIME_S = 0.2

#: the median of a callable in seconds
Median = Callable[[Run], float]


@dataclass(frozen=True)
class Peer:
    """Another tool that gives medians. `cache`: in which state it leaves the cache, so that ours is asked the same.

    `missing`: why it cannot be asked here; empty where it can.
    """

    name: str
    cache: str
    median: Median
    missing: Callable[[], str]


@dataclass(frozen=True)
class Agreement:
    """Our median over the peer's, pair by pair; `skipped` says why there are none."""

    peer: str
    callable: str
    ratios: tuple[float, ...] = ()
    skipped: str = ""

    @property
    def ratio(self) -> Interval | None:
        """The median of the ratios with its interval; None where there are none."""
        return median_interval(self.ratios) if self.ratios else None


def _torch_timer(run: Run) -> float:
    """`blocked_autorange` of torch.utils.benchmark, on as many threads as we use (its own default is one)."""
    from torch.utils.benchmark import Timer

    timer = Timer("run()", globals={"run": run}, num_threads=torch.get_num_threads())
    return float(timer.blocked_autorange(min_run_time=PEER_TIME_S).median)


def _do_bench(run: Run) -> float:
    """`do_bench` of triton, which flushes the L2 cache before each call; it gives milliseconds."""
    testing = importlib.import_module("triton.testing")
    return float(testing.do_bench(run, warmup=25, rep=PEER_TIME_S * 1e3, return_mode="median")) * 1e-3


def _no_triton() -> str:
    if not torch.cuda.is_available():
        return "there is no GPU here"
    return "" if importlib.util.find_spec("triton") else "triton is not installed"


#: type of device -> the tools to compare with
PEERS: Mapping[str, tuple[Peer, ...]] = {
    "cpu": (
        Peer("torch.utils.benchmark", "hot", _torch_timer, lambda: ""),
        Peer("triton.testing.do_bench", "cold", _do_bench, lambda: "it times GPUs alone"),
    ),
    "cuda": (Peer("triton.testing.do_bench", "cold", _do_bench, _no_triton),),
}


def compare(
    peer: Peer,
    ours: Median,
    runs: Mapping[str, Run],
    budget_s: float,
    *,
    now: Callable[[], float] = time.perf_counter,
) -> tuple[Agreement, ...]:
    """Time each of `runs` with both in turn, for `budget_s` (see `rounds`).

    Which goes first changes from round to round. A peer that is missing is skipped with the reason.
    """
    reason = peer.missing()
    if reason:
        return tuple(Agreement(peer.name, name, skipped=reason) for name in runs)
    ratios: dict[str, list[float]] = {name: [] for name in runs}
    for number in rounds(budget_s, now):
        for name, run in runs.items():
            if number % 2:
                theirs = peer.median(run)
                ratios[name].append(ours(run) / theirs)
            else:
                mine = ours(run)
                ratios[name].append(mine / peer.median(run))
    return tuple(Agreement(peer.name, name, tuple(found)) for name, found in ratios.items())


def callables(device: torch.device, busy: Run) -> dict[str, Run]:
    """What is timed by both: a busy loop, a single small operation, and a convolution."""
    size = 2**12 if device.type == "cpu" else 2**24
    x = torch.linspace(0, 1, size, device=device)
    out = torch.empty_like(x)
    image = torch.linspace(0, 1, 64 * 28 * 28, device=device).reshape(1, 64, 28, 28)
    weight = torch.linspace(-1, 1, 64 * 64 * 9, device=device).reshape(64, 64, 3, 3)

    def convolution() -> Any:
        with torch.no_grad():
            return torch.nn.functional.conv2d(image, weight, padding=1)

    return {
        "busy loop": busy,
        f"add, {size} elements": lambda: torch.add(x, x, out=out),
        "convolution 3×3, 1×64×28×28": convolution,
    }
