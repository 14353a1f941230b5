"""What a history is made of, and how it stands in the database."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invobench.baselines.database import insert
from invobench.errors import StoreError
from invobench.judging.verdicts import Check, Identity, Verdict


@dataclass(frozen=True)
class Point:
    """A quantity of a cell in one gate.

    `gate` counts the gates of a store from 1, in the order in which they ended, whatever the clock said: `at` (ISO
    8601, UTC) may go back. `base`, `candidate` and the rest are the Check's, in SI base units. `mode`: how the gate
    came by its base. `verdict` is the check's.
    """

    gate: int
    at: str
    identity: Identity
    quantity: str
    field: str
    base: Any
    candidate: Any
    ratio: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    mode: str
    base_label: str
    candidate_label: str
    revision: str
    fingerprint: str
    spec_hash: str


#: what is asked for: ?1 a name or a label, ?2 a quantity, ?3 how many of each cell, below 0 for all
POINTS = """
    SELECT gate, at, name, coordinates, device, dtype, cells.mode AS cell_mode, scope, backend, quantity, field,
        base, candidate, ratio, low, high, checks.verdict AS verdict, gates.mode AS mode, base_label, candidate_label,
        revision, fingerprint, spec_hash
    FROM (
        SELECT checks.*, row_number() OVER (PARTITION BY cell ORDER BY gate DESC) AS age
        FROM checks JOIN cells USING (cell) WHERE ?1 IN (name, label) AND quantity = ?2
    ) AS checks
    JOIN gates USING (gate) JOIN cells USING (cell)
    WHERE ?3 < 0 OR age <= ?3
    ORDER BY gate, cell"""
_OF_A_GATE = ("mode", "base_label", "candidate_label", "revision", "fingerprint", "spec_hash")
_OF_A_CHECK = ("quantity", "field", "ratio", "low", "high")


def as_json(value: Any) -> str | None:
    """A value as JSON, which knows lists and has no largest integer; None stays what it is."""
    return None if value is None else json.dumps(value, ensure_ascii=False)


def cell_number(connection: sqlite3.Connection, identity: Identity) -> int:
    """The number of a cell in the database, a new one where it is not known there."""
    one = identity
    key = (one.name, as_json(one.coordinates), one.device, one.dtype, one.mode, one.scope, one.backend)
    known = """SELECT cell FROM cells WHERE name = ? AND coordinates = ? AND device = ? AND dtype = ? AND mode = ?
        AND scope = ? AND backend = ?"""
    found = connection.execute(known, key).fetchone()
    return int(found[0]) if found else insert(connection, "cells", [(None, one.name, one.label, *key[1:])])


def check_columns(gate: int, cell: int, check: Check) -> tuple[Any, ...]:
    """The columns of a check."""
    sides = (as_json(check.base), as_json(check.candidate))
    return (gate, cell, check.quantity, check.field, *sides, check.ratio, check.low, check.high, check.verdict.value)


def point(path: Path, row: sqlite3.Row) -> Point:
    """A point from a row of POINTS. Raises StoreError, naming `path`, where it is none."""
    try:
        return Point(
            gate=row["gate"],
            at=row["at"],
            identity=_identity(row),
            base=_value(row["base"]),
            candidate=_value(row["candidate"]),
            verdict=Verdict(row["verdict"]),
            **{name: row[name] for name in (*_OF_A_CHECK, *_OF_A_GATE)},
        )
    except (ValueError, TypeError) as error:
        wrong = f"{path}: history: gate {row['gate']}: {error}"
        raise StoreError(f"{wrong}: move the file away, or name another with --store FILE") from None


def _identity(row: sqlite3.Row) -> Identity:
    return Identity(
        name=row["name"],
        coordinates=tuple((key, value) for key, value in json.loads(row["coordinates"])),
        device=row["device"],
        dtype=row["dtype"],
        mode=row["cell_mode"],
        scope=row["scope"],
        backend=row["backend"],
    )


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)
