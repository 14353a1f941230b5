"""What fvcore reports, as it comes."""

from __future__ import annotations

from typing import Any

from invobench.complexity.count import Count
from invobench.complexity.counters.fvcore import read
from invobench.runner.cases import Case
from invobench.runner.subjects import subject_of


def measure(case: Case) -> dict[str, Any]:
    """`macs_fvcore` of a forward pass; empty in other modes, which fvcore cannot see.

    fvcore traces the module, which not every module of a user's survives: then the row says so and goes on.
    """
    if case.cell.mode != "forward":
        return {}
    try:
        return {"macs_fvcore": read(subject_of(case), Count()).total}
    except Exception as error:
        first = (str(error).splitlines() or [""])[0]
        return {"fvcore_error": f"{type(error).__name__}: {first}"}
