"""NVML: what is read of a library that is not there."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from invobench.measure.nvml import THROTTLES, Nvml, Reading, monitor_for
from tests.measure.fakes import FakeGPU


class FakeError(Exception):
    """What pynvml raises."""


class FakeLibrary(SimpleNamespace):
    """`pynvml` of a GPU with these answers; an answer of None is not supported there."""

    NVMLError = FakeError
    NVML_CLOCK_SM, NVML_TEMPERATURE_GPU = 1, 0

    def __init__(self, clock: Any = 1980, celsius: Any = 61, milliwatt: Any = 350_500, bits: Any = 0) -> None:
        super().__init__()
        self.answers = {"ClockInfo": clock, "Temperature": celsius, "PowerUsage": milliwatt}
        self.answers["CurrentClocksEventReasons"] = bits
        self.asked: list[str] = []

    def nvmlInit(self) -> None:  # noqa: N802
        self.asked.append("init")

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802
        self.asked.append(uuid)
        return "handle"

    def __getattr__(self, name: str) -> Any:
        key = name.removeprefix("nvmlDeviceGet")
        if key not in self.__dict__.get("answers", {}):
            raise AttributeError(name)

        def answer(handle: str, *which: int) -> Any:
            assert handle == "handle"
            value = self.answers[key]
            if value is None:
                raise FakeError(name)
            return value

        return answer


def test_a_reading_in_si_units() -> None:
    assert Nvml(FakeLibrary(), "handle").read() == Reading(1.98e9, 61.0, 350.5)


def test_what_a_gpu_does_not_tell_is_missing() -> None:
    assert Nvml(FakeLibrary(None, None, None, None), "handle").read() == Reading()
    assert Nvml(FakeLibrary(celsius=None), "handle").read() == Reading(1.98e9, None, 350.5)


@pytest.mark.parametrize(
    ("bits", "reasons"),
    [
        (0x00, ()),
        (0x01, ()),  # idle
        (0x02, ()),  # clocks that somebody set
        (0x04, ()),  # the software power cap, under which heavy kernels run
        (0x08, ("hardware slowdown",)),
        (0x20, ("thermal slowdown",)),
        (0x40 | 0x08, ("hardware slowdown", "hardware thermal slowdown")),
        (0x80 | 0x04, ("power brake",)),
    ],
)
def test_reasons_that_count_as_throttled(bits: int, reasons: tuple[str, ...]) -> None:
    assert Nvml(FakeLibrary(bits=bits), "handle").read().throttles == reasons


@pytest.mark.parametrize("event", [{"CurrentClocksEventReasons": None}, {}], ids=["old driver", "old library"])
def test_reasons_have_had_two_names(event: dict[str, None]) -> None:
    """The newer is asked first; where the driver or the library does not know it, the older."""
    library = FakeLibrary(bits=0x80)
    assert Nvml(library, "handle").read().throttles == ("power brake",)
    del library.answers["CurrentClocksEventReasons"]
    assert Nvml(library, "handle").read().throttles == ()
    library.answers |= {**event, "CurrentClocksThrottleReasons": 0x20}
    assert Nvml(library, "handle").read().throttles == ("thermal slowdown",)


def test_reasons_are_those_of_the_library() -> None:
    library = pytest.importorskip("pynvml")
    assert set(THROTTLES) == {
        library.nvmlClocksThrottleReasonHwSlowdown,
        library.nvmlClocksThrottleReasonSwThermalSlowdown,
        library.nvmlClocksThrottleReasonHwThermalSlowdown,
        library.nvmlClocksThrottleReasonHwPowerBrakeSlowdown,
    }


@pytest.mark.parametrize(
    "name",
    [
        "nvmlInit",
        "nvmlDeviceGetHandleByUUID",
        "nvmlDeviceGetClockInfo",
        "nvmlDeviceGetMaxClockInfo",
        "nvmlDeviceGetTemperature",
        "nvmlDeviceGetPowerUsage",
        "nvmlDeviceGetCurrentClocksEventReasons",
        "nvmlDeviceGetTotalEnergyConsumption",
        "nvmlDeviceGetPersistenceMode",
        "nvmlDeviceGetComputeRunningProcesses",
        "NVMLError",
        "NVML_CLOCK_SM",
        "NVML_TEMPERATURE_GPU",
    ],
)
def test_the_library_has_what_is_asked_of_it(name: str) -> None:
    """A fake has whatever a test gives it; this is what the package has."""
    assert hasattr(pytest.importorskip("pynvml"), name)


def test_the_worst_and_the_typical_of_readings() -> None:
    readings = Reading(3e9, 50.0, 100.0, ("a",)), Reading(None, None, None), Reading(1e9, 70.0, 200.0, ("b", "a"))
    assert Reading.worst(*readings, None) == Reading(1e9, 70.0, 200.0, ("a", "b"))
    assert Reading.typical(*readings, Reading(1.5e9)) == Reading(1.5e9, 70.0, 150.0, ("a", "b"))
    assert Reading.worst(None, None) is None
    assert Reading.typical() is None
    assert Reading.typical(Reading()) == Reading()


def test_a_gpu_is_found_by_its_uuid(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeGPU(uuid="abc").install(monkeypatch)
    library = FakeLibrary()
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monitor = monitor_for(torch.device("cuda:1"))
    assert monitor is not None
    assert monitor.read() == Reading(1.98e9, 61.0, 350.5)
    assert library.asked == ["init", "GPU-abc"]


def test_without_the_package_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert monitor_for(torch.device("cuda:0")) is None


def test_without_a_driver_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeLibrary()

    def missing() -> None:
        raise FakeError("NVML Shared Library Not Found")

    monkeypatch.setattr(library, "nvmlInit", missing)
    monkeypatch.setitem(sys.modules, "pynvml", library)
    assert monitor_for(torch.device("cuda:0")) is None
