"""What a row says of its samples: status and what to do, by cause."""

from __future__ import annotations

from dataclasses import replace

import pytest

from invobench.measure.interval import Interval
from invobench.measure.noise import judge
from invobench.measure.resources import Usage
from invobench.measure.sampling import Sampled
from invobench.measure.taking import MAX_SAMPLES

TARGET = 0.01
GOOD = Sampled(
    samples_s=(1.0,) * 20, loops=1, warmups=12, interval=Interval(1.0, 0.995, 1.005), reached=True, drift=0.0
)
WIDE = replace(GOOD, interval=Interval(1.0, 0.97, 1.03), reached=False)


def test_nothing_to_say_of_good_samples() -> None:
    assert judge(GOOD, TARGET) == ("ok", "")


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({}, "raise measure.max_time_s, or quieten the machine"),
        (
            {"usage": Usage(page_faults=2460, switches=3, involuntary=3)},
            "123 page faults a sample: keep freed memory with MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=-1 in the "
            "environment (glibc)",
        ),
        (
            {"usage": Usage(page_faults=20, switches=90, involuntary=50), "sampling_time_s": 2.4},
            "the processor was taken away 2.5 times a sample: use affinity: true with fewer threads, or quieten the "
            "machine",
        ),
        (
            {"usage": Usage(page_faults=20, switches=900, involuntary=20)},
            "raise measure.max_time_s, or quieten the machine",
        ),
        (
            {"usage": Usage(page_faults=21, switches=20, involuntary=20)},
            "1 page faults a sample: keep freed memory with MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=-1 in the "
            "environment (glibc)",
        ),
        (
            {"interval": Interval(1.0, 0.97, 1.03, correlation=5.1), "samples_s": (1.0,) * 100},
            "samples are quick and slow in long turns (5 are worth one): quieten the machine, or raise "
            "measure.max_time_s",
        ),
        (
            {"interval": Interval(1.0, 0.97, 1.03, correlation=5.0), "samples_s": (1.0,) * 100},
            "raise measure.max_time_s, or quieten the machine",
        ),
        (  # a drift makes samples resemble each other: one cause, not two
            {"interval": Interval(1.0, 0.97, 1.03, correlation=12.4), "samples_s": (1.0,) * 100, "drift": 0.0613},
            "drifted +6.1% from the first half of the samples to the second: wait until the machine is steady, or "
            "raise measure.max_time_s, which warms up longer",
        ),
        (
            {"drift": 0.0613},
            "drifted +6.1% from the first half of the samples to the second: wait until the machine is steady, or "
            "raise measure.max_time_s, which warms up longer",
        ),
        (
            {"interval": Interval(1.0, 0.97, 1.03, correlation=12.4), "samples_s": (1.0,) * 100},
            "samples are quick and slow in long turns (12 are worth one): quieten the machine, or raise "
            "measure.max_time_s",
        ),
        ({"samples_s": (1.0,) * MAX_SAMPLES}, f"{MAX_SAMPLES} samples do not settle it: quieten the machine"),
        ({"samples_s": (1.0,) * 3 * MAX_SAMPLES}, f"{3 * MAX_SAMPLES} samples do not settle it: quieten the machine"),
        (
            {"gave_up": "thermal slowdown"},
            "the GPU was throttled (thermal slowdown) and did not recover: cool it, or lock its clocks with nvidia-smi "
            "--lock-gpu-clocks",
        ),
    ],
)
def test_a_wide_interval_says_what_to_do(change: dict[str, object], cause: str) -> None:
    assert judge(replace(WIDE, **change), TARGET) == ("noisy", f"median ±3.0%, target ±1.0%: {cause}")  # type: ignore[arg-type]


def test_several_causes_are_all_named() -> None:
    status, message = judge(replace(WIDE, usage=Usage(100, 100, 100), drift=-0.2), TARGET)
    assert status == "noisy"
    assert [part.split(" ")[0] for part in message.split("; ")] == ["median", "5", "the"]
    assert "drifted -20.0%" in message


