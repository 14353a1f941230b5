"""What fvcore reports, as it comes."""

from __future__ import annotations

from typing import Any

from invobench.complexity.libraries import count_fvcore
from invobench.runner.cases import Case


def measure(case: Case) -> dict[str, Any]:
    """`macs_fvcore` of a forward pass; empty in other modes, which fvcore cannot see.

    fvcore traces the module, which not every module of a user's survives: then the row says so and goes on.
    """
    if case.cell.mode != "forward":
        return {}
    case.step().run  # noqa: B018 - sets eval mode
    try:
        return {"macs_fvcore": count_fvcore(case.module, case.inputs)}
    except Exception as error:
        first = (str(error).splitlines() or [""])[0]
        return {"fvcore_error": f"{type(error).__name__}: {first}"}
