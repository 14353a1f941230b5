"""Which backend runs: never another than the one asked for; under `auto` the fastest of the nearest measurement."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from invobench.cost import MODES
from invobench.errors import BackendUnavailable
from invobench.operators import AUTO, BACKENDS, OPERATORS, select
from invobench.operators.base import LayerShape, LayerSpec
from invobench.operators.select import Need, resolve, unavailable
from invobench.table import Table

HEADER = "operator,device,dtype,mode,batch,in_channels,height,width,kernel_size,stride,backend,latency_s"
Measure = Callable[..., None]


def need(shape: tuple[int, int, int, int] = (1, 64, 56, 56), operator: str = "involution", **changes: Any) -> Need:
    fields = {key: changes.pop(key) for key in ("kernel_size", "stride") if key in changes}
    layer = LayerSpec(operator, OPERATORS[operator].fields()(**fields))
    return Need(layer, LayerShape(*shape), **{"device": "cpu", "dtype": "float32", "mode": "forward", **changes})


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Measure]:
    """A function that puts lines in place of the committed measurements; without lines there are none."""

    def write(*lines: str) -> None:
        (tmp_path / "auto.csv").write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
        select._measured.cache_clear()

    monkeypatch.setattr(select, "files", lambda package: tmp_path)
    write()
    yield write
    select._measured.cache_clear()


def point(backend: str, latency_s: float, sizes: str = "1,64,56,56,7,1", where: str = "cpu,float32,forward") -> str:
    """A line of the measurements: `sizes` are batch, in_channels, height, width, kernel_size, stride."""
    return f"involution,{where},{sizes},{backend},{latency_s}"


@pytest.mark.parametrize("operator", BACKENDS)
def test_a_backend_asked_for_runs(operator: str, measured: Measure) -> None:
    fields = {"module": "a.b:C"} if operator == "module" else {}
    layer = LayerSpec(operator, OPERATORS[operator].fields()(**fields))
    for name in BACKENDS[operator]:
        assert resolve(name, Need(layer, LayerShape(1, 16, 8, 8), "cpu", "float32", "forward")) == name


def test_a_backend_asked_for_runs_however_slow_it_is(measured: Measure) -> None:
    measured(point("unfold", 9.0), point("shift", 0.001))
    assert resolve("unfold", need()) == "unfold"


def test_a_backend_that_the_operator_lacks(measured: Measure) -> None:
    with pytest.raises(BackendUnavailable) as raised:
        resolve("shift", need(operator="conv"))
    assert str(raised.value) == "backend shift: conv has none of that name; it has: reference, aten"
    assert raised.value.exit_code == 4


@pytest.fixture
def exotic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Involution with a backend that needs what is not installed, and one for GPUs alone."""
    entry = BACKENDS["involution"]["shift"]
    needy = replace(entry, requires=("json", "no_such_library", "neither_this_one"))
    entries = {**BACKENDS["involution"], "needy": needy, "gpu": replace(entry, devices=("cuda",))}
    monkeypatch.setitem(BACKENDS._entries, "involution", Table("backend of involution", entries))


@pytest.mark.usefixtures("exotic")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("needy", "backend needy: needs no_such_library, neither_this_one, not installed"),
        ("gpu", "backend gpu: runs on cuda only, not on cpu"),
    ],
)
def test_a_backend_that_cannot_run_here(measured: Measure, name: str, message: str) -> None:
    measured(point("needy", 0.001), point("gpu", 0.001), point("shift", 1.0))
    with pytest.raises(BackendUnavailable) as raised:
        resolve(name, need())
    assert str(raised.value) == message
    assert resolve(AUTO, need()) == "shift"


@pytest.mark.usefixtures("exotic")
def test_why_a_backend_is_unavailable() -> None:
    table = BACKENDS["involution"]
    assert unavailable(table["shift"], "cpu") is None
    assert unavailable(table["shift"], "mps") == "runs on cpu, cuda only, not on mps"
    assert unavailable(table["gpu"], "cuda") is None


def test_auto_takes_the_fastest_of_the_nearest_point(measured: Measure) -> None:
    large, small = "8,64,56,56,7,1", "1,512,7,7,7,1"
    measured(point("unfold", 0.4, large), point("shift", 0.02, large))
    assert resolve(AUTO, need((1, 512, 7, 7))) == "shift"
    measured(
        point("unfold", 0.4, large),
        point("shift", 0.02, large),
        point("shift", 0.0018, small),
        point("unfold", 0.0016, small),
    )
    assert resolve(AUTO, need((8, 64, 56, 56))) == "shift"
    assert resolve(AUTO, need((16, 64, 50, 60))) == "shift"
    assert resolve(AUTO, need((1, 512, 7, 7))) == "unfold"
    assert resolve(AUTO, need((1, 256, 8, 8))) == "unfold"


