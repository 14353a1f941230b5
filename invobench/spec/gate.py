"""What a gate allows (`gate:` in a spec, in a layer or network, and `--set gate.KEY=VALUE`; no torch).

A layer's own keys win over the spec's, and the command line's over both.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from invobench.spec.located import shown

#: fewer processes a side have no 95 % interval
MIN_PROCESSES = 6
_PERCENT = re.compile(r"\d+(\.\d*)?\s*%")
_SCHEMA = {"anyOf": [{"type": "string", "pattern": "^[0-9]+(\\.[0-9]*)?\\s*%$"}, {"enum": [0, 0.0, None]}]}


def _share(value: Any) -> float | None:
    """`5%` as 0.05; 0 and null as they are."""
    if value is None:
        return None
    if value == 0 and not isinstance(value, bool):
        return 0.0
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        return float(value.rstrip("% ")) / 100
    message = f"must be a percentage such as 5%, 0, or null for no limit, not {shown(value)}"
    raise PydanticCustomError("spec_name", "{message}", {"message": message})


Share = Annotated[float | None, BeforeValidator(_share), WithJsonSchema(_SCHEMA)]


class Thresholds(BaseModel):
    """By how much a quantity may grow before a gate says `regressed`; None: it is not looked at."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    latency: Share = Field(default=0.05, description="growth of the median time that is allowed, such as 5%")
    peak_memory: Share = Field(default=0.02, description="growth of the peak memory that is allowed, such as 2%")
    params: Share = Field(default=0.0, description="growth of the parameters that is allowed; 0: none")
    macs: Share = Field(default=0.0, description="growth of the multiply-adds that is allowed; 0: none")
    min_bytes: Share = Field(default=0.0, description="growth of the bytes that must move that is allowed; 0: none")
    operations: Share = Field(default=0.0, description="growth of the dispatched operations that is allowed; 0: none")
    launches: Share = Field(default=0.0, description="growth of a GPU's kernel launches that is allowed; 0: none")
    max_error: float | None = Field(
        default=None, gt=0, le=1, description="largest error against the float64 reference; null: what parity allows"
    )
    floor_s: float = Field(default=20e-6, ge=0, le=3600, description="a smaller difference of times never counts")


class GateRun(BaseModel):
    """How a gate measures: it holds for the whole spec."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    processes: int = Field(default=10, ge=MIN_PROCESSES, le=1000, description="processes a side before it judges")
    most_processes: int = Field(
        default=40, ge=MIN_PROCESSES, le=1000, description="processes a side when it cannot tell and there is time"
    )
    time_s: float = Field(
        default=50.0, gt=0, le=86400, description="time after which it takes no more processes to decide"
    )
    sample_time_s: float = Field(default=0.1, gt=0, le=600, description="time for a cell's samples in each process")


GATE_KEYS = (*Thresholds.model_fields, *GateRun.model_fields)

#: what holds where a spec says nothing
STANDARD_THRESHOLDS = Thresholds()
STANDARD_RUN = GateRun()
