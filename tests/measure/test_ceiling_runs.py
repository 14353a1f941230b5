"""Measuring ceilings: sizes, the best of them, and when it is done at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch

from invobench.errors import UsageError
from invobench.measure import ceiling_runs, ceiling_session
from invobench.measure.ceiling_runs import Effort, copy_sizes, measure_device
from invobench.measure.ceiling_session import Asked, ceilings_here, devices_of
from invobench.measure.ceilings import Ceiling, ceilings_path, read_ceilings
from invobench.measure.environment import available_cpus, environment
from invobench.measure.interval import Interval
from invobench.units import MIB
from tests.measure.fakes import FakeGPU

CPU = torch.device("cpu")
BRIEF = Effort(max_time_s=0.005, longest_s=0.001)


def quiet(message: str) -> None:
    """Nobody listens."""


class Timed:
    """What `sample` returns, as far as ceilings ask."""

    def __init__(self, median: float) -> None:
        self.samples_s = (median * 0.9, median, median * 1.1)
        self.interval = Interval(median, median * 0.8, median * 1.25)
        self.reached = False


@pytest.fixture(autouse=True)
def small_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ceiling_runs, "cache_bytes", lambda device: MIB // 4)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """`sample` that times nothing: 10 GB/s, 1 TFLOP/s but 2 at 512 rows, 3 µs for a launch; rows of products."""
    seen: list[int] = []

    def timed(clock: Any, run: Callable[[], Any], **options: Any) -> Timed:
        done = run()
        if done.dim() == 2:
            rows = done.shape[0]
            seen.append(rows)
            return Timed(2.0 * rows**3 / (2e12 if rows == 512 else 1e12))
        return Timed(2 * 4 * done.numel() / 10e9 if done.numel() > 1 else 3e-6)

    monkeypatch.setattr(ceiling_runs, "sample", timed)
    monkeypatch.setattr(ceiling_runs, "_product", lambda a, b, out: lambda: out)
    monkeypatch.setattr(ceiling_runs, "_took", lambda device, run: 2.0 * run().shape[0] ** 3 / 1e12)
    return seen


def test_sizes_of_copies() -> None:
    """At least 4 times the cache, or in a quarter of it, as far as memory goes."""
    assert copy_sizes(32 * MIB, 4096 * MIB) == (
        (128 * MIB, 256 * MIB, 512 * MIB),
        (MIB, 2 * MIB, 4 * MIB, 8 * MIB),
    )
    assert copy_sizes(32 * MIB, 1600 * MIB)[0] == (128 * MIB, 200 * MIB)
    assert copy_sizes(32 * MIB, 16 * MIB) == ((2 * MIB,), (MIB, 2 * MIB))
    assert copy_sizes(None, None)[0] == (128 * MIB,)
    assert copy_sizes(None, 8192 * MIB) == copy_sizes(32 * MIB, 8192 * MIB)


def test_the_best_size_of_each_quantity(calls: list[int]) -> None:
    said: list[str] = []
    found = {(item.quantity, item.dtype): item for item in measure_device(CPU, said.append, Effort(longest_s=1e9))}
    assert set(found) == {
        ("copy", None),
        ("cached_copy", None),
        ("launch", None),
        *(("matmul", dtype) for dtype in ("float32", "bfloat16", "float16", "float64")),
    }
    assert found["copy", None].value == pytest.approx(10e9)
    assert found["launch", None].value == pytest.approx(3e-6)
    best = found["matmul", "float32"]
    assert (best.value, best.size, best.samples, best.reached) == (pytest.approx(2e12), 512, 3, False)
    assert (best.low, best.high) == (pytest.approx(2e12 / 1.25), pytest.approx(2e12 / 0.8))
    launch = found["launch", None]
    assert (launch.low, launch.high) == (pytest.approx(2.4e-6), pytest.approx(3.75e-6))
    assert {item.threads for item in found.values()} == {torch.get_num_threads()}
    assert {item.device for item in found.values()} == {"cpu"}
    assert said[0] == "measuring cpu: copies"


def test_products_stop_where_one_would_take_too_long(calls: list[int]) -> None:
    """One of 512 rows takes 0.27 ms, of 1,024 2.1 ms; the smallest is measured however long it takes."""
    for longest_s, rows in ((3e-4, [256, 512]), (2e-4, [256]), (0, [256]), (2.2e-3, [256, 512, 1024])):
        calls.clear()
        measure_device(CPU, quiet, Effort(longest_s=longest_s))
        assert calls == 4 * rows


def test_products_stop_where_memory_ends(calls: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was measured before stays; where not even the smallest fits there is no ceiling."""
    enough = [1024]

    def product(a: torch.Tensor, b: torch.Tensor, out: torch.Tensor) -> Callable[[], Any]:
        if a.shape[0] >= enough[0]:
            raise torch.OutOfMemoryError("out of memory")
        return lambda: out

    monkeypatch.setattr(ceiling_runs, "_product", product)
    found = {(item.quantity, item.dtype): item for item in measure_device(CPU, quiet, Effort(longest_s=1e9))}
    assert calls == 4 * [256, 512]
    assert found["matmul", "float64"].size == 512
    enough[0] = 0
    assert "matmul" not in {item.quantity for item in measure_device(CPU, quiet, Effort(longest_s=1e9))}