@pytest.mark.parametrize(
    ("sizes", "shape", "fields"),
    [
        ("64,64,56,56,7,1", (64, 64, 56, 56), {"kernel_size": 7}),
        ("1,1024,56,56,7,1", (1, 1024, 56, 56), {"kernel_size": 7}),
        ("1,64,448,448,7,1", (1, 64, 448, 448), {"kernel_size": 7}),
        ("1,64,56,56,3,1", (1, 64, 56, 56), {"kernel_size": 3}),
        ("1,64,56,56,7,2", (1, 64, 56, 56), {"kernel_size": 7, "stride": 2}),
    ],
)
def test_every_coordinate_decides(measured: Measure, sizes: str, shape: Any, fields: dict[str, int]) -> None:
    measured(point("shift", 1.0), point("unfold", 2.0), point("shift", 2.0, sizes), point("unfold", 1.0, sizes))
    assert resolve(AUTO, need(shape, **fields)) == "unfold"
    assert resolve(AUTO, need(kernel_size=7)) == "shift"


def test_distances_are_ratios(measured: Measure) -> None:
    """Batch 4 is nearer to 7 than to 1: less than twice against four times."""
    measured(point("shift", 1.0, "1,64,56,56,7,1"), point("unfold", 1.0, "7,64,56,56,7,1"))
    assert resolve(AUTO, need((4, 64, 56, 56), kernel_size=7)) == "unfold"
    assert resolve(AUTO, need((2, 64, 56, 56), kernel_size=7)) == "shift"


def test_measurements_of_another_device_mode_or_operator_do_not_count(measured: Measure) -> None:
    measured(
        point("unfold", 0.001, where="cuda,float32,forward"),
        point("unfold", 0.001, where="cpu,float32,backward"),
        point("unfold", 0.001).replace("involution", "conv"),
    )
    assert resolve(AUTO, need()) == list(BACKENDS["involution"])[-1]
    assert resolve(AUTO, need(mode="backward")) == "unfold"


def test_a_dtype_that_nobody_measured_goes_by_float32(measured: Measure) -> None:
    measured(point("unfold", 0.001), point("reference", 0.001, where="cpu,float16,forward"))
    assert resolve(AUTO, need(dtype="bfloat16")) == "unfold"
    assert resolve(AUTO, need(dtype="float16")) == "reference"


def test_without_measurements_the_last_of_the_table(measured: Measure) -> None:
    for operator in ("involution", "conv", "stand_alone_attention"):
        assert resolve(AUTO, need(operator=operator)) == list(BACKENDS[operator])[-1]


def test_a_measured_backend_that_is_gone_is_passed_over(measured: Measure) -> None:
    measured(point("of_last_year", 0.001), point("unfold", 0.5))
    assert resolve(AUTO, need()) == "unfold"
    measured(point("of_last_year", 0.001))
    assert resolve(AUTO, need()) == list(BACKENDS["involution"])[-1]


def test_auto_where_nothing_runs(measured: Measure) -> None:
    with pytest.raises(BackendUnavailable) as raised:
        resolve(AUTO, need(device="mps"))
    assert str(raised.value) == "backend auto: no backend of involution runs on mps"


def test_an_operator_without_kernel_size(measured: Measure) -> None:
    measured("module,cpu,float32,forward,1,64,56,56,,,own,0.1")
    layer = LayerSpec("module", OPERATORS["module"].fields()(module="a.b:C"))
    assert resolve(AUTO, Need(layer, LayerShape(1, 64, 8, 8), "cpu", "float32", "forward")) == "own"


def test_the_committed_measurements_can_be_read() -> None:
    path = Path(select.__file__).parent / "auto.csv"
    with path.open(encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        rows = list(reader)
    assert ",".join(reader.fieldnames or ()) == HEADER
    for row in rows:
        assert row["backend"] in BACKENDS[row["operator"]]
        assert row["mode"] in MODES
        assert float(row["latency_s"]) > 0
        shape = tuple(int(row[key]) for key in ("batch", "in_channels", "height", "width"))
        assert all(value > 0 for value in shape)
