"""The product, `exclude` and `include` of a matrix."""

from __future__ import annotations

import pytest

from invobench.spec.loader import parse
from invobench.spec.located import Place
from invobench.spec.matrix import expand

LAYER = "version: 1\nlayers:\n  - name: a\n    operator: conv\n    matrix: {}\n"


def points(text):
    report: set = set()
    matrix = parse(text, Place("x.yaml", 1, 1), report).root
    found = [{key: item.plain() for key, item in point.items()} for point in expand(matrix, report)]
    assert not report
    return found


def test_product_in_order_the_last_list_fastest():
    assert points("{a: [1, 2], b: 3, c: [x, y]}") == [
        {"a": 1, "b": 3, "c": "x"},
        {"a": 1, "b": 3, "c": "y"},
        {"a": 2, "b": 3, "c": "x"},
        {"a": 2, "b": 3, "c": "y"},
    ]


def test_exclude_takes_out_what_it_matches_in_part():
    assert points("{a: [1, 2], b: [3, 4], exclude: [{a: 1}, {a: 2, b: 4}]}") == [{"a": 2, "b": 3}]


def test_exclude_compares_types():
    assert points("{a: [1, '1', 1.5], exclude: [{a: '1'}]}") == [{"a": 1}, {"a": 1.5}]


def test_include_by_the_example_of_githubs_documentation():
    text = """
fruit: [apple, pear]
animal: [cat, dog]
include:
  - color: green
  - {color: pink, animal: cat}
  - {fruit: apple, shape: circle}
  - fruit: banana
  - {fruit: banana, animal: cat}
"""
    assert points(text) == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]


def test_exclude_comes_before_include():
    assert points("{a: [1, 2], exclude: [{a: 1}], include: [{a: 1, b: 5}]}") == [{"a": 2}, {"a": 1, "b": 5}]
    assert points("{a: [1], exclude: [{a: 1}], include: [{a: 3}]}") == [{"a": 3}]


def test_include_alone():
    assert points("{include: [{a: 1}, {a: 2, b: 3}]}") == [{"a": 1}, {"a": 2, "b": 3}]


MANY = "[" + ", ".join(map(str, range(1, 102))) + "]"
#: matrix -> `column: key: message`, columns within the matrix
WRONG = {
    "{}": ["1: : is empty: give a key a list of values, or remove it"],
    "{kernel_size: []}": ["15: .kernel_size: is an empty list: give at least one value"],
    "{kernel_size: [], batch: [0]}": [
        "15: .kernel_size: is an empty list: give at least one value",
        "27: .batch[0]: must be at least 1, not 0",
    ],
    "{kernel_size: {a: 1}}": ["15: .kernel_size: must be a list of values, not a mapping"],
    "{kernel_size: [3, 5, 3]}": ["22: .kernel_size[2]: 3 is in the list twice"],
    "{kernel_siz: [3, 5]}": ["2: .kernel_siz: unknown key (did you mean 'kernel_size'?)"],
    "{name: [b]}": ["2: .name: unknown key"],
    "{batch.x: [1]}": ["2: .batch.x: unknown key (did you mean 'batch'?)"],
    "{operator.kernel_size: [3]}": ["2: .operator.kernel_size: unknown key (did you mean 'kernel_size'?)"],
    "{batch: [1, 0], height: [3, 4x]}": [
        "13: .batch[1]: must be at least 1, not 0",
        "29: .height[1]: must be a whole number, not '4x'",
    ],
    "{batch: [1], exclude: [{batch: 1}]}": ["23: .exclude: leaves no combination of the matrix"],
    "{batch: [1], exclude: [{batch: 2}]}": ["24: .exclude[0]: matches no combination of the matrix"],
    "{batch: [1, 2], exclude: [{bach: 2}]}": [
        "28: .exclude[0].bach: is not a key of this matrix (did you mean 'batch'?)"
    ],
    "{batch: [1, 2], exclude: {batch: 2}}": ["26: .exclude: must be a list of mappings, not a mapping"],
    "{batch: [1, 2], exclude: []}": ["26: .exclude: must have 1 to 1,000 items, not 0"],
    "{batch: [1, 2], include: [{}, 3]}": [
        "27: .include[0]: must be a mapping of keys to values, not an empty one",
        "31: .include[1]: must be a mapping of keys to values, not 3",
    ],
    "{batch: [1, 2], include: [{batch: 3}, {batch: 3}]}": [
        "39: .include[1]: makes a combination that another item has made"
    ],
    "{batch: [1, 2], include: [{kernel_siz: 3}, {batch: 0}]}": [
        "28: .include[0].kernel_siz: unknown key (did you mean 'kernel_size'?)",
        "52: .include[1].batch: must be at least 1, not 0",
    ],
    f"{{batch: {MANY}, height: {MANY}}}": ["1: : makes 10,201 cells: a spec has at most 10,000"],
    f"{{kernel_size: [], batch: {MANY}, height: {MANY}, width: {MANY}}}": [
        "1: : makes 1,030,301 cells: a spec has at most 10,000",
        "15: .kernel_size: is an empty list: give at least one value",
    ],
}


