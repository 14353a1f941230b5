"""Golden files: what is expected of a report, rewritten with INVOBENCH_GOLDEN=write."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "golden"


def is_golden(text: str, name: str) -> bool:
    """Whether `text` is what the golden file `name` holds."""
    path = FOLDER / name
    if os.environ.get("INVOBENCH_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    return text == path.read_text(encoding="utf-8")
