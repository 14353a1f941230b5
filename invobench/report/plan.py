"""`profile --dry-run`: the cells, and the time that they are bounded by."""

from __future__ import annotations

from collections.abc import Sequence

from invobench import units
from invobench.spec.cells import Cell


def render_plan(cells: Sequence[Cell]) -> str:
    """One line a cell, then the bounds: sampling (warm-up included) and the time after which cells are killed."""
    lines = []
    for cell in cells:
        shape = "×".join(str(size) for size in cell.shape.dims)
        lines.append(f"{cell.label}: {shape}, {cell.dtype}, {cell.mode}, backend {cell.backend}, device {cell.device}")
    sampling = sum(1.5 * cell.measure.max_time_s for cell in cells)
    killed = sum(cell.measure.timeout_s for cell in cells)
    lines.append(
        f"{len(cells)} cells; sampling takes about {units.duration(sampling)}, more where calls are slow; start-up and "
        f"counting come on top; bound: {units.duration(killed)}, measure.timeout_s a cell"
    )
    return "\n".join(lines)
