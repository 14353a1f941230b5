"""The COUNTERS table. Adding a counter is a file here with `read(subject, count) -> Reading`, and one line below.

`count` is what our own counter found for the same subject: it tells what a counter did not see.
"""

from __future__ import annotations

from invobench.table import Entry, Table

_HERE = "invobench.complexity.counters"

COUNTERS: Table[Entry] = Table(
    "counter",
    {
        "fvcore+ours": Entry(f"{_HERE}.fvcore:read_with_ours", "fvcore with our handles"),
        "fvcore": Entry(f"{_HERE}.fvcore:read", "fvcore as it comes"),
        "torch+ours": Entry(f"{_HERE}.torch_flops:read_with_ours", "torch.utils.flop_counter with our formulas"),
        "torch": Entry(f"{_HERE}.torch_flops:read", "torch.utils.flop_counter as it comes"),
    },
)
