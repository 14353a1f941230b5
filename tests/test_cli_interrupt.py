"""Ctrl-C while a command that measures starts: an import that swallows it must not lose it."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from typing import Any

import pytest
from typer.testing import CliRunner

from invobench.cli import app


class Swallowing:
    """A finder during whose work Ctrl-C comes, and which swallows it, as an extension module's import may."""

    def __init__(self, module: str) -> None:
        self.module, self.came = module, False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == self.module and not self.came:
            self.came = True
            with suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("command", ["ceilings", "doctor", "selftest"])
def test_ctrl_c_while_it_imports_is_heard(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = f"invobench.report.{command}_sheet"
    finder = Swallowing(module)
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    done = CliRunner().invoke(app, [command])
    assert finder.came
    assert (done.exit_code, done.stdout, done.stderr) == (130, "", "interrupted\n")
