"""The keys of the timing contract: where they may stand, which wins, what cannot be together."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from invobench.measure.interval import MIN_SAMPLES
from invobench.measure.sampling import sample
from invobench.spec import cells as cells_module
from invobench.spec.cells import Measure
from invobench.spec.contract import CONTRACT_KEYS, STANDARD, Contract, ContractKeys
from tests.spec.test_messages import marked

ALL = (
    "cache: cold, execution: compiled, memory_format: channels_last, tf32: true, autograd: true, threads: 2,"
    " affinity: true"
)
EVERYTHING = Contract("cold", "compiled", "channels_last", True, True, 2, True)
TEXT = "version: 1\nlayers: [{{name: a, operator: conv{}}}]\nnetworks: [{{name: b, network: rednet26{}}}]\n{}"


def contracts(found):
    return [cell.contract for cell in found]


def test_what_holds_without_a_word(cells):
    assert contracts(cells(TEXT.format("", "", ""))) == [Contract()] * 2
    assert Contract() == STANDARD == ContractKeys().contract()
    assert dataclasses.asdict(Contract()) == {
        "cache": "hot",
        "execution": "eager",
        "memory_format": "contiguous",
        "tf32": False,
        "autograd": False,
        "threads": None,
        "affinity": False,
    }


@pytest.mark.parametrize("section", ["measure", "defaults"])
def test_keys_hold_for_layers_and_networks(cells, section):
    assert contracts(cells(TEXT.format("", "", f"{section}: {{{ALL}}}"))) == [EVERYTHING] * 2


def test_keys_of_an_entry(cells):
    assert contracts(cells(TEXT.format(f", {ALL}", "", ""))) == [EVERYTHING, STANDARD]
    assert contracts(cells(TEXT.format("", f", {ALL}", ""))) == [STANDARD, EVERYTHING]


def test_an_entry_wins_over_defaults_and_defaults_over_measure(cells):
    text = """
version: 1
measure: {cache: cold, execution: compiled, threads: 4}
defaults: {execution: eager, threads: 3}
layers:
  - {name: a, operator: conv, threads: 2}
  - {name: b, operator: conv, matrix: {threads: [1, null]}}
  - {name: c, operator: conv}
