"""What a spec means: defaults, presets, layers inside networks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from invobench.operators.base import LayerShape
from invobench.spec import read
from invobench.spec.cells import Measure

SPEC = """
# yaml-language-server: $schema=./invobench.schema.json
version: 1
defaults: {batch: 8, in_channels: 64, height: 56, width: 56, dtype: float32, mode: forward}
layers:
  - name: involution
    operator: involution
    kernel_size: 7
    group_channels: 16
    reduction_ratio: 4
    matrix: {kernel_size: [3, 5, 7, 9], backend: [unfold, shift]}
  - {name: conv3x3, operator: conv, out_channels: 64, kernel_size: 3}
  - {name: sasa7x7, operator: stand_alone_attention, kernel_size: 7, num_heads: 8}
networks:
  - {name: rednet26, network: rednet26, batch: 4, height: 224, width: 224}
  - {name: mine, network: resnet, depth: 38, operator: {operator: involution, kernel_size: 5}, stem: {kernel_size: 3}}
measure: {target_ci: 0.01, max_time_s: 2}
"""
ROOT = Path(__file__).parents[2]


def only(found):
    [cell] = found
    return cell


def test_the_format(cells):
    found = cells(SPEC)
    assert [cell.label for cell in found] == [
        *(f"involution kernel_size={k} backend={backend}" for k in (3, 5, 7, 9) for backend in ("unfold", "shift")),
        "conv3x3",
        "sasa7x7",
        "rednet26",
        "mine",
    ]
    first, rednet, mine = found[0], found[-2], found[-1]
    assert (first.spec, first.kind, first.shape) == ("x.yaml", "layer", LayerShape(8, 64, 56, 56))
    assert (first.what.operator, first.what.fields.kernel_size, first.backend) == ("involution", 3, "unfold")
    assert (first.dtype, first.mode, first.scope, first.device) == ("float32", "forward", "module", "auto")
    assert first.measure == Measure(target_ci=0.01, max_time_s=2, timeout_s=600)
    assert (rednet.kind, rednet.shape) == ("network", LayerShape(4, 3, 224, 224))
    assert (mine.shape, mine.what.network, mine.what.fields.depth) == (LayerShape(8, 3, 56, 56), "resnet", 38)
    assert mine.what.fields.stem.fields.kernel_size == 3


def test_what_cells_are_without_a_word(cells):
    text = "version: 1\nlayers: [{name: a, operator: conv}]\nnetworks: [{name: b, network: resnet50}]"
    layer, network = cells(text)
    assert layer.shape == LayerShape(1, 64, 56, 56)
    assert network.shape == LayerShape(1, 3, 224, 224)
    for cell in (layer, network):
        assert (cell.dtype, cell.mode, cell.scope, cell.backend, cell.device) == (
            "float32",
            "forward",
            "module",
            "auto",
            "auto",
        )
        assert cell.measure == Measure()


def test_defaults_hold_where_they_fit(cells):
    text = """
version: 1
defaults: {in_channels: 32, scope: module, reduction_ratio: 2, num_heads: 4, group_channels: 8, device: cpu, bias: true}
layers:
  - {name: a, operator: involution}
  - {name: b, operator: involution, reduction_ratio: 1, groups: 4}
  - {name: c, operator: conv, matrix: {in_channels: [16]}}
  - {name: d, operator: stand_alone_attention}
networks:
  - {name: e, network: rednet26}
