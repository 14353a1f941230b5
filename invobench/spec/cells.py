"""Cells: the points of a spec's matrix, each with everything that measuring it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_jsonable_python

from invobench.cost import Cost
from invobench.networks import NETWORKS
from invobench.networks.base import NetworkFields
from invobench.operators import layer_cost
from invobench.operators.base import LayerShape, LayerSpec
from invobench.results import digest
from invobench.spec.contract import STANDARD, Contract
from invobench.spec.gate import STANDARD_RUN, STANDARD_THRESHOLDS, GateRun, Thresholds

#: dtype -> bytes of a number
DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "float64": 8}
DTYPES = tuple(DTYPE_BYTES)
#: fewer samples have no two-sided 95 % interval of the median by order statistics
MIN_SAMPLES = 6


class Measure(BaseModel):
    """How long and how surely to measure (`measure:` in a spec, beside the keys of the contract)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    target_ci: float = Field(default=0.01, gt=0, le=1, description="half-width of the median's interval, relative")
    max_time_s: float = Field(default=2.0, gt=0, le=3600, description="time for a cell's samples")
    timeout_s: float = Field(
        default=600.0, gt=0, le=86400, description="time for a process of a cell; then it is killed"
    )
    min_samples: int = Field(
        default=50, ge=MIN_SAMPLES, le=100_000, description="samples before a narrow interval ends a cell"
    )
    processes: int = Field(default=1, ge=1, le=1000, description="processes that measure a cell, as replicates")
    run_time_s: float | None = Field(default=None, gt=0, le=604_800, description="time for the whole run, if bounded")


@dataclass(frozen=True)
class NetworkSpec:
    """A network of the table and its fields."""

    network: str
    fields: NetworkFields

    def cost(self, shape: LayerShape) -> Cost | None:
        """Its cost terms on images of `shape`, None where an injected operator has no formula."""
        return NETWORKS[self.network].cost(self.fields, shape)


@dataclass(frozen=True)
class Cell:
    """One layer or network (`what`) at one point of its matrix.

    `coordinates`: the matrix keys and values of this point. `backend` and `device` are as requested. `contract`: the
    conditions that it is timed under. `thresholds`, `gate`: what a gate allows it, and how it measures. `line`: of the
    layer or network in its spec, 0 where there is none.
    """

    spec: str
    name: str
    coordinates: tuple[tuple[str, Any], ...]
    what: LayerSpec | NetworkSpec
    shape: LayerShape
    dtype: str
    mode: str
    scope: str
    backend: str
    device: str
    measure: Measure
    contract: Contract = STANDARD
    thresholds: Thresholds = STANDARD_THRESHOLDS
    gate: GateRun = STANDARD_RUN
    line: int = 0

    @property
    def kind(self) -> str:
        """`layer` or `network`."""
        return "layer" if isinstance(self.what, LayerSpec) else "network"

    @property
    def label(self) -> str:
        """The name with its coordinates: `involution kernel_size=7 backend=shift`."""
        return " ".join([self.name, *(f"{key}={value}" for key, value in self.coordinates)])

    def cost(self) -> Cost | None:
        """The cell's cost terms, None where it has no formula."""
        if isinstance(self.what, LayerSpec):
            return layer_cost(self.what, self.shape, self.scope)
        return self.what.cost(self.shape)

    def min_bytes(self, cost: Cost) -> int:
        """Bytes that must move in the cell's mode and dtype, by its `cost`."""
        return cost.min_elements(self.mode) * DTYPE_BYTES[self.dtype]

    def describe(self) -> dict[str, Any]:
        """Everything that decides what is measured, as plain JSON values; budget, thresholds and line are not of it."""
        return {
            "spec": self.spec,
            "name": self.name,
            "coordinates": dict(self.coordinates),
            "kind": self.kind,
            "what": _plain(self.what),
            "shape": list(self.shape.dims),
            "dtype": self.dtype,
            "mode": self.mode,
            "scope": self.scope,
            "backend": self.backend,
            "device": self.device,
            "contract": self.contract.describe(),
            "measure": self.measure.model_dump(exclude={"run_time_s"}),
        }

    @property
    def key(self) -> str:
        """A hash of `describe()`: what a run resumes by."""
        return digest(self.describe())


def _plain(chosen: LayerSpec | NetworkSpec) -> dict[str, Any]:
    """A layer or network as plain values; nested layers become mappings too."""
    head = {"operator": chosen.operator} if isinstance(chosen, LayerSpec) else {"network": chosen.network}
    values = {name: getattr(chosen.fields, name) for name in type(chosen.fields).model_fields}
    return head | {
        key: _plain(value) if isinstance(value, LayerSpec) else to_jsonable_python(value, fallback=repr)
        for key, value in values.items()
    }
