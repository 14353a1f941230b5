"""The timing contract on a GPU: what only one can show. Skipped without one; `tools/gpu_check.sh` runs it on one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from invobench.results import MEASURED
from invobench.runner.cases import build_case
from invobench.spec.cells import Measure
from invobench.spec.contract import Contract
from tests.builders import cell, involution, layer, rednet26
from tests.runner.test_session import run

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

CONTRACTS = {
    "cold": Contract(cache="cold"),
    "compiled": Contract(execution="compiled"),
    "graph": Contract(execution="cuda_graph"),
    "cold_graph": Contract(execution="cuda_graph", cache="cold"),
    "channels_last": Contract(memory_format="channels_last"),
    "tf32": Contract(tf32=True),
    "autograd": Contract(autograd=True),
}


@pytest.mark.parametrize("backend", ["unfold", "shift"])
def test_rows_under_each_contract(tmp_path: Path, backend: str) -> None:
    patient = Measure(target_ci=0.1, max_time_s=1.0)
    cells = [
        cell(
            involution(), (8, 64, 28, 28), name=name, device="cuda", contract=contract, backend=backend, measure=patient
        )
        for name, contract in CONTRACTS.items()
    ]
    for row in run(cells, tmp_path, metrics=("error", "latency", "memory")).rows:
        contract = CONTRACTS[row.name]
        assert row.status in MEASURED, (row.name, row.message)
        said = (row.cache, row.execution, row.memory_format, row.tf32, row.autograd)
        wanted = (contract.cache, contract.execution, contract.memory_format, contract.tf32, contract.autograd)
        assert said == wanted
        assert (row.setup_s is not None) == (contract.execution != "eager")
        assert (row.launch_share is not None) == (contract.execution == "cuda_graph")


@pytest.mark.parametrize("what", [involution(), rednet26()], ids=["layer", "network"])
def test_a_graph_works_on_each_set_of_inputs(what: object) -> None:
    shape = (2, 64, 28, 28) if what == involution() else (2, 3, 65, 65)
    made = cell(what, shape, device="cuda", contract=Contract(execution="cuda_graph"))  # type: ignore[arg-type]
    case = build_case(made, torch.device("cuda"))
    runs = case.step().variants(3)
    assert [run() for run in runs] == [None] * 3
    torch.cuda.synchronize()


def test_work_on_another_stream_is_no_part_of_a_graph() -> None:
    """Kernels that go past the current stream would make a graph of nothing, and a time of nothing."""
    other = layer("module", module=f"{__name__}:Elsewhere")
    case = build_case(cell(other, device="cuda", contract=Contract(execution="cuda_graph")), torch.device("cuda"))
    with pytest.raises(Exception, match="execution cuda_graph: "):
        case.step()


class Elsewhere(torch.nn.Module):
    """Works on a stream of its own, and does not wait for it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.empty_like(x)
        with torch.cuda.stream(torch.cuda.Stream()):
            torch.mul(x, 2, out=y)
        return y
