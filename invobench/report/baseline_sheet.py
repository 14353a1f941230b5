"""`invobench baseline show` and `list`: what a baseline holds, and which there are."""

from __future__ import annotations

from collections.abc import Sequence

from invobench.baselines.file import Baseline
from invobench.baselines.listing import Found
from invobench.judging.pairing import identity_of
from invobench.judging.quantities import QUANTITIES
from invobench.report import judged_words as words
from invobench.report.sheet import Column, Line, Sheet
from invobench.results import COLUMNS, MEASURED, Row

#: quantities of a cell's line, in their order
_SHOWN = ("params", "macs_formula", "macs_dispatched", "latency", "peak_memory")


def baseline_sheet(baseline: Baseline) -> Sheet:
    """A line a cell, under where and of what the baseline was made."""
    head = baseline.head
    there = head.environment
    common = words.shared(identity_of(row) for row in baseline.rows)
    heads = ("params", "MACs\nformula", "MACs\ncounted", "latency", "peak\nmemory", "processes")
    made = [
        f"fingerprint {there.fingerprint}: {there.cpu}{''.join(f', {gpu}' for gpu in there.gpus)}",
        f"invobench {there.invobench}, torch {there.torch}, Python {there.python}",
        f"of {', '.join(head.specs)} (spec hash {head.spec_hash})",
        f"by: {head.command}",
        f"MACs are multiply-adds of the whole batch (flops = 2 × MACs), convention {head.convention}.",
    ]
    return Sheet(
        title=" · ".join(part for part in (str(baseline.path), head.created, words.heading(common)) if part),
        columns=(Column("cell", text=True, wrap=True), *map(Column, heads)),
        lines=tuple(_line(row, words.named(identity_of(row), common)) for row in baseline.rows),
        legend="\n".join(made),
        notes=baseline.warnings,
        records=tuple(row.model_dump(include=set(COLUMNS), exclude_none=True) for row in baseline.rows),
    )


def _line(row: Row, name: str) -> Line:
    values = [words.value(quantity, getattr(row, QUANTITIES[quantity].field)) for quantity in _SHOWN]
    if row.status not in MEASURED:
        values[_SHOWN.index("latency")] = row.status
    processes = str(len(row.samples_s)) if row.samples_s else ""
    return Line((name, *values, processes), "plain" if row.status in MEASURED else "bad")


def baselines_sheet(found: Sequence[Found], where: str) -> Sheet:
    """A line a file; one that cannot be read says why. `where`: what was looked through."""
    return Sheet(
        title=f"baselines in {where}",
        columns=(
            Column("file", text=True, wrap=True),
            Column("created", text=True),
            Column("cells"),
            Column("fingerprint", text=True),
            Column("torch", text=True),
            Column("spec", text=True, wrap=True),
        ),
        lines=tuple(_file_line(one) for one in found),
        notes=tuple(one.problem for one in found if one.problem)
        or (() if found else ("none; save one: invobench baseline save RESULTS FILE",)),
        records=tuple(_file_record(one) for one in found),
    )


def _file_line(one: Found) -> Line:
    if one.baseline is None:
        return Line((str(one.path), "cannot be read", "", "", "", ""), "bad")
    head = one.baseline.head
    there = head.environment
    cells = str(len(one.baseline.rows))
    return Line((str(one.path), head.created, cells, there.fingerprint, there.torch, ", ".join(head.specs)))


def _file_record(one: Found) -> dict[str, object]:
    if one.baseline is None:
        return {"path": str(one.path), "problem": one.problem}
    head = one.baseline.head
    there = head.environment
    return {
        "path": str(one.path),
        "created": head.created,
        "cells": len(one.baseline.rows),
        "fingerprint": there.fingerprint,
        "invobench": there.invobench,
        "torch": there.torch,
        "specs": list(head.specs),
        "spec_hash": head.spec_hash,
    }
