"""Energy by a counter of known behaviour, on a clock that the test moves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
import torch

from invobench.measure.energy import Clockwork, energy_of
from invobench.measure.nvml import Nvml
from invobench.runner.cases import build_case
from invobench.runner.metrics import energy as metric
from tests.builders import cell, layer


@dataclass
class Device:
    """Idles at `idle_w`; a call takes `call_s` and `call_j` more. The counter is renewed every `period_s`."""

    idle_w: float = 50.0
    call_s: float = 0.001
    call_j: float = 0.2
    period_s: float = 0.1
    unit_j: float = 1e-3
    time_s: float = 0.0
    used_j: float = 123.0
    shown_j: float = 123.0
    shown_at: float = 0.0
    queued: int = 0
    calls: int = 0
    log: list[str] = field(default_factory=list)

    def pass_time(self, seconds: float, extra_j: float = 0.0) -> None:
        """Time passes in small parts, so that the counter is renewed when it is due."""
        parts = max(1, round(seconds / 0.0005))
        for _ in range(parts):
            self.time_s += seconds / parts
            self.used_j += (self.idle_w * seconds + extra_j) / parts
            if self.time_s - self.shown_at >= self.period_s:
                self.shown_at = self.time_s
                self.shown_j = math.floor(self.used_j / self.unit_j) * self.unit_j

    def run(self) -> None:
        self.queued += 1
        self.calls += 1

    def sleep(self, seconds: float) -> None:
        """What is queued is done meanwhile."""
        while self.queued and seconds >= self.call_s:
            self.pass_time(self.call_s, self.call_j)
            self.queued -= 1
            seconds -= self.call_s
        if seconds > 0:
            self.pass_time(seconds)

    def wait(self) -> None:
        self.log.append("wait")
        for _ in range(self.queued):
            self.pass_time(self.call_s, self.call_j)
        self.queued = 0

    def energy_j(self) -> float | None:
        return self.shown_j

    @property
    def clockwork(self) -> Clockwork:
        return Clockwork(lambda: self.time_s, self.sleep)


@pytest.mark.parametrize("period_s", [0.001, 0.02, 0.1])
@pytest.mark.parametrize("call_s", [0.0001, 0.002, 0.3])
def test_the_energy_of_a_call_without_idle_power(period_s: float, call_s: float) -> None:
    """200 W more than idle while it runs, whatever the counter's period; the resolution holds the error."""
    device = Device(period_s=period_s, call_s=call_s, call_j=200 * call_s)
    found = energy_of(device, device.run, device.wait, device.clockwork)
    assert found is not None
    assert found.idle_power_w == pytest.approx(50, rel=0.02)
    assert found.call_j == pytest.approx(200 * call_s, abs=found.resolution_j)
    assert found.resolution_j <= max(period_s + 0.0125, 2 * call_s) * 250 / found.calls
    assert found.calls * call_s >= 1
    assert found.calls <= device.calls


def test_a_second_of_each() -> None:
    device = Device()
    energy_of(device, device.run, device.wait, device.clockwork)
    assert 2 <= device.time_s < 3


def test_a_call_that_takes_nothing_more_is_within_the_resolution_of_none() -> None:
    device = Device(call_j=0.0)
    found = energy_of(device, device.run, device.wait, device.clockwork)
    assert found is not None
    assert abs(found.call_j) <= found.resolution_j


def test_work_from_before_is_done_before_idling_is_measured() -> None:
    device = Device()
    device.queued = 700
    found = energy_of(device, device.run, device.wait, device.clockwork)
    assert found is not None
    assert found.idle_power_w == pytest.approx(50, rel=0.02)


def test_a_first_call_that_loads_does_not_say_how_many_there_are_between_looks() -> None:
    """It takes a second, the others 1 ms: 5 of these to a look, so that waiting for them is no part of the energy."""
    device = Device()

    def run() -> None:
        if not device.calls:
            device.pass_time(1.0)
        device.run()

    found = energy_of(device, run, device.wait, device.clockwork)
    assert found is not None
    assert found.calls / len(device.log) > 4


def test_a_counter_that_is_missing_or_stands_still() -> None:
    class Missing(Device):
        def energy_j(self) -> float | None:
            return None

    for device in (Missing(), Device(period_s=math.inf)):
        assert energy_of(device, device.run, device.wait, device.clockwork) is None
    assert device.time_s < 7, "it is given up"


def test_a_counter_that_goes_away() -> None:
    class Going(Device):
        def energy_j(self) -> float | None:
            return None if self.time_s > 0.5 else super().energy_j()

    device = Going()
    assert energy_of(device, device.run, device.wait, device.clockwork) is None


class Library:
    """`pynvml` with a counter in millijoules, or without one."""

    class NVMLError(Exception):
        pass

    def __init__(self, millijoules: int | None) -> None:
        self.millijoules = millijoules

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: object) -> int:  # noqa: N802
        if self.millijoules is None:
            raise self.NVMLError("Not Supported")
        return self.millijoules


def test_nvml_counts_millijoules() -> None:
    assert Nvml(Library(1_234_567), None).energy_j() == pytest.approx(1234.567)
    assert Nvml(Library(None), None).energy_j() is None


CASE = build_case(cell(layer("conv", kernel_size=3)), torch.device("cpu"))


def test_the_cpu_has_no_meter() -> None:
    assert metric.measure(CASE) == {}


@pytest.mark.parametrize(("call_j", "seen"), [(0.2, True), (0.0, False)])
def test_the_metric_fills_its_fields(call_j: float, seen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """An energy that is not told from none is left out."""
    device = Device(call_j=call_j)
    clockwork = device.clockwork

    def measured(meter: Device, run: object, wait: object) -> object:
        assert callable(run)
        return energy_of(meter, meter.run, meter.wait, clockwork)

    monkeypatch.setattr(metric, "METERS", {"cpu": lambda at: device})
    monkeypatch.setattr(metric, "energy_of", measured)
    found = metric.measure(CASE)
    assert set(found) == {"energy_resolution_j", "idle_power_w"} | ({"energy_j"} if seen else set())
    if seen:
        assert found["energy_j"] == pytest.approx(0.2, abs=found["energy_resolution_j"])
    monkeypatch.setattr(metric, "METERS", {"cpu": lambda at: None})
    assert metric.measure(CASE) == {}
