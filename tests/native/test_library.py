"""Extensions are built once, kept by what decides their code, and fail in one line that says what to do."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from invobench.errors import BackendUnavailable
from invobench.native import Sources, compiler, library, load, missing
from invobench.operators.involution.kernels.ops import ready
from invobench.runner.cases import build_case
from tests.builders import cell, involution

pytestmark = pytest.mark.skipif(compiler.compiler() is None, reason="no C++ compiler here")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own, and nothing loaded."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(library, "_LOADED", {})
    monkeypatch.setattr(library, "_FAILED", [])
    return tmp_path


def sources(folder: Path, value: int = 1, name: str = "tiny") -> Sources:
    (folder / "tiny.h").write_text(f"constexpr int VALUE = {value};\n")
    (folder / "tiny.cpp").write_text('#include "tiny.h"\nextern "C" int value() { return VALUE; }\n')
    return Sources(name, folder, "tiny.cpp", ("tiny.h",))


def logged(folder: Path, monkeypatch: pytest.MonkeyPatch, before: str = "") -> Path:
    """Make the compiler one that notes each of its calls in a file."""
    log, script = folder / "calls.txt", folder / "logged-c++"
    log.write_text("")
    script.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] || echo call >> {log}\n{before}\nexec {compiler.compiler()} "$@"\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CXX", str(script))
    return log


def kept(home: Path) -> list[Path]:
    return sorted((home / "cache" / "invobench" / "kernels").glob("*.so"))


def test_it_is_built_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = logged(home, monkeypatch)
    first = load(sources(home))
    (path,) = kept(home)
    assert ctypes.CDLL(str(path)).value() == 1
    assert load(sources(home)) == first > 0
    monkeypatch.setattr(library, "_LOADED", {})  # another process
    load(sources(home))
    assert log.read_text().count("call") == 2  # compiled and linked
    assert kept(home) == [path]


def test_what_decides_the_code_decides_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def again(value: int = 1) -> int:
        monkeypatch.setattr(library, "_LOADED", {})
        load(sources(home, value))
        return len(kept(home))

    assert again() == 1
    assert again(value=2) == 2  # in a header
    with monkeypatch.context() as patch:
        patch.setattr(torch, "__version__", "99.0")
        assert again() == 3
    with monkeypatch.context() as patch:
        patch.setattr(compiler, "processor", lambda: "another one")
        assert again() == 4
    with monkeypatch.context() as patch:
        patch.setattr(compiler, "version", lambda path: "another one")
        assert again() == 5
    assert again() == 5


_LOAD = (
    "import sys; from pathlib import Path; from invobench.native import Sources, load;"
    "load(Sources('tiny', Path(sys.argv[1]), 'tiny.cpp', ('tiny.h',)))"
)


def test_two_processes_that_want_it_at_once_build_it_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources(home)
    log = logged(home, monkeypatch, before="sleep 0.2")
    both = [subprocess.Popen([sys.executable, "-c", _LOAD, str(home)]) for _ in range(2)]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert log.read_text().count("call") == 2
    assert len(kept(home)) == 1


def test_a_build_that_was_killed_is_in_nobodys_way(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources(home)
    log = logged(home, monkeypatch, before='[ "$1" = --version ] || sleep 600')
    process = subprocess.Popen([sys.executable, "-c", _LOAD, str(home)], start_new_session=True)
    while not log.read_text():
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    monkeypatch.delenv("CXX")
    load(sources(home))
    assert len(kept(home)) == 1


def test_a_file_that_cannot_be_loaded_is_built_anew(home: Path) -> None:
    sources(home)
    command = [sys.executable, "-c", _LOAD, str(home)]
    subprocess.run(command, check=True)
    (path,) = kept(home)
    path.write_bytes(path.read_bytes()[:100])
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.startswith(f"tiny: {path.name} cannot be loaded and is built anew\n")
    assert ctypes.CDLL(str(path)).value() == 1


def test_code_that_does_not_compile(home: Path) -> None:
    (home / "bad.cpp").write_text("int value( { return 1; }\n")
    with pytest.raises(BackendUnavailable) as caught:
        load(Sources("bad", home, "bad.cpp"))
    message = str(caught.value)
    assert message.startswith("bad: ")
    assert "bad.cpp:1:" in message
    assert message.endswith(": use another compiler (CXX), or backend: shift")
    assert "\n" not in message
    assert kept(home) == []
    assert missing() == f"could not be built ({message})"


def test_a_machine_without_a_compiler(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(home))
    message = "needs a C++ compiler, and there is no g++ or clang++: install g++, or set CXX"
    assert missing() == message
    with pytest.raises(BackendUnavailable) as caught:
        load(sources(home))
    assert str(caught.value) == f"tiny {message}"


def test_a_compiler_that_is_asked_for_is_not_replaced(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "/no/such/c++")
    assert missing() == "needs a C++ compiler, and CXX=/no/such/c++ is not there: install g++, or set CXX"


def test_another_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert missing() == "is built on Linux only, not on Darwin"


def test_a_cache_folder_that_takes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    with pytest.raises(BackendUnavailable, match=r"cannot keep kernels: .*; set XDG_CACHE_HOME to a folder of yours"):
        load(sources(home))


def test_auto_goes_on_where_the_compiler_fails(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A compiler that is there and too old, say; a backend that was asked for by name is not replaced."""
    monkeypatch.setenv("CXX", "/bin/false")
    ready.cache_clear()
    of = cell(involution(kernel_size=7, group_channels=16), (1, 64, 56, 56))
    case = build_case(of, torch.device("cpu"))
    assert (case.backends, case.setup_s) == ("shift", None)
    said = "warning: backend auto goes on with shift: involution: false failed (no message): use another compiler (CXX)"
    assert said in capsys.readouterr().err
    with pytest.raises(BackendUnavailable, match=r"backend cpp: could not be built \(involution: false failed"):
        build_case(replace(of, backend="cpp"), torch.device("cpu"))
    ready.cache_clear()


def test_a_disk_that_fills_up_while_it_is_built(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(library, "TemporaryDirectory", full)
    with pytest.raises(BackendUnavailable, match=r"cannot keep kernels: No space left on device; set XDG_CACHE_HOME"):
        load(sources(home))
