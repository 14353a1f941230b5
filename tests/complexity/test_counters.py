"""fvcore and torch.utils.flop_counter, as they come and with our rules: totals are theirs, places are the module's."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, flop_registry, register_flop_formula

from invobench.complexity.counters import COUNTERS, fvcore, torch_flops
from invobench.complexity.counters.ours import count
from invobench.complexity.reading import reading_of
from invobench.complexity.subject import Subject
from invobench.cost import MODES
from tests.builders import layer
from tests.complexity.subjects import ATTENTION, at_places, reading, rednet26, subject


def identity() -> Subject:
    module, x = nn.Identity(), torch.ones(3)
    return Subject(module, "forward", lambda: None, lambda: module(x), lambda: (module, (x,)))


def test_published_figures(capfd: pytest.CaptureFixture[str]) -> None:
    of = subject()
    found = {name: reading(entry.load(), of).total for name, entry in COUNTERS.items()}
    assert found == {
        "fvcore+ours": 22_880_256,
        "fvcore": 13_146_112,
        "torch+ours": 22_880_256,
        "torch": 13_045_760,
    }
    assert reading_of(count(of)).total == 22_880_256
    assert capfd.readouterr() == ("", "")


def test_a_library_that_knows_nothing_says_nothing() -> None:
    assert [reading(entry.load(), identity()).total for entry in COUNTERS.values()] == [None] * len(COUNTERS)


def test_fvcore_is_quiet_where_warnings_are_errors() -> None:
    """In a fresh process: its import warns too."""
    code = """
from invobench.complexity.counters import fvcore
from tests.builders import layer
from tests.complexity.subjects import reading, subject
print(reading(fvcore.read, subject()).total)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("13146112\n", "")


@pytest.mark.parametrize("of", [subject(), rednet26(), subject(ATTENTION, (1, 8, 5, 7))], ids=["layer", "net", "sasa"])
def test_fvcores_total_is_its_own(of: Subject) -> None:
    module, inputs = of.real()
    with fvcore._quiet("fvcore"), torch.no_grad():
        from fvcore.nn import FlopCountAnalysis

        analysis = FlopCountAnalysis(module, inputs)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        assert reading(fvcore.read, of).total == round(analysis.total())
        unsupported = sum(analysis.unsupported_ops().values())
    views = unsupported - sum(reading(fvcore.read, of).unseen.values())
    assert views == sum("unflatten" in name for name in _names(module, inputs))


def _names(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> list[str]:
    """Operations of the traced graph, by torch's own listing."""
    with fvcore._quiet("fvcore"):
        graph, _ = torch.jit._get_trace_graph(module, inputs)
    return [node.kind() for node in graph.nodes()]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("make", [subject, rednet26], ids=["layer", "network"])
def test_torchs_total_is_its_own(make, mode) -> None:
    of = make(mode=mode)
    of.prepare()
    with FlopCounterMode(display=False) as theirs:
        of.run()
    assert reading(torch_flops.read, make(mode=mode)).total == theirs.get_total_flops() // 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("backend", ["reference", "unfold", "shift"])
def test_torch_with_our_formulas_counts_what_we_count(backend: str, mode: str) -> None:
    of = subject(backend=backend, mode=mode)
    assert at_places(reading(torch_flops.read_with_ours, of)) == at_places(reading_of(count(of)))


def test_torch_errs_backward_where_a_convolution_is_grouped() -> None:
    """Of each group's filters it counts every channel; with our rules it does not."""
    of = subject(layer("conv", kernel_size=3, groups="C"), (2, 8, 5, 5), backend="aten", mode="backward")
    ours = 2 * 2 * 25 * 8 * 9
    assert reading_of(count(of)).total == reading(torch_flops.read_with_ours, of).total == ours
    assert reading(torch_flops.read, of).total != ours


def test_what_each_misses_is_named_where_it_is() -> None:
    of = subject()
    assert reading(fvcore.read, of).unseen_at("") == {"aten::im2col": 1, "aten::mul": 1, "aten::sum": 1}
    assert reading(torch_flops.read, of).unseen_at("") == {"mul": 1}
    assert not reading(torch_flops.read_with_ours, of).unseen
    shifted = subject(backend="shift")
    assert reading(fvcore.read, shifted).unseen_at("") == {"aten::addcmul_": 49, "aten::pad": 1}
    assert reading(torch_flops.read, shifted).unseen_at("") == {"addcmul": 49}


def test_parts_of_an_operators_own_code_are_places() -> None:
    of = subject(ATTENTION, (1, 8, 5, 7))
    projections = dict.fromkeys(("query", "key", "value"), 8 * 8 * 35)
    attention = {"scores": 9 * 8 * 35, "relative": 3 * 8 * 35, "weighted_sum": 9 * 8 * 35}
    assert at_places(reading_of(count(of))) == projections | attention
    assert at_places(reading(torch_flops.read, of)) == projections | {"relative": 3 * 8 * 35}
    theirs = at_places(reading(fvcore.read, of))
    assert theirs.keys() == projections.keys() | {"relative"}
    inside = reading_of(count(rednet26()))
    assert inside.at("stages.0.0.spatial") == 49 * 64 * 16 * 16


def test_fvcore_sees_forward_passes_only() -> None:
    of = subject(mode="backward")
    assert reading(fvcore.read, of).problem == "sees forward passes only"
    assert reading(fvcore.read, of).total is None


def test_a_registered_formula_is_declared() -> None:
    @torch.library.custom_op("invobench_test::weighted", mutates_args=())
    def weighted(x: torch.Tensor) -> torch.Tensor:
        return x * x

    packet = torch.ops.invobench_test.weighted
    register_flop_formula(packet)(lambda shape, *args, out_shape=None, **kwargs: 10 * shape[0])
    x = torch.ones(3)
    of = Subject(nn.Identity(), "forward", lambda: None, lambda: weighted(x), lambda: (nn.Identity(), (x,)))
    try:
        found = reading_of(count(of))
        theirs = reading(torch_flops.read, of)
    finally:
        del flop_registry[packet]
    assert (found.total, found.is_declared_at("")) == (15, True)
    assert theirs.macs == {("", "invobench_test::weighted"): 15}
