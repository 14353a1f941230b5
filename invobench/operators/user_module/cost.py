"""A module of the user's own has no formula: it is counted by what it dispatches."""

from __future__ import annotations

from invobench.operators.base import LayerShape
from invobench.operators.user_module.spec import Fields


def cost(fields: Fields, shape: LayerShape, scope: str = "module") -> None:
    """None: there is no formula."""
    return
