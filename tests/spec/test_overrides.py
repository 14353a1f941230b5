"""`--set key=value[,value...]`."""

from __future__ import annotations

import pytest

SPEC = """
version: 1
defaults: {batch: 2}
layers:
  - name: involution
    operator: involution
    matrix: {kernel_size: [3, 5, 7], backend: [unfold, shift]}
  - {name: conv, operator: {operator: conv, kernel_size: 3}, scope: module}
  - {name: own, module: a:B, kwargs: {x: 1}}
networks:
  - {name: rednet, network: rednet26, matrix: {operator.kernel_size: [3, 5], stem: [conv, involution]}}
  - {name: resnet, network: resnet50, module: a:B}
measure: {max_time_s: 1}
"""


def chosen(cells, *sets):
    return {cell.label: cell for cell in cells(SPEC, sets=sets)}


def test_one_value_replaces_a_key_and_a_list_of_the_matrix(cells):
    found = chosen(cells, "kernel_size=9")
    assert list(found) == [
        "involution kernel_size=9 backend=unfold",
        "involution kernel_size=9 backend=shift",
        "conv",
        "own",
        "rednet operator.kernel_size=3 stem=conv",
        "rednet operator.kernel_size=3 stem=involution",
        "rednet operator.kernel_size=5 stem=conv",
        "rednet operator.kernel_size=5 stem=involution",
        "resnet",
    ]
    assert found["involution kernel_size=9 backend=shift"].what.fields.kernel_size == 9
    assert found["conv"].what.fields.kernel_size == 9
    assert found["resnet"].what.fields.operator.fields.module == "a:B"


def test_several_values_make_or_replace_a_dimension(cells):
    labels = list(chosen(cells, "kernel_size=9,11"))
    assert labels[:6] == [
        "involution kernel_size=9 backend=unfold",
        "involution kernel_size=11 backend=unfold",
        "involution kernel_size=9 backend=shift",
        "involution kernel_size=11 backend=shift",
        "conv kernel_size=9",
        "conv kernel_size=11",
    ]


def test_overrides_of_cell_keys_reach_networks_too(cells):
    found = chosen(cells, "device=cuda:1", " batch = 4 ", "backend=unfold,shift", "dtype=float64")
    assert {(c.device, c.shape.batch, c.dtype) for c in found.values()} == {("cuda:1", 4, "float64")}
    assert [label for label in found if label.startswith(("conv", "resnet"))] == [
        "conv backend=unfold",
        "conv backend=shift",
        "resnet backend=unfold",
        "resnet backend=shift",
    ]


def test_dotted_keys_override_a_networks_layers(cells):
    found = chosen(cells, "operator.kernel_size=9", "stem.kernel_size=3")
    assert [label for label in found if label.startswith("rednet")] == [
        "rednet operator.kernel_size=9 stem=conv",
        "rednet operator.kernel_size=9 stem=involution",
    ]
    fields = found["rednet operator.kernel_size=9 stem=involution"].what.fields
    assert (fields.operator.fields.kernel_size, fields.stem.fields.kernel_size) == (9, 3)
    assert found["rednet operator.kernel_size=9 stem=conv"].what.fields.stem == "conv"
    assert found["conv"].what.fields.kernel_size == 3


def test_measure_scope_and_arguments(cells):
    found = chosen(cells, "measure.max_time_s=0.1", "scope=module", "kwargs.x=5", "operator.kwargs={y: [1, 2]}")
    assert {cell.measure.max_time_s for cell in found.values()} == {0.1}
    assert found["own"].what.fields.kwargs == {"x": 5}
    assert found["resnet"].what.fields.operator.fields.kwargs == {"y": [1, 2]}


def test_an_operator_comes_before_its_fields(cells):
    text = "version: 1\nlayers: [{name: a, operator: conv}]"
    [cell] = cells(text, sets=("reduction_ratio=2", "operator=involution"))
    assert (cell.what.operator, cell.what.fields.reduction_ratio) == ("involution", 2)


def test_an_alternative_replaces_the_other(cells):
    text = "version: 1\nlayers: [{name: a, operator: involution, group_channels: 16}]"
    [cell] = cells(text, sets=("groups=2",))
    assert (cell.what.fields.groups, cell.what.fields.group_channels) == (2, None)


EXAMPLE = "must be key=value, such as kernel_size=5 or backend=unfold,shift"
WRONG = {
    "kernel_siz=5": "1: kernel_siz: no cell of the spec has this key (did you mean 'kernel_size'?)",
    "num_heads=5": "1: num_heads: no cell of the spec has this key",
    "name=b": "1: name: no cell of the spec has this key",
    "measure.max_tim=1": "1: measure.max_tim: no cell of the spec has this key (did you mean 'measure.max_time_s'?)",
    "measure.max_time_s=1,2": "1: measure.max_time_s: must be one value: it holds for the whole spec",
    "measure.max_time_s=0": "20: measure.max_time_s: must be more than 0, not 0",
    "kernel_size": f"1: --set: {EXAMPLE}, not 'kernel_size'",
    "=5": f"1: --set: {EXAMPLE}, not '=5'",
    "5=5": f"1: --set: {EXAMPLE}, not '5=5'",
    "": f"1: --set: {EXAMPLE}, not ''",
    "batch=": f"7: batch: has no value: {EXAMPLE}",
    "batch=7x": "7: batch: must be a whole number, not '7x'",
    "batch=1,7x": "9: batch: must be a whole number, not '7x'",
    "batch=1,2,1": "11: batch: 1 is in the list twice",
    "batch=.nan": "7: batch: must be a finite number, not .nan",
    "batch=!!foo 3": "7: batch: tag '!!foo' is not supported here: remove it",
    "batch=*a": "7: batch: alias '*a' has no anchor '&a' before it",
    "batch=3], [5": "9: batch: is not valid YAML: did not find expected <document start>",
    "batch=\x00": "7: batch: is not plain text: control character U+0000 here",
    "dtype=on": "7: dtype: must be one of float32, bfloat16, float16, float64, not 'on'",
    "backend=shft": (
        "9: backend: unknown backend 'shft' (did you mean 'shift'?);"
        " there are: aten, auto, cpp, fused, own, reference, shift, unfold"
    ),
    "scope=aggregation": "7: scope: must be module for conv, not 'aggregation'",
    "depth=5": "7: depth: must be one of 26, 38, 50, 101, 152, not 5",
}


@pytest.mark.parametrize("override", WRONG)
def test_wrong_override(problems, override):
    text = SPEC.replace("  - {name: own, module: a:B, kwargs: {x: 1}}\n", "")
    assert problems(text, sets=("batch=4", override) if "batch" not in override else ("width=9", override)) == [
        f"--set:2:{WRONG[override]}"
    ]


def test_a_key_set_twice(problems):
    assert problems(SPEC, sets=("batch=1", "batch=2")) == [
        "--set:2:1: batch: is set twice (also by --set number 1): keep one"
    ]


def test_too_many_cells(problems):
    values = ",".join(map(str, range(1, 2001)))
    text = "version: 1\nlayers: [{name: a, operator: conv, matrix: {height: [1, 2, 3, 4, 5, 6]}}]"
    assert problems(text, sets=(f"batch={values}",)) == [
        "--set:1:1: batch: with the matrix makes 12,000 cells: a spec has at most 10,000"
    ]


def test_keys_of_a_layer_that_is_not_known_are_not_judged(problems):
    text = "version: 1\nlayers: [{name: a, operator: involutoin}]"
    assert [problem.split(": ")[1] for problem in problems(text, sets=("reduction_ratio=2",))] == ["layers[0].operator"]
