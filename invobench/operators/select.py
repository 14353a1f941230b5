"""Which backend runs: the one that was asked for, or under `auto` the fastest of the nearest measured shape.

The measurements are committed beside this file (`auto.csv`; CONTRIBUTING.md has the command that makes them).
Only `auto` chooses, among what comes with the operator; a backend asked for by name runs or raises.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec

from invobench.errors import BackendUnavailable
from invobench.operators import AUTO, BACKENDS, OPERATORS, BackendEntry
from invobench.operators.base import LayerShape, LayerSpec
from invobench.table import Entry, Table


@dataclass(frozen=True)
class Need:
    """What a layer is to run on: device type, dtype and mode, with its input's shape."""

    layer: LayerSpec
    shape: LayerShape
    device: str
    dtype: str
    mode: str


def unavailable(entry: BackendEntry, device: str, dtype: str | None = None) -> str | None:
    """Why a backend cannot run here on a device type (and in a dtype), None where it can."""
    missing = [name for name in entry.requires if not _is_installed(name)]
    if missing:
        return f"needs {', '.join(missing)}, not installed"
    if device not in entry.devices:
        return f"runs on {', '.join(entry.devices)} only, not on {device}"
    if dtype and entry.dtypes and dtype not in entry.dtypes:
        return f"computes in {', '.join(entry.dtypes)} only, not in {dtype}"
    if entry.missing:
        return Entry(entry.missing, "").load()()  # type: ignore[no-any-return]
    return None


def setup(entry: BackendEntry) -> float | None:
    """Make a backend ready, and return the seconds that it took; None where there is nothing to do."""
    return float(Entry(entry.setup, "").load()()) if entry.setup else None


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # the package that it would be in is missing, or cannot say
        return False


def resolve(requested: str, need: Need, counted: bool = False) -> str:
    """The backend that runs. Raises BackendUnavailable where the requested one cannot.

    `counted`: its work is to be seen and not done, so that `auto` takes none whose work is declared.
    """
    table = BACKENDS[need.layer.operator]
    if requested == AUTO:
        return _choose(table, need, counted)
    if requested not in table:
        nothing = f"{need.layer.operator} has none of that name; it has: {', '.join(table)}"
        raise BackendUnavailable(f"backend {requested}: {table.refused.get(requested, nothing)}")
    reason = unavailable(table[requested], need.device, need.dtype)
    if reason:
        raise BackendUnavailable(f"backend {requested}: {reason}")
    return requested


def _choose(table: Table[BackendEntry], need: Need, counted: bool) -> str:
    """The fastest measured, or the last, of the backends that come with the operator.

    One that another package adds runs where it is asked for by name: installing a package changes no result.
    """
    owner = OPERATORS.owner(need.layer.operator)
    own = {
        name: entry for name, entry in table.items() if table.owner(name) == owner and not (counted and entry.opaque)
    }
    able = [name for name, entry in own.items() if unavailable(entry, need.device, need.dtype) is None]
    if not able:
        raise BackendUnavailable(f"backend auto: no backend of {need.layer.operator} runs on {need.device}")
    measured = _measured(need.layer.operator, need.device, need.mode)
    points = measured.get(need.dtype) or measured.get("float32")
    if points:
        here = _coordinates(need.shape, need.layer.fields.columns())
        nearest = min(points, key=lambda point: math.dist(point, here))
        ranked = sorted(points[nearest].items(), key=lambda item: item[1])
        for name, _ in ranked:
            if name in able:
                return name
    return able[-1]


_Point = tuple[float, ...]


def _coordinates(shape: LayerShape, columns: Mapping[str, object]) -> _Point:
    """A shape as a point whose distances are ratios: logarithms of what decides the time."""
    sizes = (shape.batch, shape.in_channels, shape.height * shape.width)
    kernel = (int(str(columns.get("kernel_size") or 1)), int(str(columns.get("stride") or 1)))
    return tuple(math.log2(value) for value in (*sizes, *kernel))


@cache
def _measured(operator: str, device: str, mode: str) -> dict[str, dict[_Point, dict[str, float]]]:
    """dtype -> point -> backend -> seconds, from the committed measurements."""
    result: dict[str, dict[_Point, dict[str, float]]] = {}
    with (files("invobench.operators") / "auto.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if (row["operator"], row["device"], row["mode"]) != (operator, device, mode):
                continue
            shape = LayerShape(*(int(row[key]) for key in ("batch", "in_channels", "height", "width")))
            times = result.setdefault(row["dtype"], {}).setdefault(_coordinates(shape, row), {})
            times[row["backend"]] = float(row["latency_s"])
    return result
