"""`invobench ceilings`: what this machine reaches, as a sheet (no torch)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from invobench import units
from invobench.measure.ceilings import Ceiling
from invobench.report.sheet import Column, Line, Sheet
from invobench.results import Environment

COLUMNS = (
    Column("device", text=True),
    Column("quantity", text=True),
    Column("dtype", text=True),
    Column("best"),
    Column("±95 %"),
    Column("at", text=True),
)
LEGEND = (
    "Best median of several sizes. A copy counts bytes read and written; FLOP/s are 2 × multiply-adds a second; "
    "launch is a call that adds 1 to one number."
)
NOISY = "~"
NOISY_NOTE = (
    f"{NOISY} noisy: the interval is wider than ±1 %; see invobench doctor, then --refresh on a quieter machine."
)
#: quantity -> what it is called, the key of its value in records, and the value for people
_QUANTITIES: Mapping[str, tuple[str, str, Callable[[float], str]]] = {
    "copy": ("copy, memory", "bytes_per_s", lambda value: f"{units.count(value, 3)}B/s"),
    "cached_copy": ("copy, cache", "bytes_per_s", lambda value: f"{units.count(value, 3)}B/s"),
    "matmul": ("matrix product", "flops_per_s", lambda value: f"{units.count(value, 3)}FLOP/s"),
    "launch": ("launch", "s", units.duration),
}


def ceilings_sheet(here: Environment, ceilings: tuple[Ceiling, ...], created: str) -> Sheet:
    """The ceilings of the environment `here`; `created` is when those were measured that do not say it themselves."""
    lines = []
    previous = ""
    for item in ceilings:
        lines.append(_line(item, section=item.device != previous))
        previous = item.device
    threads = next((f", {_threads(item.threads)}" for item in ceilings if item.threads), "")
    machine = ", ".join(dict.fromkeys([here.cpu + threads, *here.gpus]))
    return Sheet(
        title=f"ceilings of {machine} · torch {here.torch} · fingerprint {here.fingerprint}",
        columns=COLUMNS,
        lines=tuple(lines),
        legend=LEGEND,
        notes=(
            *_measured(ceilings, created),
            *([] if all(item.reached for item in ceilings) else [NOISY_NOTE]),
        ),
        records=tuple(_record(item, here, created) for item in ceilings),
    )


def _line(item: Ceiling, section: bool) -> Line:
    name, _, text = _QUANTITIES[item.quantity]
    tf32 = " (tf32)" if item.tf32 else ""
    cells = (
        item.device,
        name,
        f"{item.dtype or ''}{tf32}",
        text(item.value) + ("" if item.reached else NOISY),
        _half_width(item),
        _size(item),
    )
    return Line(cells, section=section)


def _threads(count: int) -> str:
    return f"{count} thread{'' if count == 1 else 's'}"


def _measured(ceilings: Sequence[Ceiling], created: str) -> Iterator[str]:
    """When they were measured, and by which command they are again: a note for each moment."""
    again: dict[str, list[str]] = {}
    for item in ceilings:
        again.setdefault(item.created or created, []).append(_again(item))
    for when, commands in again.items():
        yield f"measured {when}; again: {' or '.join(dict.fromkeys(commands))}"


def _again(item: Ceiling) -> str:
    """The command that measures it again."""
    threads = f" --threads {item.threads}" if item.threads else ""
    return f"invobench ceilings --refresh --device {item.device}{threads}"


def _half_width(item: Ceiling) -> str:
    if item.low is None or item.high is None:
        return ""
    return units.percent((item.high - item.low) / 2 / item.value)


def _size(item: Ceiling) -> str:
    if item.size is None:
        return ""
    return f"{item.size}×{item.size}" if item.quantity == "matmul" else units.size(item.size)


def _record(item: Ceiling, here: Environment, created: str) -> dict[str, Any]:
    """The same for programs: one of `bytes_per_s`, `flops_per_s` and `s`, with its interval."""
    _, unit, _ = _QUANTITIES[item.quantity]
    values = {
        "fingerprint": here.fingerprint,
        "created": item.created or created,
        "device": item.device,
        "threads": item.threads,
        "quantity": item.quantity,
        "dtype": item.dtype,
        "tf32": item.tf32 if item.quantity == "matmul" else None,
        unit: item.value,
        f"low_{unit}": item.low,
        f"high_{unit}": item.high,
        "size": item.size,
        "samples": item.samples,
        "reached": item.reached,
    }
    return {key: value for key, value in values.items() if value is not None}