@pytest.mark.parametrize(
    ("interval", "count", "known"),
    [
        (Interval(1.0, None, None), 3, "without interval (3 samples)"),
        (Interval(1.0, None, None), 1, "without interval (1 sample)"),
        (Interval(1.0, 0.5, 4.0), 20, "unknown to ±100 %"),
    ],
)
def test_how_well_the_median_is_known(interval: Interval, count: int, known: str) -> None:
    _, message = judge(replace(WIDE, interval=interval, samples_s=(1.0,) * count), TARGET)
    assert message.startswith(f"median {known}, target ±1.0%: raise measure.max_time_s")


@pytest.mark.parametrize(("drift", "status"), [(0.0199, "ok"), (0.0201, "noisy"), (-0.0201, "noisy"), (None, "ok")])
def test_drift_of_two_per_cent_is_doubted(drift: float | None, status: str) -> None:
    found, message = judge(replace(GOOD, drift=drift), TARGET)
    assert found == status
    assert message.startswith("drifted") == (status == "noisy")


def test_drift_within_the_interval_is_noise() -> None:
    """The interval is 6 % wide."""
    assert "drifted" not in judge(replace(WIDE, drift=0.0599), TARGET)[1]
    assert "drifted" in judge(replace(WIDE, drift=0.0601), TARGET)[1]


def test_drift_takes_six_samples() -> None:
    few = replace(WIDE, interval=Interval(1.0, None, None), drift=0.5, samples_s=(1.0,) * 5)
    assert "drifted" not in judge(few, TARGET)[1]
    enough = replace(few, interval=Interval(1.0, 0.9, 1.1), samples_s=(1.0,) * 6)
    assert "drifted" in judge(enough, TARGET)[1]


def test_an_interval_that_is_wide_because_of_drift_does_not_hide_it() -> None:
    """20 samples worth 2."""
    trend = replace(WIDE, interval=Interval(1.0, 0.9, 1.1, correlation=10.0), drift=0.05)
    assert "drifted" in judge(trend, TARGET)[1]
    assert "drifted" not in judge(replace(trend, interval=Interval(1.0, 0.9, 1.1)), TARGET)[1]


def test_a_clock_that_resolves_too_little_is_named() -> None:
    """Over 0.1 % it is said, over the target it is noisy."""
    advice = "of a sample: raise batch, or use cache: hot"
    assert judge(replace(GOOD, resolution=0.001), TARGET) == ("ok", "")
    assert judge(replace(GOOD, resolution=0.004), TARGET) == ("ok", f"the clock resolves 0.4% {advice}")
    assert judge(replace(GOOD, resolution=0.02), TARGET) == ("noisy", f"the clock resolves 2.0% {advice}")


def test_a_gpu_that_did_not_recover_is_noisy_however_narrow() -> None:
    status, message = judge(replace(GOOD, gave_up="SM clock at 70% of its start"), TARGET)
    assert status == "noisy"
    assert message.startswith("the GPU was throttled (SM clock at 70% of its start)")


@pytest.mark.parametrize(
    ("lost", "seconds", "status"),
    [
        (83, 0.32, "noisy"),  # 20 samples that agree, each of which is turns of a shared processor
        (20, 0.32, "ok"),  # once a sample may miss most of them
        (83, 20.0, "ok"),  # long samples of a quiet system lose the processor a few times a second
        (0, 0.32, "ok"),
    ],
)
def test_a_narrow_interval_of_shared_time_is_noisy(lost: int, seconds: float, status: str) -> None:
    usage = Usage(page_faults=0, switches=lost, involuntary=lost)
    found, message = judge(replace(GOOD, usage=usage, sampling_time_s=seconds), TARGET)
    assert found == status
    assert ("the processor was taken away" in message) == (status == "noisy")
