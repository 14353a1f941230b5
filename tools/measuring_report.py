"""Writes reports/measuring.md from the raw data beside it; `tools/measuring.sh` makes both.

Usage, from the repository: python -m tools.measuring_report [FOLDER]     (default: reports/measuring)
"""

from __future__ import annotations

import csv
import json
import re
import socket
import sys
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from invobench import units
from invobench.report.provenance import made_by
from tools.study_coverage import AIM, TARGET_CI

FOLDER = Path(__file__).parents[1] / "reports" / "measuring"

_TEXT = """# How good the measuring is

Written by `tools/measuring.sh` (about 9 minutes), from the raw data in `measuring/`. {where}.
{load}

## On the real clock

`invobench selftest --device cpu` (`measuring/selftest.jsonl` has every pair), exit code {exit_code}:

```
{selftest}
```

Whether an interval *holds* the ratio is asked twice: exactly, by which the aim of one cell a side goes, and *to 0.1%*,
by which that of ten goes. At 1.00 the two loops are identical and still differ by hundredths of a percent, the same way
throughout a run, and the clock's resolution may be up to 0.1 % of a sample; ten cells a side can see that. The second
question was added after a run on a loaded machine (`measuring/selftest_loaded.jsonl`, load average 5.4): intervals of
one cell a side (± 0.17 %) exactly held the ratio in 83.6 % of repeats, to 0.1 % in 96.3 %; those of ten (± 0.11 %) in
88.5 % and 100 %. So one cell's interval is too narrow there for changes of a few tenths of a percent: cells differ from
one another by more than their samples show.

## On fake clocks: coverage of the interval, the stopping rule included

`python tools/study_coverage.py` (`measuring/coverage.csv`): {repeats} repeats of each noise, seeded, so that the
numbers are the same on every machine. Each repeat is one run of the sampling loop as it is, on a clock that reads a
series of known median, in calls of 5 ms and up to 2 s of samples with the default target of ± 1 %. *Fixed time* has
no target and samples to the end; the difference between the two columns is what the stopping rule does. *Noisy* is
the share of repeats whose row would be marked so, *drifted* those whose message says so; samples and ± are medians.

{coverage}

{reading}

## Overhead of cells

`invobench profile specs/quickstart.yaml --device cpu --metrics latency` (`measuring/quickstart/results.jsonl`): the
part of a cell's time that is neither warm-up nor samples, the process's start excluded. It has building the layer and
its inputs, and the check against the float64 reference that comes before every timing.

{overhead}

## Ceilings, and how far rows are from them

`invobench ceilings --device cpu --refresh` (`measuring/ceilings.jsonl` has them in base units, with their intervals):

```
{ceilings}
```

{reading_of_ceilings}

Against these, the rows of the quickstart above. *GB/s* are the minimum bytes of a call (each input, parameter and
output once) over its latency, *GFLOP/s* 2 × its multiply-adds by formula over its latency, *limit* the time that the
ceilings leave it at least; the bound is what that time goes by.

{limits}

## What hurts measuring here

`invobench doctor`, before anything else of this page ran:

```
{doctor}
```
"""

#: what the table says, so that nobody has to see it for himself
_READING = """Over {high:.0%} an interval is wider than it need be; under {low:.0%} it promises too much.

{missed}

- **AR(1)**: the ranks are widened by the correlation of the samples' signs. That mends a short memory (0.5: a call
  remembers half of the one before). With a long one (0.9) 400 samples are worth about 30, too few to estimate their
  own correlation by: the interval is a little too narrow, and most such rows are marked noisy.
  `measure.processes: 10` does not rest on this estimate.
- **Drift**: the truth is taken to be the level at the start. A drift that stays within the interval's width while
  samples are taken cannot be told from noise by one cell. Cells of one run that are compared should be measured in
  turn (`measure.processes`), so that it meets all of them alike.
- **Heavy tails and two modes** do not matter to order statistics as such: no variance is needed. What they cost is
  samples."""


def main(folder: Path) -> None:
    """Write `measuring.md` beside `folder`. Ends with a message where the raw data names a place of this machine."""
    first, *rest = _lines(folder / "selftest.jsonl")
    study = list(csv.DictReader((folder / "coverage.csv").read_text(encoding="utf-8").splitlines()))
    quickstart = list(csv.DictReader((folder / "quickstart.csv").read_text(encoding="utf-8").splitlines()))
    ceilings = _lines(folder / "ceilings.jsonl")
    selftest, ceilings_text, doctor = (_text(folder / f"{name}.txt") for name in ("selftest", "ceilings", "doctor"))
    text = _TEXT.format(
        where=f"Measured on {first['cpu']}, {first['threads']} threads, {made_by()}",
        load=_load(first["load"]),
        exit_code=3 if "Inconclusive" in selftest else 0,
        selftest=selftest,
        repeats=f"{int(study[0]['repeats']):,}",
        coverage=_text(folder / "coverage.md"),
        reading=_reading(study),
        overhead=_overhead(quickstart),
        ceilings=ceilings_text,
        reading_of_ceilings=_reading_of_ceilings(ceilings),
        limits=_limits(quickstart),
        doctor=doctor,
    )
    _check_places(text, (socket.gethostname(), str(Path.home()), str(Path.cwd())))
    path = folder.parent / "measuring.md"
    path.write_text(text, encoding="utf-8")
    print(f"{path}: {len(rest)} lines of raw data, {len(study)} noises and targets")


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8").rstrip()


