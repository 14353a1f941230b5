"""The controller's hold on a server: whatever is there instead of one, or becomes of it, is a line and no process."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from invobench import __version__
from invobench.errors import MeasurementError, UsageError
from invobench.results import Row
from invobench.runner import interrupts
from invobench.runner.gate.measurer import Order, Spec
from invobench.runner.gate.server import PROTOCOL
from invobench.runner.gate.side import Launch, Side
from tests.runner.gate.fakes import HERE
from tests.runner.test_processes import gone

ROW = {
    "name": "x",
    "kind": "layer",
    "operator": "conv",
    "dtype": "float32",
    "mode": "forward",
    "batch": 1,
    "in_channels": 8,
    "height": 6,
    "width": 6,
    "status": "ok",
    "spec": "s",
    "cell_key": "k",
    "scope": "module",
    "backend_requested": "auto",
    "device_requested": "cpu",
    "device": "cpu",
}
HELLO = {"protocol": PROTOCOL, "schema": 2, "invobench": "9.9", "environment": HERE.model_dump()}
PLAN = [{"key": "k", "label": "x", "describe": {"measure": {"timeout_s": 5.0}}, "row": ROW}]
ANSWERS = {"hello": {"hello": HELLO}, "plan": {"plan": PLAN}}


def interpreter(folder: Path, body: str) -> str:
    """What is started in place of Python: `request` is what is asked, `say` answers."""
    path = folder / "python"
    lines = [
        f"#!{sys.executable}",
        "import json, os, subprocess, sys, time",
        f"ANSWERS, ROW = json.loads({json.dumps(ANSWERS)!r}), json.loads({json.dumps(ROW)!r})",
        "def say(answer): print(json.dumps(answer), flush=True)",
        body,
    ]
    path.write_text("\n".join(lines))
    path.chmod(0o755)
    return str(path)


def serving(measure: str) -> str:
    """A server that answers, and to `measure` does this."""
    return f"""
for line in sys.stdin:
    request = json.loads(line)
    if request["ask"] in ANSWERS:
        say(ANSWERS[request["ask"]])
    else:
        {measure}
