"""How a run ended, in lines for stderr: where its results are, what is missing, and how to go on with it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from invobench.results import RESULTS_NAME
from invobench.runner.ledger import Left

if TYPE_CHECKING:
    from invobench.runner.session import Outcome


def ending(outcome: Outcome, folder: Path, cells: int) -> Iterator[str]:
    """What the user of a run of so many `cells` into `folder` should know at its end."""
    yield f"results: {folder / RESULTS_NAME}"
    if outcome.error is not None:
        yield str(outcome.error)
    kept = f"{cells - len(outcome.left)} of {cells} cells are kept"
    go_on = f"go on with --resume --out {shlex.quote(str(folder))}"
    if outcome.interrupted:
        yield f"interrupted: {kept}; {go_on}"
    elif outcome.left and outcome.error is None:
        yield f"measure.run_time_s is over: {kept}; {_named(outcome.left)}; {go_on}"


def _named(left: Sequence[Left]) -> str:
    """The cells without a row, by name: those that were begun with how far they are, and those that were not."""
    begun = [f"{item.cell.label} ({item.done} of {item.processes} processes)" for item in left if item.done]
    not_begun = [item.cell.label for item in left if not item.done]
    named = (("begun", begun), ("not begun", not_begun))
    return "; ".join(f"{word}: {', '.join(labels)}" for word, labels in named if labels)
