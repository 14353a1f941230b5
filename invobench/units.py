"""The only place with powers of ten and of two: SI base units in, text for people out."""

from __future__ import annotations

import math

KIB = 2**10
MIB = 2**20
MEGA = 10**6
GIGA = 10**9

_SI = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BINARY = ((2**40, "TiB"), (2**30, "GiB"), (MIB, "MiB"), (KIB, "KiB"))
_TIME = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_POWERS = ((1e12, "10¹²"), (1e9, "10⁹"), (1e6, "10⁶"), (1e3, "10³"), (1.0, ""))
_SCALES = {"count": _POWERS, "bytes": (*_BINARY, (1, "B")), "time": _TIME, "plain": ((1.0, ""),)}


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


def within(value: float, half_width: float) -> str:
    """`value` with the digits that its interval supports: 12.345 within 0.0962 -> `12.3 ± 0.1`.

    The half-width is rounded to one significant digit, and the value to the place of that digit: 338 within 47 is
    `340 ± 50`.
    """
    place = math.floor(math.log10(half_width))
    place += round(half_width / 10.0**place) == 10
    decimals = max(0, -place)
    return f"{round(value, -place):.{decimals}f} ± {round(half_width, -place):.{decimals}f}"


def duration_within(seconds: float, half_width: float) -> str:
    """Seconds with the digits that their interval supports, in the largest unit that leaves at least 1."""
    factor, unit = next((factor, unit) for factor, unit in (*_TIME, (0.0, "ns")) if seconds >= factor)
    factor = factor or _TIME[-1][0]
    return f"{within(seconds / factor, half_width / factor)} {unit}"


def size(n_bytes: float, digits: int = 3) -> str:
    """Bytes as text in binary units, named as such: 49.0 MiB."""
    return _in_units(n_bytes, _BINARY, digits) or f"{n_bytes:.0f} B"


def percent(share: float) -> str:
    """A share as text: 0.012 -> `1.2 %`."""
    return f"{significant(share * 100, 2)} %"


def scale(quantity: str, value: float) -> tuple[float, str]:
    """Factor and name of the unit for an axis of `quantity` (count, bytes, time or plain) on which `value` stands.

    The largest that leaves at least 1, else the smallest: 0.012 s -> `(1e-3, "ms")`; 183e6 -> `(1e6, "10⁶")`.
    """
    units = _SCALES[quantity]
    return next(((factor, unit) for factor, unit in units if value >= factor), units[-1])


def exact(value: int) -> str:
    """A whole number with its digits in threes: 22880256 -> `22,880,256`."""
    return f"{value:,}"


def change(ratio: float) -> str:
    """A ratio to a baseline as papers print it: 0.65 -> `↓ 35 %`, 1.02 -> `↑ 2 %`; one digit below 1 %."""
    percents = 100 * abs(ratio - 1)
    if percents == 0:
        return "0 %"
    shown = "<0.01" if percents < 0.01 else significant(percents, len(f"{percents:.0f}"))
    if 0 < ratio < 1 and shown == "100":
        shown = ">99.9"
    return f"{'↓' if ratio < 1 else '↑'} {shown} %"


def signed_percent(share: float, decimals: int = 1) -> str:
    """A change as text: 0.152 -> `+15.2 %`, -0.02 -> `−2.0 %`."""
    shown = f"{100 * share:+.{decimals}f}"
    return f"{shown.replace('-', '−') if float(shown) else shown[1:]} %"


def plain_percent(share: float) -> str:
    """A share as it was given: 0.05 -> `5 %`, 0.125 -> `12.5 %`."""
    return f"{round(100 * share, 6):g} %"
