"""The keys that every cell has, whatever it measures."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from invobench.cost import MODES
from invobench.operators import AUTO, OPERATORS, backend_names, missing_backend
from invobench.operators.base import SCOPES
from invobench.spec.cells import DTYPES
from invobench.spec.contract import ContractKeys
from invobench.spec.located import shortened, shown
from invobench.spec.names import EnumSchema, checked, names

MOST_BATCH = 65_536
MOST_CHANNELS = 65_536
MOST_PIXELS = 16_384
_DEVICE = re.compile(r"auto|cpu|cuda(:[0-9]{1,2})?")


def _backends() -> list[str]:
    """What a cell may ask for; whether its operator has it, and on its device, is found when it is built."""
    return [AUTO, *backend_names()]


_DTYPE_CHECK, _DTYPE_SCHEMA = names(DTYPES)
_MODE_CHECK, _MODE_SCHEMA = names(MODES)
_SCOPE_CHECK, _SCOPE_SCHEMA = names(SCOPES)
_BACKEND_CHECK = checked(lambda value: value in _backends(), lambda value: missing_backend(shortened(value)))


def wrong_device(value: str) -> str:
    """What is wrong with the name of a device; empty where nothing is."""
    return "" if _DEVICE.fullmatch(value) else f"must be one of auto, cpu, cuda, cuda:N, not {shown(value)}"


_DEVICE_CHECK = checked(lambda value: not wrong_device(value), wrong_device)


class CellKeys(ContractKeys):
    """What every cell has: the contract that it is timed under, and these."""

    batch: int = Field(default=1, ge=1, le=MOST_BATCH, description="images at once")
    in_channels: int = Field(default=64, ge=1, le=MOST_CHANNELS, description="channels of the input")
    height: int = Field(default=56, ge=1, le=MOST_PIXELS, description="rows of the input")
    width: int = Field(default=56, ge=1, le=MOST_PIXELS, description="columns of the input")
    dtype: Annotated[str, _DTYPE_CHECK, _DTYPE_SCHEMA] = Field(default="float32", description="type of the numbers")
    mode: Annotated[str, _MODE_CHECK, _MODE_SCHEMA] = Field(default="forward", description="what is measured")
    backend: Annotated[str, _BACKEND_CHECK, EnumSchema(_backends)] = Field(
        default=AUTO, description="the code that computes the operator"
    )
    device: Annotated[str, _DEVICE_CHECK, WithJsonSchema({"type": "string", "pattern": f"^({_DEVICE.pattern})$"})] = (
        Field(default="auto", description="auto, cpu, cuda or cuda:N")
    )


class LayerKeys(CellKeys):
    """What a layer's cell has."""

    scope: Annotated[str, _SCOPE_CHECK, _SCOPE_SCHEMA] = Field(
        default="module", description="the whole module, or its aggregation with the kernel given as an input"
    )


class NetworkKeys(CellKeys):
    """What a network's cell has: it takes images."""

    in_channels: int = Field(default=3, ge=1, le=MOST_CHANNELS, description="channels of the image")
    height: int = Field(default=224, ge=1, le=MOST_PIXELS, description="rows of the image")
    width: int = Field(default=224, ge=1, le=MOST_PIXELS, description="columns of the image")


class Named(BaseModel):
    """The name of a layer or network."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+×-]*$",
        max_length=100,
        description="conv3x3 (letters, digits and _ . + × -, a letter or digit first)",
    )


class Versioned(BaseModel):
    """The version of the format."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = Field(description="1")


#: keys that decide whether an operator fits
SIZES = frozenset({"in_channels", "height", "width"})
#: keys in `defaults` that layers take and networks do not
LAYERS_ONLY = frozenset({"in_channels", "scope"})


@cache
def operator_keys(operator: str) -> frozenset[str]:
    """The fields of an operator."""
    return frozenset(OPERATORS[operator].fields().model_fields)


@cache
def default_keys() -> frozenset[str]:
    """What `defaults` may hold: cell keys and fields of operators, but no choice of one."""
    fields = frozenset().union(*(operator_keys(name) for name in OPERATORS))
    return (fields | frozenset(LayerKeys.model_fields)) - {"module"}
