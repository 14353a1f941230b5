"""What only a GPU can show. Skipped without one; `tools/gpu_check.sh` runs it on one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from invobench.operators import BACKENDS
from invobench.operators.base import LayerSpec
from invobench.runner.cases import build_case
from invobench.runner.metrics import METRICS
from invobench.runner.parity import check_case
from invobench.runner.session import Request, profile
from tests.builders import cell, involution, layer, rednet26
from tests.runner.test_session import Watcher

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

LAYERS = {
    "involution": involution(kernel_size=7),
    "conv": layer("conv", kernel_size=3),
    "stand_alone_attention": layer("stand_alone_attention", kernel_size=7, num_heads=4),
}
PAIRS = [(what, backend) for name, what in LAYERS.items() for backend in BACKENDS[name]]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("what", "backend"), PAIRS, ids=lambda value: getattr(value, "operator", value))
def test_backends_agree_with_the_oracle(what: LayerSpec, backend: str, stride: int, dtype: str) -> None:
    strided = LayerSpec(what.operator, what.fields.placed(32, stride))
    case = build_case(cell(strided, (3, 32, 27, 31), dtype=dtype, backend=backend), torch.device("cuda"))
    errors = check_case(case)
    assert errors is not None
    assert errors.worst < {"float32": 1e-4, "bfloat16": 0.2, "float16": 0.05}[dtype]


def test_rows_of_a_gpu(tmp_path: Path) -> None:
    cells = [
        cell(involution(), (8, 64, 56, 56), name=mode, mode=mode, device="cuda", backend="shift")
        for mode in ("forward", "backward", "train_step")
    ]
    cells.append(cell(rednet26(), (2, 3, 65, 65), name="net", device="auto"))
    outcome = profile(Request(cells, tmp_path, tuple(METRICS), "test"), Watcher())
    assert outcome.exit_code == 0, [row.message for row in outcome.rows]
    for row in outcome.rows:
        assert (row.device, row.clock) == ("cuda:0", "cuda_event")
        assert row.latency_s > 0
        assert row.macs_dispatched == row.macs_formula
    assert outcome.rows[0].peak_memory_bytes >= 8 * 64 * 56 * 56 * 4


def test_running_out_of_memory_is_a_row(tmp_path: Path) -> None:
    huge = cell(layer("conv", kernel_size=3), (65536, 64, 4096, 4096), device="cuda")
    (row,) = profile(Request([huge], tmp_path, tuple(METRICS), "test"), Watcher()).rows
    assert row.status == "oom"
