"""A LaTeX to compile what we print, where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

COMPILERS = {
    "pdflatex": ["-interaction=nonstopmode", "-halt-on-error"],
    "tectonic": [],
    "xelatex": ["-interaction=nonstopmode", "-halt-on-error"],
}


def compiled(fragment: str, folder: Path) -> str:
    """What the compiler said about a minimal document with `fragment`; skips without a compiler, fails on an error."""
    name = next((name for name in COMPILERS if shutil.which(name)), None)
    if name is None:
        pytest.skip("no LaTeX on PATH")
    packages = re.match(r"% needs (\\usepackage\{[a-z,]+\})\n", fragment)
    assert packages, "the first line names the packages"
    (folder / "fragment.tex").write_text(fragment, encoding="utf-8")
    (folder / "paper.tex").write_text(
        f"\\documentclass{{article}}\n{packages[1]}\n\\begin{{document}}\n\\input{{fragment}}\n\\end{{document}}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [name, *COMPILERS[name], "paper.tex"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    assert (folder / "paper.pdf").stat().st_size > 1000
    return said
