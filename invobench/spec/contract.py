"""The timing contract: under which conditions a cell is timed (no torch).

Its keys are keys of a cell like `dtype`, so that a matrix and `--set` sweep them; in `measure:` they are defaults of
the whole spec.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from invobench.spec.names import names

CACHES = ("hot", "cold")
EXECUTIONS = ("eager", "compiled", "cuda_graph")
MEMORY_FORMATS = ("contiguous", "channels_last")
MOST_THREADS = 4096

_CACHE_CHECK, _CACHE_SCHEMA = names(CACHES)
_EXECUTION_CHECK, _EXECUTION_SCHEMA = names(EXECUTIONS)
_FORMAT_CHECK, _FORMAT_SCHEMA = names(MEMORY_FORMATS)


@dataclass(frozen=True)
class Contract:
    """Conditions of a cell's timing.

    `threads`: CPU threads, None for as many as PyTorch takes by itself (`OMP_NUM_THREADS`, or the cores). `autograd`:
    whether a forward pass is recorded for a backward pass; `backward` and `train_step` always are. `affinity`:
    whether the process is pinned to as many CPUs as it has threads.
    """

    cache: str = "hot"
    execution: str = "eager"
    memory_format: str = "contiguous"
    tf32: bool = False
    autograd: bool = False
    threads: int | None = None
    affinity: bool = False

    def describe(self) -> dict[str, Any]:
        """The contract as plain JSON values."""
        return asdict(self)


#: what holds where a spec says nothing
STANDARD = Contract()


class ContractKeys(BaseModel):
    """The keys of the contract in a spec."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    cache: Annotated[str, _CACHE_CHECK, _CACHE_SCHEMA] = Field(
        default="hot", description="hot: whatever stays in the caches; cold: the last-level cache is flushed first"
    )
    execution: Annotated[str, _EXECUTION_CHECK, _EXECUTION_SCHEMA] = Field(
        default="eager", description="eager, compiled by torch.compile, or replayed as a CUDA graph"
    )
    memory_format: Annotated[str, _FORMAT_CHECK, _FORMAT_SCHEMA] = Field(
        default="contiguous", description="layout of four-dimensional inputs and parameters"
    )
    tf32: bool = Field(default=False, description="whether float32 products on a GPU may be rounded to TF32")
    autograd: bool = Field(default=False, description="whether a forward pass is recorded for a backward pass")
    threads: int | None = Field(
        default=None, ge=1, le=MOST_THREADS, description="CPU threads; null: as many as PyTorch takes by itself"
    )
    affinity: bool = Field(default=False, description="whether the process is pinned to as many CPUs as threads")

    def contract(self) -> Contract:
        """The contract that the keys say."""
        return Contract(**{key: getattr(self, key) for key in ContractKeys.model_fields})


CONTRACT_KEYS = tuple(ContractKeys.model_fields)


@dataclass(frozen=True)
class Conflict:
    """A key that cannot be what it is because of others: which, those `others`, and what to do."""

    key: str
    others: tuple[str, ...]
    message: str


def conflicts(contract: Contract, dtype: str, mode: str, device: str) -> Iterator[Conflict]:
    """What cannot be together in a cell. `device`: as requested; what `auto` means is known only when it runs."""
    if contract.execution == "cuda_graph":
        if device == "cpu":
            message = "cuda_graph needs a GPU, and device is cpu: use eager or compiled, or device: cuda"
            yield Conflict("execution", ("device",), message)
        if mode != "forward":
            message = f"cuda_graph replays a forward pass, and mode is {mode}: use eager or compiled, or mode: forward"
            yield Conflict("execution", ("mode",), message)
        elif contract.autograd:
            message = "cuda_graph replays kernels and records nothing: use eager or compiled, or autograd: false"
            yield Conflict("execution", ("autograd",), message)
    if contract.tf32:
        if dtype != "float32":
            message = f"is how float32 products are rounded, and dtype is {dtype}: use dtype: float32, or tf32: false"
            yield Conflict("tf32", ("dtype",), message)
        if device == "cpu":
            yield Conflict("tf32", ("device",), "needs a GPU, and device is cpu: use tf32: false, or device: cuda")
