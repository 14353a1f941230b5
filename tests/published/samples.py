"""Published rows for tests, through the CSV reader, and a census that counts nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from invobench.conventions import Convention
from invobench.operators.base import LayerShape
from invobench.published.rows import COLUMNS, PublishedRow, read_published
from invobench.spec.cells import NetworkSpec

DEFAULTS = {
    "table": "mine",
    "model": "RedNet-50",
    "operator": "involution",
    "source": "somewhere",
    "precision": "printed",
    "params_tolerance_m": "0.05",
    "flops_tolerance_g": "0.05",
}


def write(path: Path, *rows: dict[str, str]) -> Path:
    """A CSV of `rows`, each extending DEFAULTS; values must not contain commas."""
    lines = [",".join(COLUMNS)]
    lines += [",".join((DEFAULTS | row).get(column, "") for column in COLUMNS) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def published(path: Path, *rows: dict[str, str]) -> tuple[PublishedRow, ...]:
    return read_published(write(path, *rows))


@dataclass(frozen=True)
class FakeCensus:
    """Stands in for a census of a built network."""

    params: int
    values: Mapping[Convention, int]

    def macs(self, convention: Convention) -> int:
        return self.values[convention]


def counted(params: int, **macs: int) -> Callable[[NetworkSpec, LayerShape], FakeCensus]:
    """A census of every network with these figures; a convention that is not given counts 0."""
    values = {item: macs.get(item.replace("-", "_"), 0) for item in Convention}
    return lambda network, shape: FakeCensus(params, values)
