"""The contract's settings of a process: threads, the CPUs that it may use, and whether products are rounded to TF32."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from invobench.errors import BackendUnavailable, MeasurementError
from invobench.measure.environment import available_cpus
from invobench.runner.graphs import require_graphs
from invobench.spec.contract import Contract

#: the first compute capability of a GPU that has TF32
_TF32_SINCE = (8, 0)


def apply(contract: Contract, device: torch.device) -> dict[str, Any]:
    """Make this process what `contract` says, before anything runs in it; the row fields that say what was made.

    Raises MeasurementError for threads or CPUs that there are not, BackendUnavailable for what `device` cannot do.
    """
    if contract.execution == "cuda_graph":
        require_graphs(device)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return {"device": str(device), "tf32": _set_tf32(contract, device), **_set_threads(contract)}


def _set_threads(contract: Contract) -> dict[str, Any]:
    """Threads first, then affinity, which threads that start later inherit."""
    there, own = available_cpus(), torch.get_num_threads()
    wanted = contract.threads or own
    if contract.threads and wanted > there:
        raise MeasurementError(f"threads: {wanted} asked for, and this process may use {there} CPUs: set at most that")
    if wanted != own:  # also setting what is set changes how some libraries run
        torch.set_num_threads(wanted)
    fields: dict[str, Any] = {"threads": torch.get_num_threads()}
    if contract.affinity:
        fields["affinity"] = _pin(wanted)
    return fields


def _pin(count: int) -> str:
    """Pin this process to the first `count` of its CPUs; which, such as `0,1`."""
    if not hasattr(os, "sched_setaffinity"):
        raise MeasurementError("affinity: this system cannot pin a process to CPUs: set affinity: false")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
    return ",".join(str(cpu) for cpu in sorted(os.sched_getaffinity(0)))


def _set_tf32(contract: Contract, device: torch.device) -> bool:
    """Both flags of PyTorch, whatever their defaults; what they are then."""
    if contract.tf32:
        _require_tf32(device)
    _allow_tf32(contract.tf32, contract.tf32)
    return all(_allowed_tf32())


def _allowed_tf32() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


def _allow_tf32(matmul: bool, convolution: bool) -> None:
    torch.backends.cuda.matmul.allow_tf32 = matmul
    torch.backends.cudnn.allow_tf32 = convolution


@contextmanager
def without_tf32() -> Iterator[None]:
    """Products in float32 meanwhile, whatever the contract says; afterwards the flags are as they were."""
    before = _allowed_tf32()
    _allow_tf32(False, False)
    try:
        yield
    finally:
        _allow_tf32(*before)


def _require_tf32(device: torch.device) -> None:
    if device.type != "cuda":
        raise BackendUnavailable(f"tf32: {device} has none: set tf32: false, or use a GPU")
    capability = torch.cuda.get_device_capability(device)
    if capability < _TF32_SINCE:
        there, since = (".".join(map(str, numbers)) for numbers in (capability, _TF32_SINCE))
        raise BackendUnavailable(
            f"tf32: {device} has none (compute capability {there}, needs {since}): set tf32: false"
        )
