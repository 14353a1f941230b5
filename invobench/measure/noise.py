"""Whether a median may be trusted, and what to do where it may not: one message, with what to do by cause."""

from __future__ import annotations

from collections.abc import Iterator

from invobench.measure.interval import MIN_SAMPLES
from invobench.measure.sampling import Sampled
from invobench.measure.taking import MAX_SAMPLES

#: drift over this, and over the interval's width, is more than noise
DRIFT = 0.02
#: a clock that resolves less than this share of a sample is not mentioned
RESOLUTION = 0.001
#: page faults or lost processors a sample that explain a wide interval
_OFTEN = 1.0
#: lost processors a second that a system does not take for itself
_SHARED_PER_S = 20.0
#: samples worth one that explain it
_RUNS = 5.0


def drifted(sampled: Sampled) -> bool:
    """Whether the second half of the samples is another level than the first.

    Medians of halves differ by the interval's width in one of twenty steady cells. Samples that each resemble the one
    before, so that all are worth hardly any, have a wide interval just because they drift: 2 % is all that is asked.
    """
    count = len(sampled.samples_s)
    if sampled.drift is None or count < MIN_SAMPLES:
        return False
    steady = count / sampled.interval.correlation >= MIN_SAMPLES
    return abs(sampled.drift) > max(DRIFT, 2 * sampled.interval.relative if steady else 0.0)


def contended(sampled: Sampled) -> bool:
    """Whether other programs had the processor for a part of most samples.

    A quiet system takes a processor away a few times a second, for microseconds; one that shares it does so every few
    milliseconds, and a long sample has some of both.
    """
    if sampled.usage is None or not sampled.sampling_time_s:
        return False
    a_second = sampled.usage.involuntary / sampled.sampling_time_s
    return _lost(sampled) > _OFTEN and a_second > _SHARED_PER_S


def _lost(sampled: Sampled) -> float:
    """How often the processor was taken away, a sample."""
    return sampled.usage.involuntary / len(sampled.samples_s) if sampled.usage else 0.0


def _taken_away(sampled: Sampled) -> str:
    return (
        f"the processor was taken away {_lost(sampled):.1f} times a sample: use affinity: true with fewer threads, or "
        "quieten the machine"
    )


def judge(sampled: Sampled, target_ci: float) -> tuple[str, str]:
    """A row's status, `ok` or `noisy`, and its message, empty where there is nothing to say.

    Noisy is an interval wider than `target_ci`; and whatever the interval, samples that drifted, that shared the
    processor, that a GPU took while it was throttled, or that the clock resolves no better than the target.
    """
    doubts = list(_doubts(sampled, target_ci))
    notes = []
    if sampled.resolution > RESOLUTION:
        notes.append(f"the clock resolves {sampled.resolution:.1%} of a sample: raise batch, or use cache: hot")
    if not sampled.reached:
        wide = f"median {_known(sampled)}, target ±{target_ci:.1%}"
        causes = [*doubts, *_causes(sampled)] or [_more(sampled)]
        return "noisy", "; ".join([f"{wide}: {causes[0]}", *causes[1:], *notes])
    noisy = bool(doubts) or sampled.resolution > target_ci
    return ("noisy" if noisy else "ok"), "; ".join([*doubts, *notes])


def _doubts(sampled: Sampled, target_ci: float) -> Iterator[str]:
    """What is wrong with the samples whatever their interval."""
    if sampled.gave_up:
        yield (
            f"the GPU was throttled ({sampled.gave_up}) and did not recover: cool it, or lock its clocks with "
            "nvidia-smi --lock-gpu-clocks"
        )
    if drifted(sampled):
        yield (
            f"drifted {sampled.drift:+.1%} from the first half of the samples to the second: wait until the machine "
            "is steady, or raise measure.max_time_s, which warms up longer"
        )
    if contended(sampled):
        # turns of the scheduler are of equal length: samples of several agree with one another, and all are wrong
        yield _taken_away(sampled)


def _causes(sampled: Sampled) -> Iterator[str]:
    """What may have made the interval wide: too few samples, samples in turns, what the system counts."""
    if len(sampled.samples_s) < MIN_SAMPLES:
        yield "raise measure.max_time_s"
    if sampled.interval.correlation > _RUNS and not drifted(sampled):
        yield (
            f"samples are quick and slow in long turns ({sampled.interval.correlation:.0f} are worth one): quieten the "
            "machine, or raise measure.max_time_s"
        )
    if sampled.usage is None:
        return
    faults = sampled.usage.page_faults / len(sampled.samples_s)
    if faults > _OFTEN:
        yield (
            f"{faults:.0f} page faults a sample: keep freed memory with MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=-1 "
            "in the environment (glibc)"
        )
    if _lost(sampled) > _OFTEN and not contended(sampled):
        yield _taken_away(sampled)


def _more(sampled: Sampled) -> str:
    """The advice where no cause is known."""
    count = len(sampled.samples_s)
    if count >= MAX_SAMPLES:
        return f"{count} samples do not settle it: quieten the machine"
    return "raise measure.max_time_s, or quieten the machine"


def _known(sampled: Sampled) -> str:
    interval, count = sampled.interval, len(sampled.samples_s)
    if interval.low is None:
        return f"without interval ({count} sample{'s' if count > 1 else ''})"
    return f"±{interval.relative:.1%}" if interval.relative < 1 else "unknown to ±100 %"
