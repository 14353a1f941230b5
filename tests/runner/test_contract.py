"""Cases under the timing contract: what the contract says is what runs, or the row says why it does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from invobench.errors import BackendUnavailable, MeasurementError
from invobench.results import MEASURED
from invobench.runner import compiling, settings, worker
from invobench.runner.cases import Case, build_case
from invobench.runner.parity import check_case
from invobench.spec.cells import Cell, Measure
from invobench.spec.contract import Contract
from tests.builders import cell, involution, layer, rednet26
from tests.runner.test_session import run

CPU = torch.device("cpu")
HERE = "tests.runner.test_contract"


class Seen(nn.Module):
    """Remembers the layouts of what it is called with."""

    layouts: ClassVar[list[tuple[bool, bool]]] = []

    def __init__(self, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=stride, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        self.layouts.append((_is_channels_last(x), _is_channels_last(self.conv.weight)))
        return self.conv(x)


class Tells(nn.Module):
    """Fails with what it sees of the process."""

    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError(f"{torch.get_num_threads()} threads on CPUs {sorted(os.sched_getaffinity(0))}")


def _is_channels_last(tensor: Tensor) -> bool:
    return tensor.is_contiguous(memory_format=torch.channels_last) and not tensor.is_contiguous()


def case_of(what: Any = None, contract: Contract | None = None, **changes: Any) -> Case:
    made = cell(what or involution(), contract=contract or Contract(), **changes)
    return build_case(made, CPU)


def failed(of: Cell, metrics: tuple[str, ...] = ("params", "latency")) -> tuple[str, str]:
    told: dict[str, Any] = {}
    worker.measure_cell(of, "cpu", metrics, told.update)
    return told["status"], told["message"]


@pytest.fixture
def one_process() -> Iterator[None]:
    """What a job's process does to itself is undone."""
    threads, cpus = torch.get_num_threads(), os.sched_getaffinity(0)
    yield
    torch.set_num_threads(threads)
    os.sched_setaffinity(0, cpus)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


# memory format


@pytest.mark.parametrize(("memory_format", "expected"), [("contiguous", False), ("channels_last", True)])
@pytest.mark.parametrize("mode", ["forward", "backward", "train_step"])
def test_the_operator_sees_the_layout(memory_format: str, expected: bool, mode: str) -> None:
    own = layer("module", module=f"{HERE}:Seen", kwargs={"channels": 16})
    case = case_of(own, Contract(memory_format=memory_format), mode=mode)
    from tests.runner.test_contract import Seen as Imported

    Imported.layouts.clear()
    case.step().whole()
    for variant in case.step().variants(2):
        variant()
    assert set(Imported.layouts) == {(expected, expected)}


def test_inside_a_network_too() -> None:
    """The first operator sees it; an operator that answers in another layout hands that on."""
    case = case_of(rednet26(), Contract(memory_format="channels_last"), shape=(1, 3, 65, 33))
    seen = []
    for module in case.module.modules():
        if hasattr(module, "aggregate"):
            module.register_forward_pre_hook(lambda module, inputs: seen.append(_is_channels_last(inputs[0])))
    case.step().run()
    assert seen[0]


def test_given_kernels_lie_as_a_convolution_makes_them() -> None:
    for layout in ("contiguous", "channels_last"):
        x, kernel = case_of(None, Contract(memory_format=layout), scope="aggregation").inputs
        is_last = layout == "channels_last"
        assert (_is_channels_last(x), _is_channels_last(kernel.flatten(1, 2))) == (is_last, is_last)


def test_layouts_agree_in_values() -> None:
    plain, other = (case_of(None, Contract(memory_format=name)) for name in ("contiguous", "channels_last"))
    assert torch.equal(plain.inputs[0], other.inputs[0])
    torch.testing.assert_close(plain.step().run(), other.step().run())


# recording


def test_autograd_records_the_forward_pass() -> None:
    plain, recorded = case_of().step(), case_of(None, Contract(autograd=True)).step()
    assert (plain.autograd, plain.run().grad_fn) == (False, None)
    y = recorded.run()
    assert recorded.autograd
    assert y.grad_fn is not None
    torch.testing.assert_close(plain.run(), y.detach())


def test_a_layers_input_is_a_leaf_and_a_networks_image_is_not() -> None:
    for case, wanted in (
        (case_of(None, Contract(autograd=True), scope="aggregation"), [True, True]),
        (case_of(rednet26(), Contract(autograd=True), shape=(1, 3, 33, 33)), [False]),
    ):
        seen: list[bool] = []
        case.module.register_forward_pre_hook(
            lambda module, inputs, seen=seen: seen.extend(x.requires_grad for x in inputs)
        )
        case.step().run()
        assert seen == wanted
        assert not any(tensor.requires_grad for tensor in case.inputs)


