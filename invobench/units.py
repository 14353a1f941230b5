"""The only place with powers of ten and of two: SI base units in, text for people out."""

from __future__ import annotations

KIB = 2**10
MIB = 2**20

_SI = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BINARY = ((2**40, "TiB"), (2**30, "GiB"), (MIB, "MiB"), (KIB, "KiB"))
_TIME = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def significant(value: float, digits: int = 3) -> str:
    """`value` with `digits` significant digits and no exponent: 0.0123, 1.20, 12.3, 1230."""
    if value == 0:
        return "0"
    text = f"{value:#.{digits}g}"
    return f"{float(text):.0f}" if "e+" in text else text.rstrip(".")


def _in_units(value: float, units: tuple[tuple[float, str], ...], digits: int) -> str | None:
    """`value` in the largest unit that leaves at least 1 after rounding, None where the smallest does not."""
    for factor, unit in units:
        if abs(float(f"{value / factor:.{digits}g}")) >= 1:
            return f"{significant(value / factor, digits)} {unit}"
    return None


def count(value: float, digits: int = 4) -> str:
    """A count with an SI prefix: 22,880,256 -> `22.88 M`."""
    return _in_units(value, _SI, digits) or f"{value:g}"


def duration(seconds: float, digits: int = 3) -> str:
    """Seconds as text in the largest unit that leaves a number of at least 1."""
    if seconds == 0:
        return "0 s"
    return _in_units(seconds, _TIME, digits) or f"{significant(seconds / _TIME[-1][0], digits)} ns"


def size(n_bytes: float, digits: int = 3) -> str:
    """Bytes as text in binary units, named as such: 49.0 MiB."""
    return _in_units(n_bytes, _BINARY, digits) or f"{n_bytes:.0f} B"


def percent(share: float) -> str:
    """A share as text: 0.012 -> `1.2 %`."""
    return f"{significant(share * 100, 2)} %"
