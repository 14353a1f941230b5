"""What a gate writes for other programs: the table GATE_OUTPUTS.

An output is one file here with `render(judgement) -> str`, and a line in GATE_OUTPUTS. Whatever it says, it follows
the exit code: where that is not 0, at least one thing in it failed, and where it is 0, none did (`fails`).
"""

from __future__ import annotations

from invobench.table import Entry, Table

_HERE = "invobench.report.gate_outputs"

GATE_OUTPUTS: Table[Entry] = Table(
    "gate output",
    {
        "json": Entry(f"{_HERE}.json:render", "the whole judgement as one JSON object, base units"),
        "junit": Entry(f"{_HERE}.junit:render", "JUnit XML, a test case a cell"),
        "github": Entry(f"{_HERE}.github:render", "annotations of GitHub Actions, worst first, at most 10"),
        "summary": Entry(f"{_HERE}.summary:render", "Markdown for GitHub's step summary, under 1 MiB"),
        "bmf": Entry(f"{_HERE}.bmf:render", "Bencher Metric Format, latency in nanoseconds"),
        "github-benchmark": Entry(
            f"{_HERE}.action_benchmark:render", "customSmallerIsBetter of github-action-benchmark"
        ),
    },
)