# sets of inputs


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_sets_of_inputs_have_other_values_in_the_same_layout(memory_format: str) -> None:
    case = case_of(None, Contract(memory_format=memory_format), scope="aggregation", dtype="bfloat16")
    sets = case.inputs_for(3)
    assert sets[0] is case.inputs
    for one in sets[1:]:
        assert [(x.shape, x.stride(), x.dtype) for x in one] == [(x.shape, x.stride(), x.dtype) for x in case.inputs]
    firsts = [one[0] for one in sets]
    assert not any(torch.equal(firsts[a], firsts[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert all(torch.equal(a, b) for a, b in zip(case.inputs_for(3)[2], sets[2], strict=True))
    assert 0.9 < float(firsts[1].float().std()) < 1.1


def test_variants_do_the_work_on_each_set() -> None:
    case = case_of()
    results = [variant() for variant in case.step().variants(3)]
    with torch.no_grad():
        expected = [case.module(*inputs) for inputs in case.inputs_for(3)]
    assert all(torch.equal(a, b) for a, b in zip(results, expected, strict=True))


def test_variants_of_a_backward_pass_are_prepared() -> None:
    first, second = case_of(mode="backward").step().variants(2)
    assert not torch.equal(first()[0], second()[0])
    assert torch.equal(first()[0], first()[0])


def test_bytes_of_inputs_and_state() -> None:
    case = case_of(scope="aggregation")
    assert (case.input_bytes, case.state_bytes) == (4 * (2 * 16 * 9 * 7 + 2 * 4 * 9 * 9 * 7), 0)
    parameters = 16 * 4 + 2 * 4 + 4 * 36 + 36
    assert case_of().state_bytes == 4 * (parameters + 2 * 4) + 8  # running statistics, and how many they are of


# the process


def test_threads_and_affinity_in_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    cpus = sorted(os.sched_getaffinity(0))
    tells = layer("module", module=f"{HERE}:Tells")
    contracts = {"one": Contract(threads=1), "all": Contract(), "pinned": Contract(threads=1, affinity=True)}
    cells = [cell(tells, name=name, contract=contract) for name, contract in contracts.items()]
    rows = {row.name: row for row in run(cells, tmp_path, metrics=("latency",)).rows}
    seen = {name: row.message.split(" (in ")[0].removeprefix("RuntimeError: ") for name, row in rows.items()}
    assert seen == {
        "one": f"1 threads on CPUs {cpus}",
        "all": f"{len(cpus)} threads on CPUs {cpus}",
        "pinned": f"1 threads on CPUs {cpus[:1]}",
    }
    assert [(row.threads, row.affinity) for row in rows.values()] == [
        (1, None),
        (len(cpus), None),
        (1, str(cpus[0])),
    ]


def test_more_threads_than_cpus_are_refused() -> None:
    here = len(os.sched_getaffinity(0))
    before = torch.get_num_threads()
    assert failed(cell(involution(), contract=Contract(threads=here + 1))) == (
        "failed",
        f"threads: {here + 1} asked for, and this process may use {here} CPUs: set at most that",
    )
    assert torch.get_num_threads() == before


def test_a_system_without_affinity(monkeypatch: pytest.MonkeyPatch, one_process: None) -> None:
    monkeypatch.delattr(os, "sched_setaffinity")
    with pytest.raises(MeasurementError, match="affinity: this system cannot pin a process to CPUs: set affin"):
        settings.apply(Contract(affinity=True), CPU)
    monkeypatch.undo()


@pytest.mark.parametrize("tf32", [False, True])
def test_tf32_sets_both_flags(tf32: bool, monkeypatch: pytest.MonkeyPatch, one_process: None) -> None:
    chosen: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    torch.backends.cuda.matmul.allow_tf32 = not tf32
    torch.backends.cudnn.allow_tf32 = not tf32
    fields = settings.apply(Contract(tf32=tf32), torch.device("cuda:1"))
    assert (fields["tf32"], fields["device"], chosen) == (tf32, "cuda:1", [torch.device("cuda:1")])
    assert torch.backends.cuda.matmul.allow_tf32 is tf32
    assert torch.backends.cudnn.allow_tf32 is tf32


def test_tf32_is_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch, one_process: None) -> None:
    assert failed(cell(involution(), device="auto", contract=Contract(tf32=True))) == (
        "unsupported",
        "tf32: cpu has none: set tf32: false, or use a GPU",
    )
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    with pytest.raises(BackendUnavailable, match=r"^tf32: cuda:0 has none \(compute capability 7.5, needs 8.0\)"):
        settings.apply(Contract(tf32=True), torch.device("cuda:0"))


def test_rows_say_their_contract(tmp_path: Path) -> None:
    quick = {"measure": Measure(target_ci=1.0, max_time_s=0.01)}
    contract = Contract(cache="cold", memory_format="channels_last", autograd=True, threads=1)
    cells = [
        cell(involution(), name="plain", backend="shift", **quick),
        cell(involution(), name="other", backend="shift", contract=contract, **quick),
        cell(involution(), name="backward", backend="shift", mode="backward", **quick),
        cell(layer("conv", kernel_size=3), name="unsupported", backend="shift", **quick),
    ]
    rows = {row.name: row for row in run(cells, tmp_path, metrics=("latency",)).rows}
    said = {
        name: (row.cache, row.execution, row.memory_format, row.tf32, row.autograd, row.setup_s)
        for name, row in rows.items()
    }
    assert said == {
        "plain": ("hot", "eager", "contiguous", False, False, None),
        "other": ("cold", "eager", "channels_last", False, True, None),
        "backward": ("hot", "eager", "contiguous", False, True, None),
        "unsupported": ("hot", "eager", "contiguous", False, False, None),
    }
    assert rows["other"].threads == 1
    assert rows["other"].status in MEASURED


# compiled


class Compiler:
    """Stands in for `torch.compile`: what it makes takes a while the first time, and counts its calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[nn.Module] = []
        self.calls = 0
        monkeypatch.setattr(torch, "compile", self.compile)
        monkeypatch.setattr(torch._dynamo, "reset", lambda: None)

    def compile(self, module: nn.Module, dynamic: bool) -> nn.Module:
        assert dynamic is False
        compiler = self

        class Compiled(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = module

            def forward(self, *inputs: Tensor) -> Any:
                compiler.calls += 1
                return self.inner(*inputs)

        self.made.append(module)
        return Compiled()


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # the compiler's own, when it is imported
@pytest.mark.parametrize("mode", ["forward", "backward", "train_step"])
def test_compiling_is_timed_apart_and_done_once(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    compiler = Compiler(monkeypatch)
    case = case_of(None, Contract(execution="compiled"), mode=mode, backend="shift")
    case.eager_step().whole()
    assert (case.setup_s, compiler.calls) == (None, 0)
    step = case.step()
    setup_s, first_calls = case.setup_s, compiler.calls
    assert setup_s is not None
    assert setup_s > 0
    assert first_calls >= 1
    assert all(parameter.grad is None for parameter in case.module.parameters())
    case.step()
    assert (compiler.made, case.setup_s, compiler.calls) == ([case.module], setup_s, first_calls)
    step.prepare()
    step.run()
    assert compiler.calls == first_calls + 1
    for variant in step.variants(2):
        variant()
    assert compiler.calls > first_calls + 1


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # the compiler's own, when it is imported
def test_parity_looks_at_the_compiled_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = Compiler(monkeypatch)
    case = case_of(None, Contract(execution="compiled", memory_format="channels_last"), backend="shift")
    assert check_case(case).worst < 1e-5
    assert (len(compiler.made), compiler.calls) == (1, 2)  # without gradients and with them
    assert compiler.made[0] is not case.module

    honest = compiler.compile
    monkeypatch.setattr(torch, "compile", lambda module, dynamic: _Off(honest(module, dynamic)))
    with pytest.raises(MeasurementError, match="backend shift of involution is wrong, and was not timed: output off"):
        check_case(case)


class _Off(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *inputs: Tensor) -> Any:
        return self.inner(*inputs) * 1.001


def test_parity_looks_at_the_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    from invobench.runner import parity

    layouts: list[list[bool]] = []
    results = parity.results

    def watched(module: nn.Module, inputs: list[Tensor]) -> list[Tensor]:
        layouts.append([_is_channels_last(inputs[0])])
        return results(module, inputs)

    monkeypatch.setattr(parity, "results", watched)
    check_case(case_of(None, Contract(memory_format="channels_last")))
    oracle, same_dtype, candidate = layouts
    assert (oracle, same_dtype, candidate) == ([False], [False], [True])


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # the compiler's own, when it is imported
def test_without_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import config

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    activation = nn.Sequential(nn.ReLU(), nn.Sigmoid())
    with (
        config.patch({"cpp.cxx": (str(tmp_path / "none"),)}),
        torch.no_grad(),
        pytest.raises(BackendUnavailable) as caught,
        compiling.compiler_errors(),
    ):
        compiling.compiled(activation)(torch.ones(3, 5))
    assert str(caught.value) == (
        "execution compiled: torch.compile finds no C++ compiler: install g++, or name one in CXX; or use eager"
    )


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # the compiler's own, when it is imported
def test_what_the_compiler_cannot_do_is_one_line() -> None:
    norm = nn.BatchNorm2d(2).train()
    with pytest.raises(MeasurementError) as caught, compiling.compiler_errors():
        compiling.compiled(norm)(torch.ones(1, 2, 1, 1))
    assert str(caught.value).startswith("execution compiled: torch.compile failed: ValueError: Expected more than 1")
    assert "\n" not in str(caught.value)
    assert worker.failure(caught.value)["message"].startswith("batch normalisation takes the variance")


class Broken(nn.Module):
    """A layer that the compiler takes in two parts, with a number of its own in each."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def forward(self, x: Tensor) -> Tensor:
        x = x * self.number
        torch._dynamo.graph_break()
        return x + self.number


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # the compiler's own, when it is imported
@pytest.mark.parametrize(("versions", "whole"), [(None, True), (8, False)])
def test_layers_beyond_what_is_compiled_are_not_run_eagerly(
    monkeypatch: pytest.MonkeyPatch, versions: int | None, whole: bool
) -> None:
    """Twelve versions of one function, of which PyTorch by itself compiles eight and says so in its log."""
    frames: list[Any] = []

    def backend(graph: Any, inputs: Any) -> Any:
        frames.append(graph)
        return graph.forward

    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda module, dynamic: compile_(module, dynamic=dynamic, backend=backend))
    if versions:
        monkeypatch.setattr(torch._dynamo.config, "accumulated_recompile_limit", versions)
    network = nn.Sequential(*[Broken(number) for number in range(2, 14)])
    if whole:
        with torch.no_grad(), compiling.compiler_errors():
            compiling.compiled(network)(torch.ones(3))
        assert len(frames) >= 2 * 12
    else:
        with torch.no_grad(), pytest.raises(MeasurementError) as caught, compiling.compiler_errors():
            compiling.compiled(network)(torch.ones(3))
        assert str(caught.value).startswith("execution compiled: torch.compile failed: ")
        assert str(caught.value).endswith("; use eager")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["forward", "backward", "train_step"])
