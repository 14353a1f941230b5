"""Layers of the user's own: how they are called, and what is said when they cannot be."""

from __future__ import annotations

import sys

import pytest
import torch

from invobench.errors import UsageError
from invobench.operators import BACKENDS, OPERATORS
from invobench.operators.user_module.spec import Fields

SOURCE = """
import torch
from torch import nn

class Blur(nn.Module):
    def __init__(self, *args, stride=None, **kwargs):
        super().__init__()
        self.args, self.stride, self.kwargs = args, stride, kwargs

    def forward(self, x):
        return x / 2

class Layers:
    Inner = Blur

def refuses(size):
    raise ValueError(f"size {size}\\nis too small")

def leaves():
    raise SystemExit(3)

def not_a_module():
    return [1]

NUMBER = 3
"""


@pytest.fixture(autouse=True)
def package(tmp_path, monkeypatch):
    """A package `ours_of_a_test` in the current directory, which is not on the path yet."""
    folder = tmp_path / "ours_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "layers.py").write_text(SOURCE)
    (folder / "broken.py").write_text("x = = 1\n")
    (folder / "needs.py").write_text("import a_package_that_is_not_there\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("ours_of_a_test")]:
        del sys.modules[name]


def built(target: str, place: tuple[int, int] | None = None, **kwargs):
    fields = Fields(module=target, kwargs=kwargs)
    fields = fields if place is None else fields.placed(*place)
    return OPERATORS["module"].build(fields, 8, BACKENDS["module"]["own"].load())


def test_alone_it_is_called_with_its_kwargs():
    module = built("ours_of_a_test.layers:Blur", size=3)
    assert (module.args, module.stride, module.kwargs) == ((), None, {"size": 3})
    assert torch.equal(module(torch.ones(1)), torch.full((1,), 0.5))


def test_in_a_network_it_is_called_with_channels_and_stride():
    module = built("ours_of_a_test.layers:Blur", (16, 2), size=3)
    assert (module.args, module.stride, module.kwargs) == ((16,), 2, {"size": 3})


def test_nested_attributes():
    assert type(built("ours_of_a_test.layers:Layers.Inner")).__name__ == "Blur"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("not_there_at_all:X", "there is no module 'not_there_at_all' in {here} or on Python's path"),
        ("ours_of_a_test.layer:X", "there is no module 'ours_of_a_test.layer' in {here} or on Python's path"),
        ("ours_of_a_test.layers:Blurr", "'ours_of_a_test.layers' has no 'Blurr' (did you mean 'Blur'?)"),
        ("ours_of_a_test.layers:NUMBER", "is a int, which cannot be called"),
        ("ours_of_a_test.layers:not_a_module", "made a list, not a torch.nn.Module"),
        ("ours_of_a_test.layers:leaves", "calling it raised SystemExit: 3"),
        (
            "ours_of_a_test.layers:refuses",
            "calling it raised TypeError: refuses() missing 1 required positional argument: 'size'",
        ),
        (
            "ours_of_a_test.needs:X",
            "importing 'ours_of_a_test.needs' raised "
            "ModuleNotFoundError: No module named 'a_package_that_is_not_there'",
        ),
    ],
)
def test_messages(target, message, package):
    with pytest.raises(UsageError) as raised:
        built(target)
    assert str(raised.value) == f"module '{target}': {message.format(here=package)}"


def test_the_constructors_error_is_on_one_line():
    with pytest.raises(UsageError) as raised:
        built("ours_of_a_test.layers:refuses", size=2)
    expected = "module 'ours_of_a_test.layers:refuses': calling it raised ValueError: size 2 is too small"
    assert str(raised.value) == expected


def test_a_file_that_is_not_python():
    with pytest.raises(UsageError, match=r"importing 'ours_of_a_test\.broken' raised SyntaxError: ") as raised:
        built("ours_of_a_test.broken:X")
    assert "\n" not in str(raised.value)
