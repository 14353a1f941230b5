"""The C++ compiler of this machine, and the command that builds an extension of PyTorch with it (imports no torch)."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

#: in the order in which they are looked for, after what CXX names
_COMPILERS = ("g++", "clang++")
#: the instruction set of this processor. No -ffast-math: sums stay in their order, NaN and infinity what they are
_FLAGS = ("-std=c++20", "-O3", "-march=native", "-fPIC", "-fopenmp", "-fno-math-errno")


def missing() -> str | None:
    """Why nothing can be built here, None where it can."""
    if sys.platform != "linux":
        return f"is built on Linux only, not on {platform.system()}"
    if compiler() is None:
        asked = os.environ.get("CXX")
        there = f"CXX={asked} is not there" if asked else "there is no g++ or clang++"
        return f"needs a C++ compiler, and {there}: install g++, or set CXX"
    return None


def compiler() -> str | None:
    """The compiler's path: what CXX names, else the first of g++ and clang++; None where there is none."""
    asked = os.environ.get("CXX")
    names = [asked] if asked else list(_COMPILERS)
    return next((found for name in names if (found := shutil.which(name))), None)


@cache
def version(path: str) -> str:
    """The first line of what the compiler says of itself."""
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - the user's
    return done.stdout.partition("\n")[0]


@cache
def processor() -> str:
    """What decides the code that -march=native makes: the machine and its processor's features."""
    features = ""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        known = ("flags", "Features", "model name", "CPU part")
        features = "\n".join(sorted({line for line in lines if line.startswith(known)}))
    except OSError:
        pass
    return f"{platform.machine()}\n{features or platform.processor()}"


def commands(
    path: str, source: Path, target: Path, includes: Sequence[str], libraries: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The commands that compile `source` to an object beside `target`, and link that to `target`.

    OpenMP is not linked: its functions are found in the runtime that PyTorch brings. A second runtime would have
    threads of its own, which wait spinning on the processors that PyTorch's need.
    """
    made = str(target.with_suffix(".o"))
    compiled = [path, *_FLAGS, *(f"-I{folder}" for folder in includes), "-c", str(source), "-o", made]
    return compiled, [path, "-shared", made, *(f"-L{folder}" for folder in libraries), *_LINKED, "-o", str(target)]


_LINKED = ("-ltorch_cpu", "-lc10")
