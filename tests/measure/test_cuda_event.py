"""A GPU's clock on a timeline that is replayed: what is in a sample and what is not, to the microsecond."""

from __future__ import annotations

import pytest

from invobench.errors import MeasurementError
from invobench.measure.clock import Clock, CudaEvent
from invobench.measure.clock.base import require_forward
from invobench.measure.nvml import Reading
from invobench.measure.sampling import sample
from tests.measure.fakes import TraceEvent, TraceGpu, TraceMonitor

US = 1e-6
KERNELS = ["kernel"] * 3


def three_kernels(gpu: TraceGpu, seconds: float = 10 * US) -> None:
    for _ in KERNELS:
        gpu.launch("kernel", seconds)


def test_without_waiting_launches_are_in_the_sample() -> None:
    """The host needs 20 µs a launch, the GPU 10 µs a kernel: the last of three ends after 70 µs."""
    gpu = TraceGpu(launch_s=20 * US)
    clock = CudaEvent(gpu, launches=True, now=gpu.now)
    for _ in range(4):
        assert clock.block(lambda: three_kernels(gpu), 1, 1).samples_s == pytest.approx((70 * US,))
    assert "sleep" not in gpu.log


def test_the_gpu_waits_until_a_sample_is_queued() -> None:
    """From the third block on: then it is known how long the host needs, and a sample is 30 µs of kernels."""
    gpu = TraceGpu(launch_s=20 * US)
    clock = CudaEvent(gpu, now=gpu.now)
    first, second, third = (clock.block(lambda: three_kernels(gpu), 1, 2).samples_s for _ in range(3))
    assert first[0] == second[0] == pytest.approx(70 * US)
    assert third == pytest.approx((30 * US,) * 2)


def test_what_is_queued_and_in_which_order() -> None:
    gpu = TraceGpu(launch_s=20 * US, flush_s=50 * US)
    clock = CudaEvent(gpu, cold=True, now=gpu.now)
    for _ in range(2):
        clock.block(lambda: three_kernels(gpu), 1, 1)
    assert gpu.log == ["synchronize", "flush", "event", *KERNELS, "event", "synchronize"] * 2
    gpu.log.clear()
    assert clock.block(lambda: three_kernels(gpu), 1, 2).samples_s == pytest.approx((30 * US,) * 2)
    calibration = ["sleep", "event", "sleep", "event", "synchronize"]
    each = ["sleep", "flush", "event", *KERNELS, "event"]
    assert gpu.log == [*calibration, "synchronize", *each, *each, "synchronize"]


def test_a_flush_is_not_in_the_sample() -> None:
    gpu = TraceGpu(flush_s=500 * US)
    clock = CudaEvent(gpu, cold=True, now=gpu.now)
    for _ in range(3):
        assert clock.block(lambda: three_kernels(gpu), 1, 3).samples_s == pytest.approx((30 * US,) * 3)
    assert (clock.max_loops, CudaEvent(gpu).max_loops) == (1, Clock.max_loops)


def test_the_wait_is_twice_what_the_host_needs() -> None:
    """Three launches of 20 µs: 120 µs, at 2 GHz 240,000 cycles; for five calls five times that."""
    gpu = TraceGpu(launch_s=20 * US, clock_hz=2e9)
    asked: list[int] = []
    sleep = gpu.sleep
    gpu.sleep = lambda cycles: (asked.append(cycles), sleep(cycles))[1]  # type: ignore[method-assign]
    clock = CudaEvent(gpu, now=gpu.now)
    for _ in range(3):
        clock.block(lambda: three_kernels(gpu), 1, 1)
    clock.block(lambda: three_kernels(gpu), 5, 1)
    assert asked[2:] == pytest.approx([240_000, 1_200_000], rel=0.001)


def test_the_first_call_does_not_say_what_the_host_needs() -> None:
    """It took 3 s, to compile; nor does a host that the driver's full queue held up: the least counts."""
    gpu = TraceGpu(launch_s=20 * US)
    clock = CudaEvent(gpu, now=gpu.now)
    compiled = []

    def run() -> None:
        gpu.host_s += 0.0 if compiled else 3.0
        compiled.append(1)
        three_kernels(gpu)

    for _ in range(3):
        clock.block(run, 1, 1)
    before = gpu.free_s
    clock.block(run, 1, 1)
    assert gpu.free_s - before < 1e-3


