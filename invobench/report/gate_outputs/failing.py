"""Which cells of a gate count as failed for programs that read its outputs."""

from __future__ import annotations

from invobench.errors import EXIT_OK
from invobench.judging.verdicts import EXITS, Judged, Judgement, Verdict


def fails(judgement: Judgement, cell: Judged) -> bool:
    """Whether `cell` is among what makes the exit code what it is; never where that is 0.

    What was let through (`--inconclusive pass`) fails nothing; an improvement fails where it is what decides.
    """
    if judgement.exit_code == EXIT_OK:
        return False
    decides = cell.verdict is Verdict.IMPROVED and judgement.verdict is Verdict.IMPROVED
    return decides or EXITS[cell.verdict] != EXIT_OK


def whole(judgement: Judgement) -> str:
    """What is wrong with the gate as a whole where no cell of it fails, such as that it has none; else empty."""
    if judgement.exit_code == EXIT_OK or any(fails(judgement, cell) for cell in judgement.cells):
        return ""
    return "; ".join([str(judgement.verdict), *judgement.notes])


def told(cell: Judged) -> str:
    """What decides a cell in one text: its message, or the messages of the checks that are not passed."""
    if cell.message:
        return cell.message
    wrong = [check for check in cell.checks if check.verdict not in {Verdict.PASS, Verdict.IMPROVED}]
    return "; ".join(check.message for check in wrong if check.message) or str(cell.verdict)
