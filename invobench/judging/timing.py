"""The rule for time: the interval of the ratio of medians against what is allowed."""

from __future__ import annotations

from invobench import units
from invobench.judging.checks import Values
from invobench.judging.needs import MOST, processes_needed
from invobench.judging.ratio import Processes, Ratio, median_of, ratio_of_medians
from invobench.judging.verdicts import Check, Verdict
from invobench.spec.gate import MIN_PROCESSES, Thresholds

#: the key of QUANTITIES
LATENCY = "latency"


def found_ratio(base: Processes, candidate: Processes, paired: bool, seed: int) -> Ratio:
    """The ratio; processes of both sides are pairs where they are `paired` and none is missing."""
    return ratio_of_medians(base, candidate, paired=paired and len(base) == len(candidate), seed=seed)


def timing(found: Ratio, thresholds: Thresholds) -> Check | None:
    """Judge a ratio: None where the spec sets no limit.

    `regressed`: the interval lies above what is allowed, and the difference of the medians is over the floor.
    `improved`: it lies below 1 less the threshold, by more than the floor. `pass`: it lies within what is allowed, or
    all of it within the floor.
    """
    threshold = thresholds.latency
    if threshold is None:
        return None
    if found.low is None or found.high is None:
        return _without_interval(found, thresholds)
    allowed, floor = 1 + threshold, thresholds.floor_s / found.base
    limit = max(allowed, 1 + floor)
    told = f"latency {_change(found)}, allowed +{units.plain_percent(threshold)}"
    if found.low > allowed and found.value - 1 > floor:
        return _check(found, thresholds, Verdict.REGRESSED, told)
    if found.high < 1 - threshold and 1 - found.value > floor:
        return _check(found, thresholds, Verdict.IMPROVED, f"latency {_change(found)}: improved")
    if found.high <= limit:
        within = f"{told}: within the floor of {units.duration(thresholds.floor_s)}" if found.high > allowed else ""
        return _check(found, thresholds, Verdict.PASS, within)
    crossed = allowed if found.value > limit else limit
    needs = processes_needed(found.value, found.low, found.high, crossed, min(found.processes))
    return _check(found, thresholds, Verdict.INCONCLUSIVE, f"{told}: {_what_it_takes(needs)}", needs)


def not_timed(base: Processes, candidate: Processes, thresholds: Thresholds, names: tuple[str, str]) -> Check | None:
    """The check where a side was not timed; None where neither was, or the spec sets no limit."""
    values = _values(base, candidate, thresholds)
    if thresholds.latency is None or values.base is values.candidate is None:
        return None
    return values.one_sided(names, threshold=thresholds.latency)


def untold(base: Processes, candidate: Processes, thresholds: Thresholds, reason: str) -> Check | None:
    """The check where there are times, and nothing can be told of them for `reason`; None where there are none."""
    values = _values(base, candidate, thresholds)
    if thresholds.latency is None or values.base is values.candidate is None:
        return None
    return values.check(Verdict.INCONCLUSIVE, f"latency: {reason}", threshold=thresholds.latency)


def _values(base: Processes, candidate: Processes, thresholds: Thresholds) -> Values:
    medians = [median_of(side) if side else None for side in (base, candidate)]
    return Values(LATENCY, medians[0], medians[1], thresholds)


def _check(found: Ratio, thresholds: Thresholds, verdict: Verdict, message: str, needs: int | None = None) -> Check:
    values = Values(LATENCY, found.base, found.candidate, thresholds)
    figures = {"ratio": found.value, "low": found.low, "high": found.high}
    return values.check(verdict, message, threshold=thresholds.latency, needs=needs, **figures)


def _without_interval(found: Ratio, thresholds: Thresholds) -> Check:
    few = min(found.processes)
    message = (
        f"latency {_change(found)}: a side has {few} process{'' if few == 1 else 'es'}, and fewer than {MIN_PROCESSES} "
        "have no interval: measure in 10, with measure.processes"
    )
    return _check(found, thresholds, Verdict.INCONCLUSIVE, message, MIN_PROCESSES)


def _change(found: Ratio) -> str:
    """`+15.2 % (+13.9 % to +16.6 %)`."""
    if found.low is None or found.high is None:
        return units.signed_percent(found.value - 1)
    decimals = 1 if found.high - found.low >= 0.002 else 2
    value, low, high = (units.signed_percent(one - 1, decimals) for one in (found.value, found.low, found.high))
    return f"{value} ({low} to {high})"


def _what_it_takes(needs: int | None) -> str:
    if needs is None:
        return f"too close to call, and {units.exact(MOST)} processes a side would not tell: quieten the machine"
    return f"cannot tell; about {needs} processes a side would"
