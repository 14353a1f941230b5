"""The timing contract of rows in words: what most have in common, and where one differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from invobench.results import Row


def _text(key: str) -> Callable[[Row], str | None]:
    """The row's own word under `key`."""

    def word(row: Row) -> str | None:
        value = getattr(row, key)
        return None if value is None else str(value)

    return word


def _flag(key: str) -> Callable[[Row], str | None]:
    """`key` where it is set, `no key` where not."""

    def word(row: Row) -> str | None:
        value = getattr(row, key)
        return None if value is None else key if value else f"no {key}"

    return word


def _autograd(row: Row) -> str | None:
    """Whether a forward pass is recorded; in other modes that goes without saying."""
    return _flag("autograd")(row) if row.mode == "forward" else None


def _threads(row: Row) -> str | None:
    return None if row.threads is None else f"{row.threads} thread{'' if row.threads == 1 else 's'}"


def _processes(row: Row) -> str | None:
    """How many processes' medians the latency is the median of."""
    return None if row.processes is None else f"{row.processes} process{'' if row.processes == 1 else 'es'}"


def _affinity(row: Row) -> str | None:
    """The CPUs; a row that knows its threads and names no CPU was not pinned."""
    if row.affinity is None:
        return None if row.threads is None else _OFF["affinity"]
    return f"pinned to CPU {row.affinity}"


#: a row's field -> its word, None where the row does not say; in the order in which they are read
_WORDS: Mapping[str, Callable[[Row], str | None]] = {
    **{key: _text(key) for key in ("device", "dtype", "mode", "scope", "cache", "execution", "memory_format")},
    "tf32": _flag("tf32"),
    "autograd": _autograd,
    "threads": _threads,
    "affinity": _affinity,
    "processes": _processes,
    "clock": _text("clock"),
}
#: what goes without saying where nothing else does
_OFF = {"tf32": "no tf32", "autograd": "no autograd", "affinity": "not pinned", "processes": "1 process"}


def usual(rows: Sequence[Row]) -> dict[str, str]:
    """The words that most rows share: they stand in the title, and rows say where they differ.

    A key that is a coordinate of every row is left to the rows, but for the device, which names the machine.
    """
    found = {}
    for key, word in _WORDS.items():
        swept = key != "device" and all(key in row.coordinates for row in rows)
        values = Counter(said for row in rows if (said := word(row)) is not None)
        if values and not swept:
            found[key] = values.most_common(1)[0][0]
    return {key: said for key, said in found.items() if said != _OFF.get(key)}


def differences(row: Row, common: Mapping[str, str], elsewhere: Collection[str]) -> list[str]:
    """The words of `row` that are not those of the title, nor coordinates, nor said `elsewhere`."""
    words = {key: word(row) for key, word in _WORDS.items() if key not in row.coordinates and key not in elsewhere}
    return [said for key, said in words.items() if said is not None and said != common.get(key, _OFF.get(key))]


def threads(rows: Sequence[Row]) -> list[str]:
    """`2 threads`, each number of them that a row says."""
    return list(dict.fromkeys(said for row in rows if (said := _threads(row)) is not None))