def test_compiled_gives_what_eager_gives(tmp_path: Path, mode: str) -> None:
    """The real compiler, in a process of its own: parity of the compiled layer, then its time."""
    patient = Measure(target_ci=1.0, max_time_s=0.5)
    contract = Contract(execution="compiled", memory_format="channels_last")
    compiled = cell(involution(), mode=mode, contract=contract, measure=patient, backend="unfold")
    (row,) = run([compiled], tmp_path, metrics=("error", "latency", "memory")).rows
    assert row.status in MEASURED, row.message
    assert (row.execution, row.memory_format) == ("compiled", "channels_last")
    assert row.max_error < 1e-5
    assert row.setup_s > max(row.samples_s)
    assert row.peak_memory_bytes > 0


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # the compiler's own, when it is imported
@pytest.mark.slow
def test_the_compiled_step_has_the_values_of_the_eager_one() -> None:
    case = case_of(None, Contract(execution="compiled"), backend="unfold")
    torch.testing.assert_close(case.step().run(), case.eager_step().run())
    assert case.setup_s > 0


# BatchNorm of one value


@pytest.mark.parametrize("mode", ["backward", "train_step"])
def test_one_value_a_channel_in_train_mode_is_refused(mode: str) -> None:
    one = cell(involution(kernel_size=3, stride=2), (1, 16, 2, 2), mode=mode)
    for metrics in (("macs",), ("latency",), ("memory",)):
        assert failed(one, metrics) == (
            "failed",
            "batch normalisation takes the variance of each channel in train mode, and its input [1, 4, 1, 1] has one"
            " value a channel: raise batch, height or width, or use mode: forward",
        )
    assert failed_not(cell(involution(kernel_size=3, stride=2), (2, 16, 2, 2), mode=mode))


def failed_not(of: Cell) -> bool:
    told: dict[str, Any] = {}
    worker.measure_cell(of, "cpu", ("memory",), told.update)
    return "status" not in told