@pytest.mark.parametrize("matrix", WRONG)
def test_wrong_matrix(problems, matrix):
    expected = []
    for text in WRONG[matrix]:
        column, key, message = text.split(": ", 2)
        expected.append(f"x.yaml:5:{int(column) + 12}: layers[0].matrix{key}: {message}")
    assert problems(LAYER.format(matrix)) == expected


def test_a_spec_has_ten_thousand_cells(cells, problems):
    hundred = "[" + ", ".join(map(str, range(1, 101))) + "]"
    text = LAYER.format(f"{{batch: {hundred}, height: {hundred}}}")
    assert len(cells(text)) == 10_000
    assert problems(text + "  - {name: b, operator: conv}\n") == [
        "x.yaml:6:5: layers[1]: with what is before it makes 10,001 cells: a spec has at most 10,000"
    ]
    assert problems(LAYER.format(f"{{batch: {hundred}, height: {hundred}, include: [{{batch: 101}}]}}")) == [
        "x.yaml:5:13: layers[0].matrix: makes 10,001 cells: a spec has at most 10,000"
    ]


def test_coordinates_are_the_keys_of_the_matrix_in_order(cells):
    text = LAYER.format("{dtype: [float16, float32], kernel_size: 5, backend: [aten], include: [{batch: 3}]}")
    assert [cell.coordinates for cell in cells(text)] == [
        (("dtype", dtype), ("kernel_size", 5), ("backend", "aten"), ("batch", 3)) for dtype in ("float16", "float32")
    ]
    assert {(cell.dtype, cell.shape.batch, cell.backend) for cell in cells(text)} == {
        ("float16", 3, "aten"),
        ("float32", 3, "aten"),
    }


def test_operators_in_a_matrix(cells):
    text = LAYER.format("{operator: [involution, {operator: conv, bias: true}], kernel_size: [3, 5]}")
    found = [(cell.what.operator, cell.what.fields.kernel_size, cell.coordinates[0][1]) for cell in cells(text)]
    mapping = '{"bias": true, "operator": "conv"}'
    assert found == [
        ("involution", 3, "involution"),
        ("involution", 5, "involution"),
        ("conv", 3, mapping),
        ("conv", 5, mapping),
    ]


def test_dotted_keys_lead_into_a_networks_layers(cells):
    text = """
version: 1
networks:
  - name: a
    network: rednet26
    matrix: {operator.kernel_size: [3, 5], stem.kernel_size: [9], network: [rednet26, resnet26]}
"""
    found = [(c.what.fields.operator, c.what.fields.stem, c.coordinates[2][1]) for c in cells(text)]
    assert [(a.operator, a.fields.kernel_size, b.operator, b.fields.kernel_size, name) for a, b, name in found] == [
        ("involution", 3, "involution", 9, "rednet26"),
        ("conv", 3, "conv", 9, "resnet26"),
        ("involution", 5, "involution", 9, "rednet26"),
        ("conv", 5, "conv", 9, "resnet26"),
    ]


def test_a_dotted_key_below_a_name_keeps_the_name(cells, problems):
    text = "version: 1\nnetworks: [{{name: a, network: resnet, depth: 26, operator: {}, matrix: {}}}]"
    [cell] = cells(text.format("involution", "{operator.kernel_size: [3]}"))
    assert (cell.what.fields.operator.operator, cell.what.fields.operator.fields.kernel_size) == ("involution", 3)
    assert problems(text.format("5", "{operator.kernel_size: [3]}")) == [
        "x.yaml:2:60: networks[0].operator: must be the name of an operator or a mapping, not 5"
    ]
    assert problems(text.format("conv", "{operator.kernel_siz: [3], depht.x: 4}")) == [
        "x.yaml:2:75: networks[0].matrix.operator.kernel_siz: unknown key (did you mean 'kernel_size'?)",
        "x.yaml:2:101: networks[0].matrix.depht.x: unknown key (did you mean 'depth'?)",
    ]


def test_keyword_arguments_in_a_matrix(cells):
    text = "version: 1\nlayers: [{name: a, module: a:B, kwargs: {x: 1, y: 2}, matrix: {kwargs.x: [3, 4]}}]"
    assert [cell.what.fields.kwargs for cell in cells(text)] == [{"x": 3, "y": 2}, {"x": 4, "y": 2}]
