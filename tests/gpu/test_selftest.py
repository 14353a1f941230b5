"""The self-test on a GPU. Skipped without one; `tools/gpu_check.sh` runs it on one."""

from __future__ import annotations

import pytest
import torch

from invobench.runner.selftest import Plan, agreement, ladder, loop_overhead

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

GPU = torch.device("cuda:0")


def test_the_ladder_tells_ten_percent_from_none() -> None:
    """Events and the busy loop: within 2 % of the true ratio, on a GPU that does nothing else."""
    for rung in ladder(GPU, Plan(ladder_s=5.0, peers_s=0.0)):
        assert rung.measured.median == pytest.approx(rung.ratio, rel=0.02)


def test_do_bench_agrees() -> None:
    found = agreement(GPU, Plan(ladder_s=0.0, peers_s=5.0))
    assert {item.peer for item in found} == {"triton.testing.do_bench"}
    for item in found:
        assert not item.skipped
        assert item.ratio is not None
        assert item.ratio.median == pytest.approx(1.0, rel=0.1)


def test_overhead_is_small() -> None:
    assert 0 <= loop_overhead(GPU).share < 0.2
