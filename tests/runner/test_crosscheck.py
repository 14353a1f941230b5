"""Cells and modules through every counter: ours is the formula's, a wrong formula is seen, errors name the place."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from invobench.complexity.counters import COUNTERS
from invobench.complexity.counters.ours import count
from invobench.complexity.crosscheck import Word
from invobench.cost import MODES, Cost
from invobench.errors import MeasurementError, UnknownName, UsageError
from invobench.operators import BACKENDS, OPERATORS
from invobench.operators.base import LayerShape
from invobench.runner.crosscheck import Asked, How, check, check_cell, counting_case
from invobench.runner.subjects import subject_of
from invobench.spec.cells import DTYPES, NetworkSpec
from tests.builders import cell, involution, layer
from tests.networks.build import ATTENTION, CONV, fields, rednet

OURS_ALONE = How(counters=())
SPEC = """\
version: 1
defaults: {in_channels: 16, height: 9, width: 9}
layers:
  - {name: inv, operator: involution, kernel_size: 3, group_channels: 4, matrix: {backend: [unfold, shift]}}
"""


def asked(**changes: Any) -> Asked:
    given: dict[str, Any] = {
        "specs": [],
        "overrides": [],
        "module": None,
        "size": None,
        "mode": None,
        "counters": "ours",
        "storage": "meta",
    }
    return Asked(**{**given, **changes})


LAYERS = [
    involution(),
    involution(stride=2, form="linear"),
    layer("conv", kernel_size=3, bias=True),
    layer("conv", kernel_size=2, stride=3, padding=0, groups="C"),
    layer("stand_alone_attention", kernel_size=3, num_heads=4, stride=2),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("what", LAYERS, ids=str)
def test_layers_agree_in_every_term_with_every_backend_and_dtype(what, mode) -> None:
    for backend, entry in BACKENDS[what.operator].items():
        for dtype in entry.dtypes or DTYPES:
            found = check_cell(cell(what, backend=backend, mode=mode, dtype=dtype), OURS_ALONE).found
            assert found.agrees, (backend, dtype, found)
            words = {item.name: item.verdicts["ours"].word for item in found.checks}
            declared = {name for name, word in words.items() if word is Word.DECLARED}
            assert declared == ({"aggregate"} if BACKENDS[what.operator][backend].opaque else set())
            assert set(words.values()) <= {Word.MATCH, Word.DECLARED}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "network",
    [rednet(26), fields(26, CONV), fields(26, ATTENTION, ATTENTION)],
    ids=["rednet", "resnet", "sasa"],
)
def test_networks_agree_in_every_term(network, mode) -> None:
    item = cell(NetworkSpec("resnet", network), (2, 3, 65, 97), mode=mode)
    found = check_cell(item, OURS_ALONE).found
    assert found.agrees
    assert len(found.checks) >= 30


@pytest.mark.parametrize("network", ["resnet26", "rednet26"])
def test_the_cells_convention_is_the_formulas(network: str) -> None:
    """What the counters say of a network is what its cost says, under every counter with our rules."""
    made = {"resnet26": fields(26, CONV), "rednet26": rednet(26)}[network]
    item = cell(NetworkSpec("resnet", made), (1, 3, 64, 64), backend="auto")
    cost = item.cost()
    assert cost is not None
    found = check_cell(item, How(("torch+ours",))).found
    assert {reading.total for reading in found.readings.values()} == {cost.macs()}


def test_rednet152_counts_in_five_seconds_on_one_core() -> None:
    torch.set_num_threads(1)
    start = time.process_time()
    case = counting_case(cell(NetworkSpec("rednet152", rednet(152)), (1, 3, 224, 224)))
    macs = count(subject_of(case)).macs
    assert time.process_time() - start < 5
    assert macs == 6_703_429_120


@pytest.mark.parametrize("change", ["operations", "place"])
def test_a_wrong_formula_is_seen(monkeypatch: pytest.MonkeyPatch, change: str, tmp_path: Path) -> None:
    entry = type(OPERATORS["involution"])
    right = entry.cost

    def wrong(self: Any, fields: Any, shape: LayerShape, scope: str = "module") -> Cost:
        cost = right(self, fields, shape, scope)
        assert cost is not None
        *others, last = cost.terms
        changed = {"operations": last.operations - 1} if change == "operations" else {"place": "span"}
        return replace(cost, terms=(*others, replace(last, **changed)))

    path = tmp_path / "a.yaml"
    path.write_text(SPEC)
    assert check(asked(specs=[path])).exit_code == 0
    monkeypatch.setattr(entry, "cost", wrong)
    assert check(asked(specs=[path])).exit_code == 1


def test_a_module_without_a_formula_is_counted() -> None:
    outcome = check(asked(module="tests.user_layers:Plain", size="8,16,9,9", counters=None))
    (checked,) = outcome.checked
    assert (outcome.exit_code, outcome.errors) == (0, ())
    assert list(checked.found.readings) == ["ours", *COUNTERS]
    assert [(item.name, item.expected) for item in checked.found.checks] == [("conv", 8 * 81 * 9 * 256)]
    backward = check(asked(module="tests.user_layers:Plain", size="8,16,9,9", mode="backward")).checked[0]
    assert backward.found.expected == 2 * checked.found.expected


def test_every_cell_is_checked_though_one_cannot_be_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(SPEC + "  - {name: mine, module: 'tests.user_layers:Spectral'}\n")
    outcome = check(asked(specs=[path]))
    assert [checked.label for checked in outcome.checked] == ["inv backend=unfold", "inv backend=shift"]
    assert [str(error) for error in outcome.errors] == [
        "mine: cannot count: no rule for _fft_c2c ×1 in its own code: please report it (a rule is a line in "
        "invobench/complexity/rules.py or kinds.py)"
    ]
    assert outcome.exit_code == 4


@pytest.mark.parametrize("name", ["Choosy", "Eager"])
def test_a_module_that_needs_values_says_so_and_what_to_do(name: str) -> None:
    outcome = check(asked(module=f"tests.user_layers:{name}", size="2,16,5,5"))
    (error,) = outcome.errors
    assert isinstance(error, MeasurementError)
    assert str(error).startswith(f"tests.user_layers:{name}: ")
    assert str(error).endswith("; it needs values, which meta tensors do not have: --storage cpu counts on real ones")
    assert outcome.exit_code == 4
    real = check(asked(module=f"tests.user_layers:{name}", size="2,16,5,5", storage="cpu"))
    assert (real.exit_code, real.checked[0].found.expected) == (0, 2 * 16 * 25)


def test_another_mistake_is_not_blamed_on_meta() -> None:
    outcome = check(asked(module="tests.user_layers:Plain", size="2,3,5,5"))
    (error,) = outcome.errors
    assert "channel" in str(error)
    assert "--storage" not in str(error)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "size", "macs"),
    [("encoder", "2,5,8", 5_920), ("gated", "2,8,5,5", 464), ("separable", "2,8,5,5", 10_000), ("rnn", "2,5,8", None)],
)
def test_modules_as_users_have_them(name: str, size: str, macs: int | None, mode: str) -> None:
    outcome = check(asked(module=f"tests.user_layers:{name}", size=size, mode=mode))
    assert outcome.errors == ()
    found = outcome.checked[0].found
    assert found.expected > 0
    if macs is not None:
        assert found.expected == {"forward": 1, "backward": 2, "train_step": 3}[mode] * macs


def test_a_backend_that_the_operator_lacks_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("version: 1\nlayers: [{name: a, operator: conv, backend: shift}]\n")
    outcome = check(asked(specs=[path]))
    assert [str(error) for error in outcome.errors] == [
        "a: backend shift: conv has none of that name; it has: reference, aten"
    ]
    assert outcome.exit_code == 4


def test_a_counter_that_fails_informs(monkeypatch: pytest.MonkeyPatch) -> None:
    from invobench.complexity.counters import torch_flops

    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("theirs")

    monkeypatch.setattr(torch_flops, "read", broken)
    found = check_cell(cell(involution()), How(("torch",))).found
    assert (found.readings["torch"].problem, found.agrees) == ("ZeroDivisionError: theirs", True)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({}, UsageError, "crosscheck takes SPEC files, or --module PACKAGE.MODULE:FACTORY with --input N,C,H,W"),
        ({"specs": [Path("a")], "size": "1,2"}, UsageError, "crosscheck takes SPEC files, or --module"),
        ({"specs": [Path("a")], "mode": "backward"}, UsageError, "--mode is for --module: --set mode=backward does it"),
        ({"module": "a", "size": "1,2"}, UsageError, "--module: must be package.module:factory, not 'a'"),
        ({"module": "a:b"}, UsageError, "--module needs --input N,C,H,W, and neither SPEC nor --set"),
        (
            {"module": "a:b", "size": "8;9"},
            UsageError,
            "--input: must be sizes such as 8,64,56,56, not '8;9'",
        ),
        ({"module": "a:b", "size": "8,0"}, UsageError, "--input: must be sizes such as 8,64,56,56, not '8,0'"),
        ({"module": "nowhere.at:all", "size": "8,9"}, UsageError, "module 'nowhere.at:all': there is no module"),
        ({"module": "a:b", "size": "8,9", "mode": "backwards"}, UnknownName, "unknown mode 'backwards'"),
        ({"counters": "fvcor"}, UnknownName, "unknown counter 'fvcor' (did you mean 'fvcore'?)"),
        ({"storage": "gpu"}, UnknownName, "unknown storage 'gpu'"),
    ],
)
def test_bad_usage(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        check(asked(**changes))
    assert str(raised.value).startswith(message)
