"""Rows from cells: what is known without running one, and why one has no measurement (no torch)."""

from __future__ import annotations

from typing import Any

from invobench.operators.base import LayerSpec
from invobench.results import Row, Status
from invobench.spec.cells import Cell


def base_fields(cell: Cell) -> dict[str, Any]:
    """The row fields that the cell alone decides: its words, its formula, its minimum bytes."""
    shape, cost = cell.shape, cell.cost()
    fields: dict[str, Any] = {
        "name": cell.name,
        "kind": cell.kind,
        "dtype": cell.dtype,
        "mode": cell.mode,
        "batch": shape.batch,
        "in_channels": shape.in_channels,
        "height": shape.height,
        "width": shape.width,
        "spec": cell.spec,
        "cell_key": cell.key,
        "scope": cell.scope,
        "coordinates": dict(cell.coordinates),
        "backend_requested": cell.backend,
        "device_requested": cell.device,
        **_what(cell),
    }
    if cost is not None:
        fields["params"] = cost.params
        fields["macs_formula"] = cost.macs(mode=cell.mode)
        fields["min_bytes"] = cell.min_bytes(cost)
    return fields


def _what(cell: Cell) -> dict[str, Any]:
    """Operator, kernel and output channels of a layer; of a network, those of its injected operator."""
    if isinstance(cell.what, LayerSpec):
        columns = cell.what.fields.columns()
        known = {
            "operator": columns.get("module", cell.what.operator),
            "kernel_size": cell.what.fields.whole("kernel_size"),
            "stride": cell.what.fields.whole("stride"),
        }
        if cell.what.operator != "module":
            known["out_channels"] = cell.what.fields.output_shape(cell.shape).in_channels
        return known
    placed = list(cell.what.fields.placements(cell.shape))
    body = next((item.layer for item in placed if item.key == "operator"), None)
    columns = body.fields.columns() if body else {}
    return {
        "operator": columns.get("module") or (body.operator if body else cell.what.network),
        "kernel_size": body.fields.whole("kernel_size") if body else None,
    }


def gather(fields: dict[str, Any], news: dict[str, Any]) -> None:
    """Add what a process told to the row's `fields`; messages stand one after another."""
    notes = [note for note in (fields.get("message"), news.get("message")) if note]
    fields.update(news)
    if notes:
        fields["message"] = "; ".join(notes)


def make_row(cell: Cell, fields: dict[str, Any], status: Status = "ok", message: str = "") -> Row:
    """The row of `cell` with `fields` measured; `status` and `message` hold unless the fields have their own."""
    merged = {**base_fields(cell), "status": status, "message": message, **fields}
    return Row(**merged)
