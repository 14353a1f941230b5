"""`invobench compare`: a sheet a result that is held against the base, the largest effects first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from invobench import units
from invobench.judging.compare import Against, Compared, Comparison, Difference
from invobench.judging.quantities import QUANTITIES
from invobench.judging.ratio import Ratio
from invobench.judging.verdicts import Identity, Subject
from invobench.report import judged_words as words
from invobench.report.sheet import Column, Line, Sheet

LEGEND = (
    "ratio: latency of the other over the base's, of the medians; its 95 % interval by a bootstrap over processes; "
    "≈ where that holds 1."
)
SCHEMA_VERSION = 1


def compare_sheets(comparison: Comparison) -> tuple[Sheet, ...]:
    """A sheet for each other result, in the order in which they were asked for."""
    return tuple(_sheet(comparison.base, against) for against in comparison.others)


def as_json(comparison: Comparison) -> str:
    """The whole comparison as one JSON object: SI base units, what has no value is absent."""
    sides = [
        {**_subject(against.other), **_mean(against), "notes": list(against.notes), "cells": list(_records(against))}
        for against in comparison.others
    ]
    whole = {"schema_version": SCHEMA_VERSION, "base": _subject(comparison.base), "others": sides}
    return json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _sheet(base: Subject, against: Against) -> Sheet:
    identities = [*(cell.identity for cell in against.cells), *against.only_base, *against.only_other]
    common = words.shared(identities)
    sides = {"base": base.label, "other": against.other.label}
    counts = any(one.quantity.startswith("macs") for cell in against.cells for one in cell.differences)
    return Sheet(
        title=" · ".join(
            part for part in (" → ".join(map(words.side, (base, against.other))), words.heading(common)) if part
        ),
        columns=(
            Column("cell", text=True, wrap=True),
            Column("base"),
            Column("other"),
            Column("ratio"),
            Column("95 % interval"),
            Column("latency"),
            Column("what else differs", text=True, wrap=True),
        ),
        lines=tuple(_line(cell, common) for cell in against.cells),
        legend="\n".join([*_warning(base, against.other), f"{LEGEND} {words.MACS}" if counts else LEGEND]),
        notes=tuple(_notes(base, against, common)),
        records=tuple({**sides, **record} for record in _records(against)),
    )


def _warning(base: Subject, other: Subject) -> Iterator[str]:
    """For the header: that the two were not measured in one environment."""
    if base.fingerprint != other.fingerprint:
        yield (
            f"Warning: different environments: {_environment(base)} and {_environment(other)}; the ratios are as much "
            "the machines' and versions' as the code's."
        )


def _environment(subject: Subject) -> str:
    return f"{subject.fingerprint} (torch {subject.torch})"


def _line(cell: Compared, common: Mapping[str, str]) -> Line:
    told = [_difference(difference) for difference in cell.differences]
    name = words.named(cell.identity, common)
    said = "; ".join([*([cell.message] if cell.message else []), *told])
    if cell.ratio is None:
        return Line((name, "", "", "", "", "", said), "dim")
    found = cell.ratio
    figures = (
        units.duration(found.base),
        units.duration(found.candidate),
        words.ratio(found.value),
        words.limits(found.low, found.high),
        _change(found),
    )
    return Line((name, *figures, said), _style(found))


def _is_clear(ratio: Ratio) -> bool:
    """Whether the interval of a ratio has one and leaves 1 out."""
    return ratio.low is not None and ratio.high is not None and not ratio.low <= 1 <= ratio.high


def _change(ratio: Ratio) -> str:
    """By how much, where it is told apart from nothing; `≈` where it is not; empty where that cannot be said."""
    if ratio.low is None or ratio.high is None:
        return ""
    return units.change(ratio.value) if _is_clear(ratio) else "≈"


def _style(ratio: Ratio) -> Literal["plain", "strong", "bad"]:
    if not _is_clear(ratio):
        return "plain"
    return "bad" if ratio.value > 1 else "strong"


def _difference(difference: Difference) -> str:
    quantity = QUANTITIES[difference.quantity]
    return f"{quantity.heading} {quantity.show(difference.base)} → {quantity.show(difference.other)}"


def _notes(base: Subject, against: Against, common: Mapping[str, str]) -> Iterator[str]:
    mean = against.mean
    if mean is not None:
        interval = words.limits(mean.low, mean.high)
        yield (
            f"geometric mean of the ratios over {mean.cells} cell{'' if mean.cells == 1 else 's'}: "
            f"{words.ratio(mean.value)}{f' ({interval})' if interval else ''}."
        )
    for subject, alone in ((base, against.only_base), (against.other, against.only_other)):
        if alone:
            yield f"only in {subject.label}: {', '.join(words.named(identity, common) for identity in alone)}."
    yield from against.notes


def _records(against: Against) -> Iterator[dict[str, Any]]:
    """A record a cell; `found_in`: both, base or other."""
    for cell in against.cells:
        differences = {one.quantity: [one.base, one.other] for one in cell.differences}
        yield {
            **_identity(cell.identity),
            "found_in": "both",
            **(_ratio(cell.ratio) if cell.ratio is not None else {}),
            **({"differences": differences} if differences else {}),
            **({"message": cell.message} if cell.message else {}),
        }
    alone: Sequence[tuple[str, Sequence[Identity]]] = (("base", against.only_base), ("other", against.only_other))
    for side, identities in alone:
        yield from ({**_identity(identity), "found_in": side} for identity in identities)


def _identity(identity: Identity) -> dict[str, Any]:
    keys = ("device", "dtype", "mode", "scope", "backend")
    named = {"name": identity.name, "coordinates": dict(identity.coordinates)}
    return {**named, **{key: getattr(identity, key) for key in keys}}


def _ratio(ratio: Ratio) -> dict[str, Any]:
    values = {
        "base_latency_s": ratio.base,
        "other_latency_s": ratio.candidate,
        "ratio": ratio.value,
        "ratio_low": ratio.low,
        "ratio_high": ratio.high,
        "base_processes": ratio.processes[0],
        "other_processes": ratio.processes[1],
    }
    return {key: value for key, value in values.items() if value is not None}


def _mean(against: Against) -> dict[str, float]:
    mean = against.mean
    values = (
        {} if mean is None else {"mean_ratio": mean.value, "mean_ratio_low": mean.low, "mean_ratio_high": mean.high}
    )
    return {key: value for key, value in values.items() if value is not None}


def _subject(subject: Subject) -> dict[str, str]:
    keys = ("label", "revision", "fingerprint", "invobench", "torch", "created")
    return {key: value for key in keys if (value := getattr(subject, key))}
