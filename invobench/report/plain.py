"""Text for a terminal or a file that is not UTF-8: what it cannot show is written with what it can."""

from __future__ import annotations

#: heights of a drawn line, from the lowest to the highest
BLOCKS = "▁▂▃▄▅▆▇█"
_LINES = dict(zip(BLOCKS, "_.:-=+*#", strict=True))
#: a sign and what stands for it
_SIGNS = "─- ━= │| ┃| ·. ×x →-> ←<- ↓- ↑+ ≈~ ±+- ≤<= ≥>= …... –- µu Δd ²^2 ³^3"
_PLAIN = str.maketrans(_LINES | {pair[0]: pair[1:] for pair in _SIGNS.split()})


def printable(text: str, encoding: str | None) -> str:
    """`text` as it is where `encoding` has all of it; else plain, with `?` for what has no plain form.

    A line keeps its columns but for the few characters that become two.
    """
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    return text