"""
    found = contracts(cells(text))
    assert [contract.threads for contract in found] == [2, 1, None, 3]
    assert {(contract.cache, contract.execution) for contract in found} == {("cold", "eager")}


def test_set_wins_over_all_and_sweeps(cells):
    text = TEXT.format(", cache: hot, threads: 1", "", "measure: {cache: cold, tf32: false}")
    found = cells(text, sets=("cache=hot,cold", "threads=3", "measure.autograd=true", "tf32=true"))
    assert [cell.label for cell in found] == ["a cache=hot", "a cache=cold", "b cache=hot", "b cache=cold"]
    assert {(c.contract.threads, c.contract.autograd, c.contract.tf32) for c in found} == {(3, True, True)}


def test_a_matrix_sweeps_every_key(cells):
    matrix = (
        "{cache: [hot, cold], execution: [eager, compiled], memory_format: [contiguous, channels_last],"
        " tf32: [false, true], autograd: [false, true], threads: [1, 2], affinity: [false, true]}"
    )
    found = cells(TEXT.format(f", matrix: {matrix}", "", ""))[:-1]
    assert len(found) == len(set(contracts(found))) == 2**7
    assert tuple(key for key, _ in found[0].coordinates) == CONTRACT_KEYS


@pytest.mark.parametrize("key", CONTRACT_KEYS)
def test_each_key_makes_another_cell(cells, key):
    plain, changed = (cells(TEXT.format(keys, "", ""))[0] for keys in ("", f", {key}: {_other(key)}"))
    assert plain.key != changed.key
    assert changed.describe()["contract"] == {**plain.describe()["contract"], key: getattr(EVERYTHING, key)}


def _other(key):
    value = getattr(EVERYTHING, key)
    return str(value).lower()


def test_how_to_measure(cells):
    [cell] = cells("version: 1\nlayers: [{name: a, operator: conv}]\nmeasure: {processes: 10, min_samples: 20}")
    assert (cell.measure.processes, cell.measure.min_samples, cell.measure.run_time_s) == (10, 20, None)
    assert cells_module.MIN_SAMPLES == MIN_SAMPLES
    assert Measure().min_samples == inspect.signature(sample).parameters["min_samples"].default


def test_a_runs_budget_makes_no_other_cell(cells):
    text = "version: 1\nlayers: [{{name: a, operator: conv}}]\nmeasure: {{{}}}"
    one, two, three = (cells(text.format(keys))[0] for keys in ("", "run_time_s: 60", "processes: 2"))
    assert two.measure.run_time_s == 60
    assert one.key == two.key != three.key


#: keys of `measure` -> the problems, `column: key: message`
MEASURE_WRONG = {
    "cache: warm": ["18: cache: must be one of hot, cold, not 'warm'"],
    "cache: true": ["18: cache: must be text, not true (quote it)"],
    "execution: cudagraph": [
        "22: execution: must be one of eager, compiled, cuda_graph, not 'cudagraph' (did you mean 'cuda_graph'?)"
    ],
    "memory_format: nhwc": ["26: memory_format: must be one of contiguous, channels_last, not 'nhwc'"],
    "tf32: yes": ["17: tf32: must be true or false, not 'yes'"],
    "autograd: 1": ["21: autograd: must be true or false, not 1"],
    "threads: 0": ["20: threads: must be at least 1, not 0"],
    "threads: 5000": ["20: threads: must be at most 4096, not 5000"],
    "threads: all": ["20: threads: must be a whole number, not 'all'"],
    "affinity: null": ["21: affinity: must be true or false, not null"],
    "processes: 0": ["22: processes: must be at least 1, not 0"],
    "processes: 1001": ["22: processes: must be at most 1000, not 1001"],
    "min_samples: 5": ["24: min_samples: must be at least 6, not 5"],
    "run_time_s: 0": ["23: run_time_s: must be more than 0, not 0"],
    "thread: 2": ["11: thread: unknown key (did you mean 'threads'?)"],
    "cache: warm, target_ci: 0": [
        "18: cache: must be one of hot, cold, not 'warm'",
        "35: target_ci: must be more than 0, not 0",
    ],
}


@pytest.mark.parametrize("keys", MEASURE_WRONG)
def test_wrong_keys_of_measure_are_reported_once_where_they_stand(problems, keys):
    text = f"version: 1\nlayers: [{{name: a, operator: conv}}, {{name: b, operator: conv}}]\nmeasure: {{{keys}}}"
    expected = []
    for problem in MEASURE_WRONG[keys]:
        column, rest = problem.split(": ", 1)
        expected.append(f"x.yaml:3:{column}: measure.{rest}")
    assert problems(text) == expected


def test_a_wrong_key_of_measure_is_reported_where_every_entry_has_its_own(problems):
    text = "version: 1\nmeasure: {cache: warm}\nlayers: [{name: a, operator: conv, cache: cold}]"
    assert problems(text) == ["x.yaml:2:18: measure.cache: must be one of hot, cold, not 'warm'"]


def test_several_values_for_the_whole_spec(problems):
    text = "version: 1\nlayers: [{name: a, operator: conv}]"
    assert problems(text, sets=("measure.cache=hot,cold", "measure.processes=1,2")) == [
        "--set:1:1: measure.cache: must be one value: it holds for the whole spec; --set cache=... sweeps it",
        "--set:2:1: measure.processes: must be one value: it holds for the whole spec",
    ]


GRAPH_CPU = "cuda_graph needs a GPU, and device is cpu: use eager or compiled, or device: cuda"
GRAPH_RECORDED = "cuda_graph replays kernels and records nothing: use eager or compiled, or autograd: false"
TF32_CPU = "needs a GPU, and device is cpu: use tf32: false, or device: cuda"


def _graph_mode(mode):
    return f"cuda_graph replays a forward pass, and mode is {mode}: use eager or compiled, or mode: forward"


def _tf32_dtype(dtype):
    return f"is how float32 products are rounded, and dtype is {dtype}: use dtype: float32, or tf32: false"


#: keys of a layer, `^` before what is wrong -> its problems
TOGETHER = {
    "execution: ^cuda_graph, device: cpu": [f"^ layers[0].execution: {GRAPH_CPU}"],
    "execution: ^cuda_graph, mode: backward": [f"^ layers[0].execution: {_graph_mode('backward')}"],
    "execution: ^cuda_graph, mode: train_step, autograd: true": [f"^ layers[0].execution: {_graph_mode('train_step')}"],
    "execution: ^cuda_graph, autograd: true": [f"^ layers[0].execution: {GRAPH_RECORDED}"],
    "tf32: ^true, dtype: float64": [f"^ layers[0].tf32: {_tf32_dtype('float64')}"],
    "tf32: ^true, dtype: bfloat16": [f"^ layers[0].tf32: {_tf32_dtype('bfloat16')}"],
    "tf32: ^true, device: cpu": [f"^ layers[0].tf32: {TF32_CPU}"],
    "tf32: true, dtype: ^on, device: cuda": [
        "^ layers[0].dtype: must be one of float32, bfloat16, float16, float64, not 'on'",
    ],
    "matrix: {execution: [eager, ^cuda_graph], mode: [forward, backward]}": [
        f"^ layers[0].matrix.execution[1]: {_graph_mode('backward')}"
    ],
}


@pytest.mark.parametrize("keys", TOGETHER)
def test_what_cannot_be_together(problems, keys):
    text, expected = marked(f"operator: conv, {keys}", TOGETHER[keys], start=15)
    assert problems(f"version: 1\nlayers:\n  - {{name: a, {text}}}\n") == expected


def test_two_conflicts_of_one_key(problems):
    text = "version: 1\nlayers: [{name: a, operator: conv, execution: cuda_graph, autograd: true, device: cpu}]"
    at = "x.yaml:2:47: layers[0].execution"
    assert problems(text) == [f"{at}: {GRAPH_CPU}", f"{at}: {GRAPH_RECORDED}"]


def test_a_default_that_a_cell_cannot_have_is_reported_where_it_stands(problems):
    text = "version: 1\nmeasure: {execution: cuda_graph, tf32: true}\nnetworks: [{name: a, network: rednet26}]"
    assert problems(text, sets=("device=cpu",)) == [
        f"x.yaml:2:22: measure.execution: {GRAPH_CPU}",
        f"x.yaml:2:40: measure.tf32: {TF32_CPU}",
    ]


def test_what_auto_means_is_known_when_it_runs(cells):
    [cell] = cells("version: 1\nlayers: [{name: a, operator: conv, execution: cuda_graph, tf32: true}]")
    assert cell.device == "auto"


def test_an_operator_has_no_contract(problems):
    assert problems("version: 1\nlayers: [{name: a, operator: {operator: conv, cache: cold}}]") == [
        "x.yaml:2:47: layers[0].operator.cache: is a key of the layer: give it beside operator"
    ]
