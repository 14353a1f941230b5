"""Writes reports/gate.md from the raw data beside it; `tools/gate.sh` makes both.

Usage, from the repository: python -m tools.gate_report [FOLDER]     (default: reports/gate)
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from invobench import units
from invobench.runner.gate.drawing import rate
from tools.study_gate import FACTOR, SLOWED

FOLDER = Path(__file__).parents[1] / "reports" / "gate"
#: what is asked of 100 gates: at most 2 false alarms, at least 90 that pass, at least 95 caught; each within 60 s
AIMS = {"regressed": 2, "pass": 90, "caught": 95}
LONGEST_S = 60.0

_TEXT = """# How good the gate is

Written by `tools/gate.sh`, which goes on where it was stopped, from the raw data in `gate/`. {where}.

## Real gates of this machine

`python -m tools.study_gate` (`gate/gates.jsonl`): each gate is the whole of `invobench gate specs/gate.yaml
--base-ref HEAD` with its threshold of 5 %: a worktree, two fresh interpreters, interleaved processes. Gates of A
against A alternate with gates of A against A in which every call of `{slowed}` takes {factor:g} times its own time.
The machine's load average before each gate was {load_median:.1f} in the median and at most {load_most:.1f}.

| | aim of 100 | found | share, 95 % interval | verdict |
|:--|--:|--:|--:|:--|
{aims}

Of A against A: {same}. Of those with a slowed layer: {slow}. A gate took {time_median:.0f} s in the median and
{time_most:.0f} s at most; the time after which it takes no more processes is 45 s in the spec.

{open_}

| layer | differ by | A to A, median | 95 % of ratios | interval: ±, median | regressed | inconclusive |
|:--|--:|--:|:--|--:|--:|--:|
{cells}

*Differ by* is the standard deviation of the logarithm of process medians within a side of a gate, the median over
gates: the machine's noise between processes. The ratios are those of A against A.

## Self-test of this machine

`invobench gate specs/gate.yaml --self-test` (`gate/selftest.txt`):

```
{selftest}
```

## Simulated processes

`python tools/study_gate_simulated.py` (`gate/simulated.csv`), the same on every machine.

{simulated}
"""


def main(folder: Path = FOLDER) -> str:
    """The report of the raw data in `folder`."""
    gates = [json.loads(line) for line in (folder / "gates.jsonl").read_text(encoding="utf-8").splitlines()]
    kinds = {kind: [gate for gate in gates if gate["kind"] == kind] for kind in ("same", "slowed")}
    loads, times = [gate["load"] for gate in gates], [gate["time_s"] for gate in gates]
    return _TEXT.format(
        where=_where(gates),
        slowed=SLOWED,
        factor=FACTOR,
        load_median=statistics.median(loads),
        load_most=max(loads),
        aims="\n".join(_aims(kinds, times)),
        same=_counted(gate["verdict"] for gate in kinds["same"]),
        slow=_counted(gate["verdict"] for gate in kinds["slowed"]),
        time_median=statistics.median(times),
        time_most=max(times),
        open_=_open(kinds["same"]),
        cells="\n".join(_cells(kinds["same"])),
        selftest=(folder / "selftest.txt").read_text(encoding="utf-8").strip(),
        simulated=(folder / "simulated.md").read_text(encoding="utf-8").strip(),
    )


def _where(gates: Sequence[dict[str, Any]]) -> str:
    """The machine, the versions and the commits that were gated."""
    last = gates[-1]["environment"]
    commits = ", ".join(dict.fromkeys(gate["revision"][:7] for gate in gates))
    return (
        f"Measured on {last['cpu']}, {last['cpu_count']} cores, invobench {last['invobench']}, torch {last['torch']}, "
        f"in checkouts of {commits}"
    )


def _counted(verdicts: Iterable[str]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in Counter(verdicts).most_common())


def _aims(kinds: dict[str, list[dict[str, Any]]], times: Sequence[float]) -> Iterable[str]:
    same, slowed = kinds["same"], kinds["slowed"]
    caught = [cell for gate in slowed for cell in gate["cells"] if cell["name"] == SLOWED]
    rows = [
        ("A against A: `regressed`", f"at most {AIMS['regressed']}", [gate["verdict"] == "regressed" for gate in same]),
        ("A against A: `pass`", f"at least {AIMS['pass']}", [gate["verdict"] == "pass" for gate in same]),
        (
            f"`{SLOWED}` slowed by {FACTOR - 1:.0%}: caught",
            f"at least {AIMS['caught']}",
            [cell["verdict"] == "regressed" for cell in caught],
        ),
    ]
    for label, aim, hits in rows:
        found = rate(hits)
        limit = int(aim.split()[-1]) / 100
        met = (found.share or 0.0) <= limit if "most" in aim else (found.share or 0.0) >= limit
        between = f"{found.low:.1%} to {found.high:.1%}"
        yield f"| {label} | {aim} | {found.count} of {found.of} | {between} | {'met' if met else '**missed**'} |"
    longest = max(times)
    met = "met" if longest < LONGEST_S else "**missed**"
    yield f"| longest gate | under {LONGEST_S:.0f} s | {longest:.0f} s | | {met} |"


def _open(same: Sequence[dict[str, Any]]) -> str:
    """Which layers kept gates of A against A from passing, and what it would take."""
    cells = [cell for gate in same for cell in gate["cells"]]
    wrong = Counter(cell["name"] for cell in cells if cell["verdict"] not in ("pass", "improved"))
    if not wrong:
        return "Every layer of every gate of A against A passed."
    named = ", ".join(f"`{name}` in {count}" for name, count in wrong.most_common())
    needs = [cell["needs"] for cell in cells if cell.get("needs")]
    found = f"What kept gates of A against A from passing: {named}."
    if needs:
        found += f" Those that could not tell asked for {statistics.median(needs):.0f} processes a side in the median."
    return found


def _cells(same: Sequence[dict[str, Any]]) -> Iterable[str]:
    for name in dict.fromkeys(cell["name"] for gate in same for cell in gate["cells"]):
        cells = [cell for gate in same for cell in gate["cells"] if cell["name"] == name]
        levels = [side[name] for gate in same for side in gate["process_medians_s"].values() if len(side[name]) > 1]
        spread = statistics.median(statistics.stdev(map(math.log, side)) for side in levels)
        ratios = sorted(cell["ratio"] for cell in cells if cell.get("ratio"))
        widths = [(cell["high"] - cell["low"]) / 2 / cell["ratio"] for cell in cells if cell.get("low")]
        low, high = (ratios[min(len(ratios) - 1, int(share * len(ratios)))] for share in (0.025, 0.975))
        counts = [sum(cell["verdict"] == verdict for cell in cells) for verdict in ("regressed", "inconclusive")]
        middle = units.signed_percent(statistics.median(ratios) - 1, 2)
        between = f"{units.signed_percent(low - 1)} to {units.signed_percent(high - 1)}"
        width = f"{statistics.median(widths):.1%}"
        yield f"| {name} | {spread:.1%} | {middle} | {between} | {width} | {counts[0]} | {counts[1]} |"


if __name__ == "__main__":
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    (where.parent / f"{where.name}.md").write_text(main(where), encoding="utf-8")
