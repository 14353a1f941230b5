"""Cells for tests, without a spec file."""

from __future__ import annotations

from typing import Any

from invobench.networks import NETWORKS
from invobench.operators import OPERATORS
from invobench.operators.base import LayerShape, LayerSpec
from invobench.spec.cells import Cell, Measure, NetworkSpec

QUICK = Measure(target_ci=1.0, max_time_s=0.01)


def layer(operator: str, **fields: Any) -> LayerSpec:
    return LayerSpec(operator, OPERATORS[operator].fields()(**fields))


def cell(what: LayerSpec | NetworkSpec, shape: tuple[int, int, int, int] = (2, 16, 9, 7), **changes: Any) -> Cell:
    values: dict[str, Any] = {
        "spec": "test.yaml",
        "name": "layer",
        "coordinates": (),
        "what": what,
        "shape": LayerShape(*shape),
        "dtype": "float32",
        "mode": "forward",
        "scope": "module",
        "backend": "auto",
        "device": "cpu",
        "measure": QUICK,
    }
    return Cell(**{**values, **changes})


def involution(**fields: Any) -> LayerSpec:
    return layer("involution", **{"kernel_size": 3, "group_channels": 4, **fields})


def rednet26(kernel_size: int = 3) -> NetworkSpec:
    spatial = layer("involution", kernel_size=kernel_size, group_channels=16)
    return NetworkSpec("rednet26", NETWORKS["rednet26"].fields()(depth=26, operator=spatial, stem=spatial))
