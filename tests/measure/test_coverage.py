"""Coverage of the interval that the sampling loop returns, its stopping rule included, on seeded fake clocks.

The numbers are the same on every machine: only the seed decides. `slow` repeats each noise 5,000 times, as
`tools/study_coverage.py` does; reports/measuring.md has its table.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from tools import study_coverage
from tools.study_coverage import AIM, NOISES, REPEATS, TARGET_CI, Found, main, markdown, study

#: below the aim by nature: so long a memory, and a level that moves on, cannot be seen in a cell's few samples
KNOWN_LOW = {"AR(1) 0.9, 3 %": 0.91, "drift +5 % in 2 s, 3 %": 0.35}
#: what the series are, apart from the drifts, whose truth is their start
STEADY = [noise for noise in NOISES if not noise.startswith("drift")]


@pytest.mark.parametrize("noise", STEADY)
def test_the_true_median_is_one(noise: str) -> None:
    """Of a million calls: the median's own deviation is up to 0.04 % (0.3 · 1.25 / 1000), with memory four times it."""
    values = NOISES[noise](np.random.default_rng(1), 1_000_000)
    assert values.min() > 0
    assert float(np.median(values)) == pytest.approx(1.0, abs=0.004 if "30 %" in noise else 0.001)


@pytest.mark.parametrize(("noise", "phi"), [("AR(1) 0.5, 3 %", 0.5), ("AR(1) 0.9, 3 %", 0.9)])
def test_calls_remember_as_much_as_they_say(noise: str, phi: float) -> None:
    logs = np.log(NOISES[noise](np.random.default_rng(2), 200_000))
    assert float(np.corrcoef(logs[1:], logs[:-1])[0, 1]) == pytest.approx(phi, abs=0.01)
    assert float(logs.std()) == pytest.approx(0.03, rel=0.03)


def test_a_noise_is_the_same_whatever_else_is_studied() -> None:
    assert study("normal 3 %", TARGET_CI, 20) == study("normal 3 %", TARGET_CI, 20)


def test_an_interval_that_is_off_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that take 1 % more than the truth, with noise of 1 %: the interval seldom holds it."""
    monkeypatch.setattr(study_coverage, "NOISES", {"off": lambda rng, count: NOISES["normal 1 %"](rng, count) * 1.01})
    assert study("off", TARGET_CI, 100).coverage < 0.1


@pytest.mark.parametrize("noise", NOISES)
def test_coverage_of_few_repeats(noise: str) -> None:
    """300 repeats: 4 standard deviations of a share of 93 to 95 % are 5 to 6 %."""
    assert study(noise, TARGET_CI, 300).coverage >= KNOWN_LOW.get(noise, AIM[0]) - 0.05


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("noise", NOISES)
def test_coverage(noise: str) -> None:
    """At least 93 %. Over 97 %, which reports say, the interval is wider than it need be and does no harm."""
    assert study(noise, TARGET_CI, REPEATS).coverage >= KNOWN_LOW.get(noise, AIM[0])


def test_the_table_and_the_file_have_the_same_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / "coverage.csv"
    main(["--repeats", "5", "--jobs", "1", "--noise", "normal 1 %", "--out", str(path)])
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert [(row["noise"], row["target_ci"], row["repeats"]) for row in rows] == [
        ("normal 1 %", "0.0", "5"),
        ("normal 1 %", "0.01", "5"),
    ]
    shares = [f"{float(row['coverage']):.1%}" for row in rows]
    assert f"| normal 1 % | {shares[0]} | {shares[1]} |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("coverage", "word"), [(0.92, "**missed**"), (0.93, "met"), (0.97, "met"), (0.98, "missed: too wide")]
)
def test_the_table_says_whether_the_aim_is_met(coverage: float, word: str) -> None:
    found = Found("normal 1 %", TARGET_CI, 5000, coverage, 0.0, 0.0, 50, 0.005)
    assert f"| {coverage:.1%} | {word} |" in markdown([found])
