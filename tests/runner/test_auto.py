"""`backend: auto` chooses well: measured here, interleaved, against every backend that could have run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import pytest
import torch

from invobench.operators import BACKENDS, ORACLE
from invobench.operators.select import Need, resolve
from invobench.runner.cases import Case, build_case
from tests.builders import cell, involution

ROUNDS = 25
ALLOWED = 1.2


@pytest.fixture
def one_thread() -> Iterator[None]:
    """A loaded machine makes threads wait for each other, which says nothing about the backends."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def interleaved(cases: dict[str, Case]) -> dict[str, float]:
    """Least seconds a call, the cases taken in turn, every second time backwards.

    What disturbs a call only ever makes it slower, and one that follows its like finds its code and memory in caches.
    """
    steps = {name: case.step() for name, case in cases.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(ROUNDS):
        for name, step in list(steps.items())[:: -1 if number % 2 else 1]:
            start = time.perf_counter()
            step.run()
            times[name].append(time.perf_counter() - start)
    return {name: min(found) for name, found in times.items()}


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize(("channels", "size"), [(64, 56), (128, 28), (256, 14), (512, 7), (96, 20)])
def test_auto_is_within_a_fifth_of_the_best(channels: int, size: int, batch: int, one_thread: None) -> None:
    shape = (batch, channels, size, size)
    what = involution(kernel_size=7, group_channels=16)
    # at this scope `fused` is `cpp` under another name
    names = [name for name in BACKENDS["involution"] if name not in (ORACLE, "fused")]
    cells = {name: cell(what, shape, scope="aggregation", backend=name) for name in names}
    chosen = resolve("auto", Need(what, cells["shift"].shape, "cpu", "float32", "forward"))
    ratios = []
    for _ in range(3):
        found = interleaved({name: build_case(of, torch.device("cpu")) for name, of in cells.items()})
        ratios.append(found[chosen] / min(found.values()))
    assert statistics.median(ratios) <= ALLOWED, f"auto took {chosen}: {ratios}"