"""


class Warned(list[str]):
    def __call__(self, message: str) -> None:
        self.append(message)


def side(folder: Path, body: str, warn: Any = print, **changes: Any) -> Side:
    return Side(Launch("base (main)", interpreter(folder, body), folder, **changes), warn)


def order(one: Side) -> Order:
    one.hello()
    (planned,) = one.plan([Spec("/there/s.yaml", "s")], [])
    return Order(planned, ("latency",), 0.1, 0.05, 5.0)


def test_a_server_that_answers(tmp_path: Path) -> None:
    measure = """say({"row": {**ROW, "latency_s": 2.5, "samples_s": [2.5]}, "key": "k"})
        say({"measured": {"foreign": {"m": "/m.py"}, "own": 3}})"""
    found: list[tuple[Any, Row]] = []
    with side(tmp_path, serving(measure)) as one:
        asked = order(one)
        modules = one.measure([asked], None, lambda identity, row: found.append((identity, row)))
        pid = one._process.pid
    assert (modules.foreign, modules.own) == ({"m": "/m.py"}, 3)
    assert [(identity.name, row.latency_s) for identity, row in found] == [("x", 2.5)]
    assert gone(pid)


def test_what_it_is_asked(tmp_path: Path) -> None:
    with side(tmp_path, serving('open("asked", "w").write(line); say({"measured": {}})')) as one:
        one.measure([order(one)], {"own": "/a", "foreign": None}, lambda identity, row: None)
    task = {"key": "k", "metrics": ["latency"], "sample_time_s": 0.1, "target_ci": 0.05, "checked": False, "slow": 1.0}
    assert json.loads((tmp_path / "asked").read_text()) == {
        "ask": "measure",
        "tasks": [task],
        "watch": {"own": "/a", "foreign": None},
    }


def test_environment_and_folder_are_the_launchs(tmp_path: Path) -> None:
    body = 'json.dump([os.environ["PYTHONPATH"], os.getcwd(), sys.argv[1:]], open("here", "w"))\n' + serving("pass")
    with side(tmp_path, body, environment={"PYTHONPATH": "/a:/b"}) as one:
        one.hello()
    assert json.loads((tmp_path / "here").read_text()) == [
        "/a:/b",
        str(tmp_path),
        ["-P", "-m", "invobench.runner.gate.server"],
    ]


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (
            """sys.exit("python: Error while finding module specification for 'invobench.runner.gate.server' """
            """(ModuleNotFoundError: No module named 'invobench')")""",
            UsageError,
            "PYTHON has no invobench: do this",
        ),
        (
            """sys.exit("python: No module named invobench.runner.gate")""",
            UsageError,
            "PYTHON has an invobench without this gate: do this",
        ),
        (
            'say({"hello": {"protocol": 7, "invobench": "3.0"}}); time.sleep(60)',
            UsageError,
            f"its invobench 3.0 speaks protocol 7 of the gate, this one ({__version__}) {PROTOCOL}: use the same "
            "invobench on both sides",
        ),
        (
            'say({"error": "cannot start a worker: no answer", "exit_code": 4}); time.sleep(60)',
            MeasurementError,
            "cannot start a worker: no answer",
        ),
        ('sys.exit("ImportError: libtorch.so")', MeasurementError, "ended with exit code 1: ImportError: libtorch.so"),
        ("os.kill(os.getpid(), 9)", MeasurementError, "its measuring process was killed by signal 9"),
        ('print("hello!", flush=True)', MeasurementError, "answered in something else than JSON: hello!"),
    ],
)
def test_what_is_no_server(tmp_path: Path, body: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised, side(tmp_path, body, hint="do this") as one:
        one.hello()
    text = str(raised.value).replace(str(tmp_path / "python"), "PYTHON")
    assert text.startswith("base (main): ")
    assert text.endswith(message)
    assert "\n" not in text
    assert gone(one._process.pid)


def test_what_is_no_interpreter(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        Side(Launch("base (x)", str(tmp_path / "missing"), tmp_path), Warned())
    assert str(raised.value) == f"base (x): cannot start {tmp_path / 'missing'}: No such file or directory"


def test_a_python_without_invobench(tmp_path: Path) -> None:
    """As Python itself says it: nothing but the standard library is there."""
    launch = Launch("base (x)", sys._base_executable, tmp_path, {"PYTHONPATH": "", "PYTHONNOUSERSITE": "1"})  # type: ignore[attr-defined]
    with pytest.raises(UsageError) as raised, Side(launch, Warned()) as one:
        one.hello()
    fix = f"install invobench {__version__} there"
    assert str(raised.value) == f"base (x): {sys._base_executable} has no invobench: {fix}"  # type: ignore[attr-defined]


def test_an_invobench_without_the_gate(tmp_path: Path) -> None:
    """As Python itself says it of an older version."""
    (tmp_path / "invobench/runner").mkdir(parents=True)
    for name in ("invobench/__init__.py", "invobench/runner/__init__.py"):
        (tmp_path / name).write_text("")
    launch = Launch("base (x)", sys.executable, tmp_path, {"PYTHONPATH": str(tmp_path)})
    said = "has an invobench without this gate: install invobench"
    with Side(launch, Warned()) as one, pytest.raises(UsageError, match=said):
        one.hello()


def test_a_spec_that_it_cannot_read_is_told_line_by_line(tmp_path: Path) -> None:
    body = 'ANSWERS["plan"] = {"error": "a:1:1: x\\na:2:1: y", "exit_code": 2}\n' + serving("pass")
    with side(tmp_path, body) as one:
        one.hello()
        with pytest.raises(UsageError) as raised:
            one.plan([], [])
    assert str(raised.value) == "base (main): a:1:1: x\nbase (main): a:2:1: y"


def test_rows_of_another_version(tmp_path: Path) -> None:
    """What is not known here is left out, once said; what it does not have stays empty."""
    measure = """say({"row": {**ROW, "carbon_kg": 1, "latency_s": 1.0}, "key": "k"})
        say({"row": {**ROW, "carbon_kg": 2}, "key": "k"}); say({"measured": {}})"""
    found, warned = [], Warned()
    with side(tmp_path, serving(measure), warned) as one:
        one.measure([order(one)], None, lambda identity, row: found.append(row))
    assert [(row.latency_s, row.output_shape) for row in found] == [(1.0, None), (None, None)]
    assert warned == [f"base (main): its invobench reports carbon_kg, which this one ({__version__}) leaves out"]


def test_rows_that_cannot_be_read(tmp_path: Path) -> None:
    with side(tmp_path, serving('say({"row": {**ROW, "status": "splendid"}, "key": "k"})')) as one:
        asked = order(one)
        with pytest.raises(UsageError, match=r"base \(main\): its invobench reports status in a way"):
            one.measure([asked], None, lambda identity, row: None)


def test_what_a_layer_says_is_passed_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    measure = """os.write(2, b"a layer speaks\\n" * 9000); say({"measured": {}})"""
    body = 'print("imported", file=sys.stderr)\n' + serving(measure)
    with side(tmp_path, body) as one:
        one.measure([order(one)], None, lambda identity, row: None)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines()[0] == "imported"
    assert set(err.splitlines()[1:]) == {"a layer speaks"}


CHILD = """subprocess.Popen([sys.executable, "-c", "import os, time; os.setsid(); time.sleep(600)"])"""
HANGS = serving(f'child = {CHILD}; open("child", "w").write(str(child.pid)); time.sleep(600)')


def child_of(folder: Path) -> int:
    for _ in range(500):
        with_text = (folder / "child").read_text() if (folder / "child").exists() else ""
        if with_text:
            return int(with_text)
        time.sleep(0.02)
    raise AssertionError("no child")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_all_that_it_started(tmp_path: Path, number: int) -> None:
    """A child in a session of its own too."""

    def later() -> None:
        child_of(tmp_path)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=later)
    start = time.monotonic()
    with interrupts.held_back(), side(tmp_path, HANGS) as one:
        asked = order(one)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            one.measure([asked], None, lambda identity, row: None)
    thread.join()
    assert time.monotonic() - start < 30
    assert gone(one._process.pid)
    assert gone(child_of(tmp_path))


def test_one_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from invobench.runner.gate import side as module

    monkeypatch.setattr(module, "_BESIDE_S", -4.5)  # of the cell's 5 s
    with pytest.raises(MeasurementError, match=r"base \(main\): no answer within 0.5 s"), side(tmp_path, HANGS) as one:
        one.measure([order(one)], None, lambda identity, row: None)
    assert gone(one._process.pid)


def test_one_that_does_not_leave_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from invobench.runner.gate import side as module

    monkeypatch.setattr(module, "_GRACE_S", 0.2)
    with side(tmp_path, serving("pass") + "\ntime.sleep(600)") as one:
        one.hello()
    assert gone(one._process.pid)
