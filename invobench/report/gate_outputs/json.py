"""`--json`: the whole judgement as one object for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from invobench.judging.verdicts import Judged, Judgement, Subject
from invobench.report.gate_sheet import cell_record, check_record

SCHEMA_VERSION = 1


def render(judgement: Judgement) -> str:
    """SI base units with the unit in the field's name; what has no value is absent."""
    return json.dumps(as_object(judgement), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def as_object(judgement: Judgement) -> dict[str, Any]:
    """The judgement as plain values."""
    values = {
        "schema_version": SCHEMA_VERSION,
        "verdict": str(judgement.verdict),
        "exit_code": judgement.exit_code,
        "base": _subject(judgement.base),
        "candidate": _subject(judgement.candidate),
        "spec_hash": judgement.spec_hash,
        "time_s": judgement.time_s,
        "mean_ratio": judgement.mean,
        "mean_ratio_low": judgement.mean_low,
        "mean_ratio_high": judgement.mean_high,
    }
    return {
        **{key: value for key, value in values.items() if value not in (None, "")},
        "notes": list(judgement.notes),
        "cells": [_cell(cell) for cell in judgement.cells],
    }


def _subject(subject: Subject) -> dict[str, str]:
    return {key: value for key, value in asdict(subject).items() if value}


def _cell(cell: Judged) -> dict[str, Any]:
    return {**cell_record(cell), "checks": [check_record(check) for check in cell.checks]}