def _check_places(text: str, places: Iterable[str]) -> None:
    """Ends the program where `text`, which others read, has one of this machine's `places` in it as a word."""
    for place in places:
        if len(place) > 1 and re.search(rf"(?<![\w-]){re.escape(place)}(?![\w-])", text):
            raise SystemExit(f"measuring.md would name '{place}', a place of this machine: mend what prints it")


def _load(load: list[float] | None) -> str:
    if load is None:
        return "The system has no load average, so that it is not known what else ran."
    before, after = load
    return (
        f"The machine's load average was {before:.1f} before the self-test and {after:.1f} after, which "
        "tells how much else ran; that adds noise to the first and the last section."
    )


def _reading(study: list[dict[str, str]]) -> str:
    rule = [row for row in study if float(row["target_ci"]) == TARGET_CI]
    low = [row for row in rule if float(row["coverage"]) < AIM[0]]
    wide = [row for row in rule if float(row["coverage"]) > AIM[1]]
    met = len(rule) - len(low) - len(wide)
    said = [f"Of {len(rule)} noises, {met} are within {AIM[0]:.0%} to {AIM[1]:.0%} with the stopping rule."]
    said += [f"**Too narrow: {_names(low)}.**"] * bool(low) + [f"Too wide: {_names(wide)}."] * bool(wide)
    return _READING.format(low=AIM[0], high=AIM[1], missed=" ".join(said))


def _names(rows: list[dict[str, str]]) -> str:
    return ", ".join(f"{row['noise']} ({float(row['coverage']):.1%})" for row in rows)


def _overhead(rows: list[dict[str, str]]) -> str:
    lines = ["| layer | backend | cell | warm-up | samples | overhead |", "|:--|:--|--:|--:|--:|--:|"]
    for row in rows:
        names = ("cell_time_s", "warmup_time_s", "sampling_time_s")
        times = [float(row[name]) if row[name] else None for name in names]
        shown = " | ".join("" if value is None else units.duration(value) for value in times)
        lines.append(f"| {row['name']} | {row['backend']} | {shown} | {_share(*times)} |")
    return "\n".join(lines)


def _reading_of_ceilings(ceilings: list[dict[str, Any]]) -> str:
    """What the table of the ceilings says: noisy ones, what caches give, and what each dtype's rate is to float32's."""
    noisy = sum(not item["reached"] for item in ceilings)
    said = [f"{noisy} of {len(ceilings)} did not come to within ± 1 %."]
    copies = {item["quantity"]: item["bytes_per_s"] for item in ceilings if "bytes_per_s" in item}
    if {"copy", "cached_copy"} <= set(copies):
        said.append(
            f"A copy in the last-level cache is {copies['cached_copy'] / copies['copy']:.1f} times one in memory."
        )
    rates = {item["dtype"]: item["flops_per_s"] for item in ceilings if "flops_per_s" in item and not item["tf32"]}
    others = [name for name in rates if name != "float32"]
    if others and "float32" in rates:
        shares = ", ".join(f"{name} {units.percent(rates[name] / rates['float32'])}" for name in others)
        said.append(f"Of float32's rate of matrix products, other dtypes reach: {shares}.")
    return textwrap.fill(" ".join(said), 120)


def _limits(rows: list[dict[str, str]]) -> str:
    lines = [
        "| layer | backend | latency | GB/s | GFLOP/s | limit | % of limit | bound |",
        "|:--|:--|--:|--:|--:|--:|--:|:--|",
    ]
    for row in rows:
        latency, share = _number(row["latency_s"]), _number(row["limit_share"])
        rates = [_number(row[name]) for name in ("achieved_bytes_per_s", "achieved_flops_per_s")]
        cells = (
            row["name"],
            row["backend"],
            _or_empty(units.duration, latency),
            *(_or_empty(units.significant, None if rate is None else rate / units.GIGA) for rate in rates),
            _or_empty(units.duration, None if latency is None or share is None else latency * share),
            _or_empty(units.percent, share),
            row["bound"],
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _number(text: str) -> float | None:
    return float(text) if text else None


def _or_empty(shown: Callable[[float], str], value: float | None) -> str:
    return "" if value is None else shown(value)


def _share(cell: float | None, warm: float | None, samples: float | None) -> str:
    """Empty for a cell that was not timed."""
    if cell is None or warm is None or samples is None:
        return ""
    return f"{(cell - warm - samples) / cell:.1%}"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
