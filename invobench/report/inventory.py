"""`invobench list`: what the tables hold, on which devices, and why one is unavailable here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from invobench.complexity.counters import COUNTERS
from invobench.conventions import RULES
from invobench.networks import NETWORKS
from invobench.operators import BACKENDS, OPERATORS
from invobench.operators.select import unavailable
from invobench.report import REPORTS
from invobench.report.figures import FIGURES
from invobench.runner.metrics import METRICS
from invobench.table import Entry, Table


def operators() -> str:
    """Operators with their fields."""
    lines = []
    for name, entry in OPERATORS.items():
        fields = ", ".join(entry.fields().model_fields)
        lines.append((name, _summary(OPERATORS, name), f"fields: {fields}"))
    return "\n".join([_columns(lines), *_refused(OPERATORS)])


def backends() -> str:
    """Backends by operator, the devices that they run on, and whether they run here."""
    here = _device_types()
    lines = []
    for operator, table in BACKENDS.items():
        for name, entry in table.items():
            states = [f"{device}: {unavailable(entry, device) or here[device]}" for device in here]
            lines.append((operator, name, _summary(table, name), "; ".join(states)))
    refused = (f"{operator} {line}" for operator, table in BACKENDS.items() for line in _refused(table))
    return "\n".join([_columns(lines), *refused, *_refused(BACKENDS)])


def networks() -> str:
    """Networks."""
    return "\n".join([_columns((name, _summary(NETWORKS, name)) for name in NETWORKS), *_refused(NETWORKS)])


def metrics() -> str:
    """Metrics and the columns that they fill."""
    return _columns((name, entry.summary, ", ".join(entry.columns)) for name, entry in METRICS.items())


def counters() -> str:
    """Counters that a cross-check asks beside ours."""
    return _columns((name, entry.summary) for name, entry in COUNTERS.items())


def conventions() -> str:
    """What may count as a multiply-add."""
    return _columns((name, rule.summary) for name, rule in RULES.items())


def figures() -> str:
    """Figures that `plot` draws by name."""
    return _columns((name, entry.summary) for name, entry in FIGURES.items())


def formats() -> str:
    """Report formats."""
    return _columns((name, entry.summary) for name, entry in REPORTS.items())


def _summary(table: Table[Any], name: str) -> str:
    """What an entry is, and the package that brought it where that is not ours."""
    text = " ".join(str(table[name].summary).split())
    return f"{text} ({table.owner(name)})" if table.owner(name) else text


def _refused(table: Table[Any]) -> Iterator[str]:
    """What installed packages offer and the table does not have, each with who offers it and why."""
    yield from (f"{name}: unavailable: {reason}" for name, reason in table.refused.items())
    yield from (f"unavailable: {reason}" for reason in table.lost)


def _device_types() -> Mapping[str, str]:
    """Device type -> `available`, or why there is none."""
    import torch

    missing = "no CUDA in this PyTorch" if torch.version.cuda is None else "no CUDA device found"
    return {"cpu": "available", "cuda": "available" if torch.cuda.is_available() else missing}


def _columns(lines: Iterable[tuple[str, ...]]) -> str:
    """Text in aligned columns, the last one ragged."""
    rows = list(lines)
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in padded)


_HERE = "invobench.report.inventory"
INVENTORIES: Table[Entry] = Table(
    "list",
    {
        name: Entry(f"{_HERE}:{name}", "")
        for name in "operators backends networks metrics counters conventions figures formats".split()
    },
)