def test_a_dtype_without_a_product_is_told_and_left_out(calls: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    real = ceiling_runs._products

    def refuse(device: torch.device, dtype: str, tf32: bool, effort: Effort) -> Any:
        if dtype == "float16":
            raise RuntimeError("\"addmm_impl_cpu_\" not implemented for 'Half'\nsecond line")
        return real(device, dtype, tf32, effort)

    monkeypatch.setattr(ceiling_runs, "_products", refuse)
    said: list[str] = []
    found = measure_device(CPU, said.append, BRIEF)
    assert "float16" not in {item.dtype for item in found}
    assert "cpu: no ceiling of float16: \"addmm_impl_cpu_\" not implemented for 'Half'" in said


def test_real_ceilings_are_plausible() -> None:
    """Bounds that any machine meets: a copy of 1 MiB takes over 1 µs and under 1 s, a launch under 1 ms."""
    found = {(item.quantity, item.dtype): item for item in measure_device(CPU, quiet, BRIEF)}
    assert 2 * MIB < found["copy", None].value < 2 * MIB / 1e-6
    assert 1e6 < found["matmul", "float64"].value < 1e15
    assert 0 < found["launch", None].value < 1e-3
    for item in found.values():
        assert item.low is None or item.low <= item.value <= item.high


def test_a_gpu_is_measured_as_its_cells_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """On its own device, float32 products with and without TF32, and a launch with the host's part in it."""
    FakeGPU().install(monkeypatch)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2**33, 2**34))
    for name in ("ones", "zeros", "randn"):
        real = getattr(torch, name)
        monkeypatch.setattr(torch, name, lambda *size, device, real=real: real(*size))
    seen: list[tuple[str, bool, bool]] = []
    chosen: list[torch.device] = []
    gpu = torch.device("cuda:1")

    def timed(clock: bool, run: Callable[[], Any], **options: Any) -> Timed:
        done = run()
        what = f"product of {done.dtype}" if done.dim() == 2 else "copy" if done.numel() > 1 else "launch"
        seen.append((what, torch.backends.cuda.matmul.allow_tf32, clock))
        return Timed(1e-3)

    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr(ceiling_runs, "_ROWS", {"cuda": (8,)})
    monkeypatch.setattr(ceiling_runs, "clock_for", lambda device, launches=False: device == gpu and launches)
    monkeypatch.setattr(ceiling_runs, "sample", timed)
    found = measure_device(gpu, quiet)
    assert chosen == [gpu]
    assert {(item.device, item.threads) for item in found} == {("cuda:1", None)}
    assert [(item.dtype, item.tf32) for item in found if item.quantity == "matmul"] == [
        *((name, False) for name in ("float32", "bfloat16", "float16", "float64")),
        ("float32", True),
    ]
    assert [(what, tf32) for what, tf32, _ in seen if what.startswith("product")] == [
        *((f"product of torch.{name}", False) for name in ("float32", "bfloat16", "float16", "float64")),
        ("product of torch.float32", True),
    ]
    assert {(what.split()[0], launches) for what, _, launches in seen} == {
        ("copy", False),
        ("product", False),
        ("launch", True),
    }


