"""`tools/gpu_check.sh` without a GPU: which commands it runs, what it keeps, and how it ends; Python is a fake."""

from __future__ import annotations

import os
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from invobench.spec import read

ROOT = Path(__file__).parents[2]
USUAL = ["machine", "tests", "ceilings", "quickstart", "selftest"]
MORE = ["graphs", "contracts", "networks", "auto_forward", "auto_backward", "auto_train_step"]
PYTHON = """\
#!/usr/bin/env bash
echo "$*" >>"$LOG"
case "$*" in
  -c*) exit "${IMPORTS:-0}" ;;
  *"invobench selftest"*) exit "${SELFTEST:-3}" ;;
  *"-m pytest"*) echo "1 passed"; exit "${PYTEST:-0}" ;;
  *jsonl) echo '{"quantity": "copy"}' ;;
  *) echo "table" ;;
esac
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs that only say that they ran."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("python3", PYTHON), ("nvidia-smi", "#!/usr/bin/env bash\necho Some GPU\n")):
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def check(programs: Path, *parts: str, **environment: str) -> tuple[int, str, list[str]]:
    """Exit code, what was printed, and the commands that Python was given, the first of them aside."""
    log = programs.parent / "commands"
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "OUT": str(programs.parent / "out"), "LOG": str(log), **environment}
    command = ["bash", str(ROOT / "tools" / "gpu_check.sh"), *parts]
    done = subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, timeout=60, check=False)
    said = log.read_text(encoding="utf-8").splitlines()[1:] if log.exists() else []
    return done.returncode, done.stdout + done.stderr, said


def test_the_usual_parts_keep_what_they_print_and_measure(programs: Path) -> None:
    code, printed, commands = check(programs)
    out = programs.parent / "out"
    assert code == 0, printed
    assert [line[3:] for line in printed.splitlines() if line.startswith("== ")][:-1] == USUAL
    assert printed.endswith(f"== 0 of 5 parts failed; everything is in {out}\n")
    assert (out / "log.txt").read_text(encoding="utf-8") == printed
    assert "Some GPU" in printed
    assert (out / "ceilings.jsonl").read_text(encoding="utf-8") == '{"quantity": "copy"}\n'
    (profiled,) = [line for line in commands if " profile " in line]
    assert profiled == (
        f"-m invobench profile specs/quickstart.yaml --device cuda --out {out}/quickstart --set measure.run_time_s=100"
    )


@pytest.mark.parametrize("part", [*USUAL, *MORE])
def test_a_part_alone(programs: Path, part: str) -> None:
    code, printed, commands = check(programs, part)
    assert code == 0, printed
    assert f"== {part}\n" in printed
    assert "== 0 of 1 parts failed" in printed
    assert commands
    for line in commands:
        words = line.split()
        for spec in (word for word in words if word.startswith("specs/")):
            sets = [after for word, after in pairwise(words) if word == "--set"]
            assert read([ROOT / spec], [*sets, "device=cuda"]), "the overrides are those of the spec"


def test_a_part_that_fails_is_named_and_the_others_go_on(programs: Path) -> None:
    code, printed, commands = check(programs, "tests", "selftest", "networks", PYTEST="1", SELFTEST="70")
    assert code == 1
    assert "== 2 of 3 parts failed: tests (1) selftest (70); " in printed
    assert " profile specs/networks.yaml " in commands[-1]


def test_an_unknown_part_is_told_before_anything_runs(programs: Path) -> None:
    code, printed, commands = check(programs, "machine", "network")
    assert (code, commands) == (2, [])
    assert printed == f"unknown part 'network'; there are: {' '.join([*USUAL, *MORE])}\n"


def test_without_a_gpu_or_a_package_nothing_runs(programs: Path) -> None:
    code, printed, commands = check(programs, IMPORTS="1")
    assert (code, commands) == (2, [])
    assert "== " not in printed
