"""How often a gate that cannot tell yet looks at what it has: seldom, since each look at noise is a chance to err."""

from __future__ import annotations

import math

#: processes between two looks, relative to those that are in
_GROWTH = 0.4


def until_next(processes: int) -> int:
    """Further processes a side before the next look, an even number: looks come at 10, 14, 20, 28 and 40 processes."""
    return 2 * math.ceil(_GROWTH * processes / 2)