def test_the_wait_has_an_end() -> None:
    """However slow the host is: 0.1 s."""
    gpu = TraceGpu()
    clock = CudaEvent(gpu, now=gpu.now)

    def slow() -> None:
        gpu.host_s += 3.0

    for _ in range(3):
        clock.block(slow, 1, 1)
    assert clock._spin(1) == pytest.approx(1e8, rel=0.001)


def test_many_samples_need_two_synchronisations() -> None:
    gpu = TraceGpu()
    clock = CudaEvent(gpu, launches=True, now=gpu.now)
    block = clock.block(lambda: three_kernels(gpu), 2, 100)
    assert len(block.samples_s) == 100
    assert gpu.log.count("synchronize") == 2
    assert block.samples_s == pytest.approx((30 * US,) * 100)
    assert clock.time(lambda: three_kernels(gpu), 2) == pytest.approx(60 * US)


def test_work_from_before_is_not_counted() -> None:
    gpu = TraceGpu()
    gpu.launch("other work", 5.0)
    assert CudaEvent(gpu, now=gpu.now).block(lambda: three_kernels(gpu), 1, 1).samples_s == pytest.approx((30 * US,))


def test_the_monitor_is_read_while_the_gpu_works_and_after() -> None:
    """The worst of both is the block's."""
    gpu = TraceGpu()
    reads: list[int] = []

    class Watching(TraceMonitor):
        def read(self) -> Reading:
            reads.append(gpu.log.count("synchronize"))
            return super().read()

    monitor = Watching(Reading(2e9, 50.0, 300.0), Reading(1e9, 60.0, 200.0, ("power brake",)))
    block = CudaEvent(gpu, monitor, now=gpu.now).block(lambda: three_kernels(gpu), 1, 3)
    assert block.reading == Reading(1e9, 60.0, 300.0, ("power brake",))
    assert reads == [1, 2]
    assert CudaEvent(gpu, now=gpu.now).block(lambda: None, 1, 1).reading is None


class DisorderedGpu(TraceGpu):
    """A GPU whose events are passed in another order than they were recorded."""

    def event(self) -> TraceEvent:
        event = super().event()
        event.seconds_to = lambda later: event.at - later.at  # type: ignore[method-assign]
        return event


def test_events_out_of_order_are_an_error_of_one_line() -> None:
    gpu = DisorderedGpu()
    with pytest.raises(MeasurementError) as raised:
        sample(CudaEvent(gpu, now=gpu.now), lambda: three_kernels(gpu), target_ci=0.01, max_time_s=1.0, now=gpu.now)
    assert str(raised.value) == (
        "cuda_event goes backwards: it read -3e-05 s for 1 calls; it cannot time this, "
        "use another machine or a larger input"
    )


def test_a_gpu_without_time_does_not_wait() -> None:
    """Its own calibration reads nothing: there is no rate to wait by, and samples say that the clock stands still."""
    gpu = TraceGpu(clock_hz=float("inf"))
    clock = CudaEvent(gpu, now=gpu.now)
    for _ in range(3):
        block = clock.block(lambda: None, 1, 1)
    assert gpu.log.count("sleep") == 2
    with pytest.raises(MeasurementError, match="stands still"):
        require_forward(clock, block.samples_s, 1)


def test_sampling_a_gpu_from_end_to_end() -> None:
    """5 µs a call: 100 calls are a thousand resolutions of 0.5 µs, and launches are not in them."""
    gpu = TraceGpu(launch_s=2 * US)
    clock = CudaEvent(gpu, TraceMonitor(Reading(2e9, 50.0, 300.0)), now=gpu.now)
    found = sample(clock, lambda: gpu.launch("kernel", 5 * US), target_ci=0.01, max_time_s=0.5, now=gpu.now)
    assert found.loops == pytest.approx(100, abs=1)
    assert found.interval.median == pytest.approx(5 * US)
    assert (found.reached, found.usage, found.reading) == (True, None, Reading(2e9, 50.0, 300.0))
