"""What a cell's failure reads like in its row."""

from __future__ import annotations

import pytest
import torch

from invobench.errors import BackendUnavailable, MeasurementError
from invobench.runner.worker import failure


def raised(error: Exception) -> tuple[str, str]:
    try:
        raise error
    except type(error) as caught:
        found = failure(caught)
    return found["status"], found["message"].replace(__file__, "here")


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (ValueError("one\ntwo"), "failed", "ValueError: one (in here:"),
        (AssertionError(), "failed", "AssertionError (in here:"),
        (NotImplementedError("no half"), "unsupported", "no half (in here:"),
        (NotImplementedError(), "unsupported", "not implemented (in here:"),
        (BackendUnavailable("backend x: needs y"), "unsupported", "backend x: needs y"),
        (MeasurementError("wrong"), "failed", "wrong"),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of"),
            "oom",
            "out of memory (asked for 2.00 GiB): reduce",
        ),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes. Error code 12"),
            "oom",
            "out of memory (asked for 4096 bytes): reduce",
        ),
        (MemoryError(), "oom", "out of memory: reduce"),
        (
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
            "oom",
            "out of memory: reduce",
        ),
        (FileNotFoundError("no caf\udce9.bin"), "failed", "FileNotFoundError: no caf\\udce9.bin (in here:"),
    ],
)
def test_a_failure_is_one_line_that_can_be_printed(error: Exception, status: str, message: str) -> None:
    found = raised(error)
    assert (found[0], found[1][: len(message)]) == (status, message)
    assert "\n" not in found[1]
    assert found[1].encode()
