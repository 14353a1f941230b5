"""Small sheets with everything in them that a format has to draw."""

from __future__ import annotations

from invobench.report.sheet import Column, Line, Sheet

SPECIAL = r"× · ² ³ ± µ ‰ ↓ ↑ Cᵢ Cₒ Δ ≤ ≈ é ~ % & _ # { } ^ \ $ < > | ` ' \" -- 名"

TERMS = Sheet(
    title="involution7x7 · 100 % of it",
    columns=(Column("term", text=True), Column("formula", text=True, wrap=True), Column("MACs\nformula"), Column("Δ")),
    lines=(
        Line(("reduce", "", "", ""), "heading"),
        Line(("[W0]", "HW·C²/r", "3.211 M", "↓ 35 %")),
        Line(("*span_1*", "HW·K²GC/r", "9.834 M", "↑ 2 %"), "dim"),
        Line(("aggregate", "HWK²C", "oom", ""), "bad"),
        Line(("total", "", "13.05 M", ""), "strong", section=True),
    ),
    legend="MACs are multiply-adds (flops = 2 × MACs).",
    notes=("[a] note with 100 % & more", SPECIAL),
    records=(
        {"term": "reduce", "macs": 3_211_264, "share": 0.25, "coordinates": {"kernel_size": 7, "form": "é"}},
        {"term": "span, with a comma", "macs": 2**53 + 1},
        {"term": "aggregate", "status": "oom", "missed_by": ["fvcore", "torch"]},
    ),
)
PLAIN = Sheet(
    title="nothing above or below",
    columns=(Column("model", text=True), Column("params")),
    lines=(Line(("rednet26", "9.227 M")),),
    records=({"model": "rednet26", "params": 9_227_000},),
)
EMPTY = Sheet("nothing in it", PLAIN.columns, ())
SHEETS = (TERMS, PLAIN)