def test_tf32_is_as_before_after_it() -> None:
    before = torch.backends.cuda.matmul.allow_tf32
    seen: list[bool] = []

    def fail() -> None:
        with ceiling_runs._tf32(not before):
            seen.append(torch.backends.cuda.matmul.allow_tf32)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert seen == [not before]
    assert torch.backends.cuda.matmul.allow_tf32 is before


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Devices and threads that were measured; the values count up."""
    log: list[tuple[str, int]] = []

    def fake(device: torch.device, say: Any, effort: Any) -> list[Ceiling]:
        log.append((str(device), torch.get_num_threads()))
        threads = torch.get_num_threads() if device.type == "cpu" else None
        return [Ceiling(device=str(device), quantity="copy", value=len(log), threads=threads, samples=9, reached=True)]

    monkeypatch.setattr(ceiling_session, "measure_device", fake)
    monkeypatch.setattr(ceiling_session, "available_cpus", lambda: 2)
    return log


def test_what_is_kept_is_not_measured_again(measured: list[tuple[str, int]]) -> None:
    threads = torch.get_num_threads()
    first = ceilings_here(Asked(), quiet)
    assert measured == [("cpu", 2)]
    assert torch.get_num_threads() == threads
    assert first.environment == environment()
    assert ceilings_here(Asked(), quiet) == first
    assert measured == [("cpu", 2)]
    kept, note = read_ceilings(environment().fingerprint)
    assert (kept.ceilings, note) == (first.ceilings, "")


def test_other_threads_are_measured_and_the_first_are_kept(measured: list[tuple[str, int]]) -> None:
    two = ceilings_here(Asked(), quiet)
    one = ceilings_here(Asked(threads=1), quiet)
    assert measured == [("cpu", 2), ("cpu", 1)]
    assert [item.threads for item in one.ceilings] == [1]
    assert ceilings_here(Asked(), quiet).ceilings == two.ceilings
    assert len(measured) == 2


def test_each_ceiling_knows_when_it_was_measured(
    measured: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not when the last of the environment's was."""
    days = [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3)]

    class Clock:
        now = staticmethod(lambda zone: days.pop(0))

    monkeypatch.setattr(ceiling_session, "datetime", Clock)
    two = ceilings_here(Asked(), quiet)
    one = ceilings_here(Asked(threads=1), quiet)
    assert [item.created for item in (*two.ceilings, *one.ceilings)] == [
        "2026-11-01T00:00:00+00:00",
        "2026-11-02T00:00:00+00:00",
    ]
    assert ceilings_here(Asked(), quiet).ceilings == two.ceilings


def test_refresh_measures_again(measured: list[tuple[str, int]]) -> None:
    ceilings_here(Asked(), quiet)
    assert [item.value for item in ceilings_here(Asked(refresh=True), quiet).ceilings] == [2]
    assert len(measured) == 2


def test_a_damaged_file_is_measured_again_with_a_note(measured: list[tuple[str, int]]) -> None:
    ceilings_here(Asked(), quiet)
    path = ceilings_path(environment().fingerprint)
    path.write_text(path.read_text()[:50])
    said: list[str] = []
    assert [item.value for item in ceilings_here(Asked(), said.append).ceilings] == [2]
    assert said[0].startswith(f"{path}: not a whole file of ceilings (")
    assert said[0].endswith(": measured again")
    assert read_ceilings(environment().fingerprint)[1] == ""


def test_of_another_fingerprint_nothing_is_used(
    measured: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ceilings_here(Asked(), quiet)
    here = environment()
    monkeypatch.setattr(ceiling_session, "environment", lambda: here.model_copy(update={"fingerprint": "f" * 16}))
    ceilings_here(Asked(), quiet)
    assert len(measured) == 2


def test_nothing_is_measured_that_could_not_be_kept(
    measured: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match="set XDG_CACHE_HOME to a folder of yours"):
        ceilings_here(Asked(), quiet)
    assert measured == []


def test_a_busy_machine_is_told(measured: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(ceiling_session.System, "load", lambda self: 1000.0)
    ceilings_here(Asked(), said.append)
    assert said[0].startswith("the machine is busy (load 1000.00 over the last minute, ")
    monkeypatch.setattr(ceiling_session, "devices_of", lambda asked: [torch.device("cpu"), torch.device("cuda:0")])
    said.clear()
    ceilings_here(Asked(refresh=True), said.append)
    assert len(said) == 1, "after the first device the load is our own"
    monkeypatch.setattr(ceiling_session.System, "load", lambda self: 0.0)
    said.clear()
    ceilings_here(Asked(refresh=True), said.append)
    assert said == []


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert [str(device) for device in devices_of(None)] == ["cpu"]
    assert [str(device) for device in devices_of("auto")] == ["cpu"]
    with pytest.raises(UsageError, match=r"--device cuda: not here; there are: cpu$"):
        devices_of("cuda")
    FakeGPU().install(monkeypatch)
    assert [str(device) for device in devices_of(None)] == ["cpu", "cuda:0"]
    assert [str(device) for device in devices_of("auto")] == ["cuda:0"]
    assert [str(device) for device in devices_of("cuda")] == ["cuda:0"]
    assert [str(device) for device in devices_of("cuda:1")] == ["cuda:1"]
    with pytest.raises(UsageError, match="--device cuda:2: not here; there are: cpu, cuda:0, cuda:1"):
        devices_of("cuda:2")


def test_more_threads_than_processors_are_refused() -> None:
    with pytest.raises(UsageError, match=f"--threads 4096: this process may use {available_cpus()} CPUs"):
        ceilings_here(Asked(threads=4096), quiet)
