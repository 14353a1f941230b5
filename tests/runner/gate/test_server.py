"""A side's server: cell after cell in one process, and what it answers where one of them ends it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from invobench.errors import UsageError
from invobench.results import SCHEMA_VERSION
from invobench.runner.cases import build_case
from invobench.runner.gate import measuring
from invobench.runner.gate.job import DETERMINISTIC
from invobench.runner.gate.measuring import slowed, spinning
from invobench.runner.gate.server import PROTOCOL, Server
from invobench.runner.gate.tasks import Task
from invobench.runner.machine import Machine
from invobench.runner.processes import Ended, Processes
from invobench.spec.cells import Measure
from tests.builders import cell, involution
from tests.runner.gate.fakes import HERE

ROOT = Path(__file__).parents[3]
HEAD = "version: 1\ndefaults: {batch: 1, height: 6, width: 6, in_channels: 8}\nmeasure: {threads: 1}\nlayers:\n"


class Client:
    """A server in this process: only what it measures has processes of its own."""

    def __init__(self, processes: Any = None) -> None:
        self.answers: list[dict[str, Any]] = []
        self.server = Server(lambda answer: self.answers.append(json.loads(json.dumps(answer))), processes)

    def ask(self, **request: Any) -> dict[str, Any]:
        self.answers.clear()
        self.server.answer(request)
        return self.answers[-1]

    def plan(self, path: Path, name: str = "spec.yaml", overrides: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        answer = self.ask(ask="plan", specs=[{"path": str(path), "name": name}], overrides=list(overrides))
        return answer["plan"]  # type: ignore[no-any-return]

    def measure(self, plan: list[dict[str, Any]], **changes: Any) -> list[dict[str, Any]]:
        standard = {"metrics": ["latency"], "sample_time_s": 0.01, "target_ci": 0.05, "checked": True}
        tasks = [{"key": planned["key"], **standard, **changes} for planned in plan]
        self.ask(ask="measure", tasks=tasks, watch=None)
        return [answer["row"] for answer in self.answers[:-1]]


@pytest.fixture(scope="module")
def processes() -> Processes:
    return Processes()


@pytest.fixture
def client(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.chdir(ROOT)
    return Client(processes)


def spec(folder: Path, *layers: str) -> Path:
    path = folder / "spec.yaml"
    path.write_text(HEAD + "".join(f"  - {{{layer}}}\n" for layer in layers))
    return path


def user(name: str) -> str:
    return f'name: {name.lower()}, operator: module, module: "tests.user_layers:{name}"'


GOOD = "name: good, operator: conv, kernel_size: 3"


def test_who_answers(client: Client) -> None:
    hello = client.ask(ask="hello")["hello"]
    assert (hello["protocol"], hello["schema"]) == (PROTOCOL, SCHEMA_VERSION)
    assert hello["environment"]["torch"] == torch.__version__
    assert hello["environment"]["fingerprint"]


def test_a_plan_names_cells_as_it_is_told(client: Client, tmp_path: Path) -> None:
    path = spec(tmp_path, GOOD, "name: other, operator: involution, kernel_size: 3, group_channels: 4")
    first, second = client.plan(path)
    assert (first["label"], first["row"]["spec"], first["row"]["device"]) == ("good", "spec.yaml", "cpu")
    assert first["row"]["params"] == 8 * 9 * 8
    assert second["describe"]["what"]["kernel_size"] == 3
    assert client.plan(path, "named.yaml")[0]["key"] != first["key"]
    assert client.plan(path, overrides=("kernel_size=5",))[0]["row"]["params"] == 8 * 25 * 8


def test_errors_are_answers(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("version: 1\nlayers:\n  - {name: x, operator: convolution}\n")
    answer = client.ask(ask="plan", specs=[{"path": str(path), "name": "named.yaml"}], overrides=[])
    assert answer["exit_code"] == 2
    assert answer["error"].startswith("named.yaml:3:25: layers[0].operator: ")
    assert client.ask(ask="measure", tasks=[{"key": "0"}], watch=None) == {
        "error": "no cell has the key 0: plan before measuring",
        "exit_code": 2,
    }
    assert client.ask(ask="dance")["exit_code"] == 70


def test_a_first_process_measures_everything_and_later_ones_time(client: Client, tmp_path: Path) -> None:
    plan = client.plan(spec(tmp_path, GOOD, user("Plain") + ", kwargs: {channels: 8}"))
    rows = client.measure(plan, metrics=[*DETERMINISTIC, "latency"], checked=False)
    for row in rows:
        assert row["status"] in {"ok", "noisy"}
        assert row["output_shape"] == [[1, 8, 6, 6]]
        assert row["macs_dispatched"] == 36 * 8 * 9 * 8
        assert row["operations"] >= 1
        assert row["peak_memory_bytes"] >= 8 * 36 * 4
        assert len(row["samples_s"]) >= 6
        assert row["threads"] == 1
    assert [("max_error" in row) for row in rows] == [True, False]
    later = client.measure(plan)
    assert [row["name"] for row in later] == ["good", "plain"]
    assert all("latency_s" in row and "peak_memory_bytes" not in row and "max_error" not in row for row in later)
    assert [row["cell_key"] for row in later] == [planned["key"] for planned in plan]


def test_samples_take_the_time_that_is_asked_for_however_narrow_they_are(client: Client, tmp_path: Path) -> None:
    plan = client.plan(spec(tmp_path, GOOD))
    for time_s in (0.02, 0.2):
        (row,) = client.measure(plan, sample_time_s=time_s, target_ci=1.0)
        assert time_s * 0.7 < row["sampling_time_s"] < time_s + 0.3


class Asked(Processes):
    """Counts the processes that it runs."""

    count = 0

    def run(self, job: Any, *args: Any, **options: Any) -> Ended:
        self.count += job is not None
        return super().run(job, *args, **options)


def test_a_cell_that_ends_its_process_is_a_row_and_the_others_go_on(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(ROOT)
    counted = Asked()
    client = Client(counted)
    names = ("Segfaults", "Raises", "Leaves", "Exhausts", "Talks")
    plan = client.plan(spec(tmp_path, GOOD, *(user(name) for name in names), GOOD.replace("good", "last")))
    counted.count = 0
    rows = client.measure(plan, metrics=["params", "latency"])
    found = {row["name"]: (row["status"], row["message"]) for row in rows}
    assert list(found) == ["good", *map(str.lower, names), "last"]
    assert found["segfaults"] == ("failed", "the worker process was killed by SIGSEGV")
    assert found["raises"][0] == "failed"
    assert found["raises"][1].startswith("ValueError: the layer's own mistake (in ")
    assert found["leaves"] == ("failed", "the worker process exited with code 0 and no answer")
    assert found["exhausts"][0] == "oom"
    assert {found[name][0] for name in ("good", "talks", "last")} <= {"ok", "noisy"}
    assert rows[1]["params"] == 0, "what was known before it died is kept"
    assert counted.count == 5, "one process until each failure, and one for the rest"


def test_a_cell_that_hangs_is_given_up_alone(client: Client, tmp_path: Path) -> None:
    path = spec(tmp_path, GOOD, user("Hangs"), GOOD.replace("good", "last"))
    plan = client.plan(path, overrides=("measure.timeout_s=2.0",))
    start = time.monotonic()
    first, hung, last = client.measure(plan)
    assert time.monotonic() - start < 30
    assert (hung["status"], hung["message"]) == ("timeout", "not done after 2 s: raise measure.timeout_s")
    assert {first["status"], last["status"]} <= {"ok", "noisy"}


def test_a_process_that_cannot_start_fails_every_cell(tmp_path: Path) -> None:
    class Refusing:
        def run(self, job: Any, *args: Any, **options: Any) -> Ended:
            return Ended(Machine(HERE, 0, "")) if not args else Ended(problem="cannot start a worker process: EOFError")

    client = Client(Refusing())
    rows = client.measure(client.plan(spec(tmp_path, GOOD, GOOD.replace("good", "last"))))
    assert [(row["name"], row["message"]) for row in rows] == [
        ("good", "cannot start a worker process: EOFError"),
        ("last", "cannot start a worker process: EOFError"),
    ]


def test_cells_of_other_threads_have_processes_of_their_own(tmp_path: Path) -> None:
    counted = Asked()
    client = Client(counted)
    path = spec(tmp_path, GOOD, GOOD.replace("good", "two") + ", threads: 2", GOOD.replace("good", "three"))
    plan = client.plan(path)
    counted.count = 0
    rows = client.measure(plan)
    assert {row["name"]: row["threads"] for row in rows} == {"good": 1, "two": 2, "three": 1}
    assert counted.count == 2


def test_what_a_layer_sets_is_put_back() -> None:
    before = (torch.get_num_threads(), torch.get_default_dtype(), torch.backends.cudnn.benchmark)
    with measuring._restored():
        torch.set_num_threads(1)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.backends.cudnn.benchmark = True
    assert (torch.get_num_threads(), torch.get_default_dtype(), torch.backends.cudnn.benchmark) == before
    assert torch.is_grad_enabled()


def test_slowing_spins_until_the_factor_is_reached() -> None:
    ticks = iter([0, 1000, 1050, 1149, 1150, 1151])
    called = []
    spinning(lambda: called.append("run"), 1.15, lambda: next(ticks))()
    assert called == ["run"]
    assert next(ticks) == 1151, "1150 ended it"


def test_a_slowed_call_takes_its_factor(client: Client, tmp_path: Path) -> None:
    """The quickest calls, on a machine that others use."""
    plan = client.plan(spec(tmp_path, 'name: naps, operator: module, module: "tests.runner.gate.layers:Naps"'))
    quickest = {
        factor: min(client.measure(plan, slow=factor, sample_time_s=0.2)[0]["samples_s"]) for factor in (1.0, 1.5)
    }
    assert quickest[1.5] / quickest[1.0] == pytest.approx(1.5, rel=0.1)


def test_slowing_is_refused_on_a_gpu(tmp_path: Path) -> None:
    case = build_case(cell(involution()), torch.device("cpu"))
    case.device = torch.device("cuda:0")
    with pytest.raises(UsageError, match="slowing down spins on the CPU, and cuda:0 does not wait for it"):
        slowed(1.1)(case)

    class OnGpu:
        def run(self, job: Any, *args: Any, **options: Any) -> Ended:
            assert not args, "nothing is measured"
            return Ended(Machine(with_a_gpu(), 1, ""))

    client = Client(OnGpu())
    plan = client.plan(spec(tmp_path, GOOD), overrides=("device=cuda",))
    client.measure(plan, slow=1.1)
    assert client.answers[-1]["error"] == (
        "good: slowing down spins on the CPU, and cuda:0 does not wait for it: use --device cpu"
    )


def with_a_gpu() -> Any:
    return HERE.model_copy(update={"gpus": ("G",)})


def test_a_task_says_how_long_it_may_take() -> None:
    task = Task(cell(involution(), measure=Measure(timeout_s=7.0)), "cpu", (), 0.1, 0.05)
    assert (task.timeout_s, task.key) == (7.0, task.cell.key)


@pytest.fixture
def started() -> Iterator[subprocess.Popen[str]]:
    """A server as a gate starts it."""
    command = [sys.executable, "-P", "-m", "invobench.runner.gate.server"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, text=True, cwd=ROOT, **pipes)  # type: ignore[call-overload]
    yield process
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()


def asked(process: Any, **request: Any) -> dict[str, Any]:
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())  # type: ignore[no-any-return]


@pytest.mark.slow
def test_what_a_layer_prints_is_no_answer_and_the_end_of_stdin_is_the_end(started: Any, tmp_path: Path) -> None:
    path = spec(tmp_path, user("Talks"))
    plan = asked(started, ask="plan", specs=[{"path": str(path), "name": "s"}], overrides=[])["plan"]
    task = {"key": plan[0]["key"], "metrics": ["latency"], "sample_time_s": 0.01, "target_ci": 1.0, "checked": True}
    assert asked(started, ask="measure", tasks=[task], watch=None)["row"]["name"] == "talks"
    assert json.loads(started.stdout.readline()) == {"measured": {"foreign": {}, "own": 0}}
    started.stdin.close()
    assert started.wait(10) in {0, 70}
    assert "said on stdout" in started.stderr.read()


@pytest.mark.slow
def test_a_server_that_nobody_listens_to_ends_though_it_measures(started: Any, tmp_path: Path) -> None:
    path = spec(tmp_path, user("Hangs"))
    plan = asked(started, ask="plan", specs=[{"path": str(path), "name": "s"}], overrides=[])["plan"]
    task = {"key": plan[0]["key"], "metrics": ["latency"], "sample_time_s": 0.01, "target_ci": 1.0, "checked": True}
    started.stdin.write(json.dumps({"ask": "measure", "tasks": [task], "watch": None}) + "\n")
    started.stdin.flush()
    threading.Event().wait(1.0)
    assert started.poll() is None
    started.stdin.close()
    assert started.wait(20) in {70, -signal.SIGKILL}