"""
    a, b, c, d, e = cells(text)
    assert (a.what.fields.reduction_ratio, a.what.fields.group_channels, a.shape.in_channels) == (2, 8, 32)
    assert (b.what.fields.reduction_ratio, b.what.fields.groups, b.what.fields.group_channels) == (1, 4, None)
    assert (c.what.fields.bias, c.shape.in_channels) == (True, 16)
    assert d.what.fields.num_heads == 4
    assert (e.shape.in_channels, e.device, e.what.fields.operator.fields.reduction_ratio) == (3, "cpu", 4)


@pytest.mark.parametrize(
    "keys",
    [
        "operator: conv, kernel_size: 5, bias: true",
        "operator: {operator: conv, kernel_size: 5, bias: true}",
        "operator: {operator: conv, kernel_size: 5}, bias: true",
    ],
)
def test_an_operator_is_a_name_or_a_mapping(cells, keys):
    cell = only(cells(f"version: 1\nlayers: [{{name: a, {keys}}}]"))
    assert (cell.what.operator, cell.what.fields.kernel_size, cell.what.fields.bias) == ("conv", 5, True)


@pytest.mark.parametrize(
    "keys",
    [
        "module: 'a.b:C.D', kwargs: {x: [1, .5], y: {z: null}}",
        "operator: {module: 'a.b:C.D', kwargs: {x: [1, .5], y: {z: null}}}",
        "operator: module, module: 'a.b:C.D', kwargs: {x: [1, .5], y: {z: null}}",
    ],
)
def test_a_module_stands_where_an_operator_may(cells, keys):
    for section, head in (("layers", "name: a"), ("networks", "name: a, network: resnet26")):
        if section == "networks" and keys.startswith("operator: module"):
            continue
        what = only(cells(f"version: 1\n{section}: [{{{head}, {keys}}}]")).what
        layer = what if section == "layers" else what.fields.operator
        assert layer.operator == "module"
        assert layer.fields.module == "a.b:C.D"
        assert layer.fields.kwargs == {"x": [1, 0.5], "y": {"z": None}}


def network(cells, keys):
    return only(cells(f"version: 1\nnetworks: [{{name: a, {keys}}}]")).what.fields


def test_a_mapping_extends_a_preset(cells):
    fields = network(cells, "network: rednet26, operator: {kernel_size: 5}")
    assert (fields.operator.operator, fields.operator.fields.kernel_size) == ("involution", 5)
    assert (fields.operator.fields.group_channels, fields.depth) == (16, 26)
    # the stem's own kernel size is the preset's
    assert (fields.stem.operator, fields.stem.fields.kernel_size) == ("involution", 7)


def test_a_stem_extends_the_operator(cells):
    fields = network(cells, "network: rednet26, operator: {reduction_ratio: 2}, stem: {kernel_size: 3}")
    assert (fields.stem.fields.kernel_size, fields.stem.fields.reduction_ratio) == (3, 2)


def test_an_operator_of_its_own_replaces(cells):
    fields = network(
        cells, "network: rednet26, operator: {operator: involution, kernel_size: 5}, stem: {operator: conv}"
    )
    assert (fields.operator.fields.kernel_size, fields.operator.fields.group_channels) == (5, None)
    assert (fields.stem.operator, fields.stem.fields.kernel_size) == ("conv", 3)


def test_a_name_replaces(cells):
    fields = network(cells, "network: rednet26, operator: conv, stem: conv")
    assert (fields.operator.operator, fields.operator.fields.kernel_size, fields.stem) == ("conv", 3, "conv")
    assert network(cells, "network: resnet26, stem: involution").stem.operator == "involution"


def test_an_alternative_replaces_the_presets(cells):
    fields = network(cells, "network: rednet26, operator: {groups: 4}")
    assert (fields.operator.fields.groups, fields.operator.fields.group_channels) == (4, None)


def test_names_of_several_files(cells):
    other = SPEC.replace("name: ", "name: other-")
    assert len(cells(SPEC, other)) == 24
    assert {cell.spec for cell in cells(SPEC, other)} == {"x.yaml", "x1.yaml"}


def test_a_backend_that_another_operator_has_is_no_problem(cells):
    assert only(cells("version: 1\nlayers: [{name: a, operator: conv, backend: shift}]")).backend == "shift"


def test_whole_numbers_are_numbers(cells):
    cell = only(cells("version: 1\nlayers: [{name: a, operator: conv}]\nmeasure: {target_ci: 1, max_time_s: 3}"))
    assert (cell.measure.target_ci, cell.measure.max_time_s) == (1.0, 3.0)


def test_a_problem_at_many_places_of_a_network_shows_once(problems):
    text = "version: 1\nnetworks:\n  - {name: a, network: resnet26, operator: {kernel_size: 3, stride: 1}}\n"
    assert problems(text) == ["x.yaml:3:69: networks[0].operator.stride: is set by the network; leave it out"]


@pytest.mark.parametrize("path", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda path: path.name)
def test_every_spec_of_the_project_can_be_read(path):
    assert read([path])


def test_reading_a_spec_imports_no_torch(tmp_path):
    (tmp_path / "x.yaml").write_text(SPEC)
    code = (
        "import sys; from pathlib import Path; from invobench.spec import read; from invobench.spec.schema import "
        "json_schema; json_schema(); read([Path(sys.argv[1])]); sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "x.yaml")], check=False, cwd=ROOT)
    assert done.returncode == 0
