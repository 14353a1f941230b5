"""Words that every report of a judgement shares: a cell's name, a value with its unit, a ratio with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from invobench.conventions import Convention
from invobench.judging.quantities import QUANTITIES
from invobench.judging.verdicts import SEVERITY, Check, Identity, Judged, Subject, Verdict

#: what an identity has besides its name and coordinates, in the order in which it is read
_CONTRACT = ("device", "dtype", "mode", "scope", "backend")
_UNSAID = ("backend", "auto")
#: for a legend above multiply-adds: a run counts under this convention
MACS = f"MACs are multiply-adds of the whole batch (flops = 2 × MACs), convention {Convention.FORMULA}."
#: quantities that are measured or rounded: their sides may differ where nothing changed
INEXACT = frozenset({"latency", "peak_memory", "max_error"})


def shared(identities: Iterable[Identity]) -> dict[str, str]:
    """What all of `identities` have in common besides names and coordinates: it stands in a title."""
    found = list(identities)
    values = {key: {getattr(identity, key) for identity in found} for key in _CONTRACT}
    return {key: one.pop() for key, one in values.items() if len(one) == 1}


def named(identity: Identity, common: Mapping[str, str]) -> str:
    """The label with what is not in `common` and no coordinate: `conv bfloat16`. A backend `auto` is not said."""
    return " ".join([identity.label, *_words(identity, common)])


def full_name(identity: Identity) -> str:
    """A name that is the same whatever other cells there are: `conv kernel_size=3 (cpu, float32, forward, module)`."""
    return f"{identity.label} ({', '.join(_words(identity, {}))})"


def _words(identity: Identity, common: Mapping[str, str]) -> list[str]:
    """What is neither in `common` nor a coordinate; that a backend is `auto` goes without saying."""
    left_out = {*common, *(key for key, _ in identity.coordinates)}
    values = {key: getattr(identity, key) for key in _CONTRACT if key not in left_out}
    return [word for key, word in values.items() if (key, word) != _UNSAID]


def heading(common: Mapping[str, str]) -> str:
    """What is shared, for a title: `cpu, float32, forward, module, backend shift`."""
    words = {key: f"backend {word}" if key == "backend" else word for key, word in common.items()}
    return ", ".join(word for key, word in words.items() if (key, common[key]) != _UNSAID)


def value(quantity: str, amount: Any) -> str:
    """A value of a quantity with its unit; empty where there is none."""
    return "" if amount is None else QUANTITIES[quantity].show(amount)


def is_number(amount: Any) -> bool:
    """Whether a value can stand on an axis: a shape and a missing value cannot."""
    return isinstance(amount, int | float) and not isinstance(amount, bool)


def values(check: Check) -> str:
    """Base and candidate: `12.3 ms → 14.1 ms`; `none` for the side that has none."""
    sides = (value(check.quantity, check.base), value(check.quantity, check.candidate))
    return " → ".join(side or "none" for side in sides)


def ratio(amount: float | None) -> str:
    """Candidate over base; empty where there is none."""
    return "" if amount is None else f"{amount:.3f}"


def limits(low: float | None, high: float | None) -> str:
    """An interval of a ratio; empty where there is none."""
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def side(subject: Subject) -> str:
    """A side's label with the first digits of its revision: `main (0123456789ab)`."""
    known = subject.revision[:12]
    return f"{subject.label} ({known})" if known and known not in subject.label else subject.label


def worst_first(cells: Sequence[Judged]) -> list[Judged]:
    """By verdict; of one verdict the greatest growth of the latency first, else as they come."""
    return sorted(cells, key=lambda cell: (SEVERITY.index(cell.verdict), -_growth(cell)))


def _growth(cell: Judged) -> float:
    latency = cell.check("latency")
    return latency.ratio if latency is not None and latency.ratio is not None else 0.0


def counted(cells: Iterable[Judged]) -> str:
    """How many cells have which verdict, worst first: `1 regressed, 9 pass`."""
    verdicts = [cell.verdict for cell in cells]
    numbers: Mapping[Verdict, int] = {verdict: verdicts.count(verdict) for verdict in SEVERITY}
    return ", ".join(f"{number} {verdict}" for verdict, number in numbers.items() if number)
