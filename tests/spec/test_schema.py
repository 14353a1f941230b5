"""The JSON Schema says what the reader says."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from invobench.spec.loader import parse
from invobench.spec.located import Place
from invobench.spec.schema import json_schema
from tests.spec.test_cells import ROOT, SPEC

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def errors(text):
    return list(VALIDATOR.iter_errors(parse(text, Place("x.yaml", 1, 1), set()).root.plain()))


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda path: path.name)
def test_specs_of_the_project_fit(path: Path):
    assert not errors(path.read_text())


GOOD = [
    SPEC,
    "version: 1\nlayers: [{name: a, module: 'a.b:C', kwargs: {x: 1}, matrix: {kwargs.x: [1, 2]}}]",
    "version: 1\nlayers: [{name: a, operator: {operator: conv, kernel_size: 3}}]",
    "version: 1\nlayers: [{name: a, matrix: {operator: [conv, involution], kernel_size: 3}}]",
    "version: 1\nlayers: [{name: a, matrix: {include: [{operator: conv, bias: true}, {operator: involution}]}}]",
    "version: 1\nlayers: [{name: a, operator: involution, group_channels: C, scope: aggregation}]",
    "version: 1\nnetworks: [{name: a, network: resnet50, module: 'a:B', stem: conv}]",
    "version: 1\nnetworks: [{name: a, network: rednet26, matrix: {operator.kernel_size: [3], include: [{batch: 2}]}}]",
    "version: 1\nnetworks: [{name: a, network: rednet26, device: 'cuda:1', stem: {kernel_size: 3}}]",
    "version: 1\nlayers: [{name: a, operator: conv, cache: cold, matrix: {threads: [1, null], tf32: [true, false]}}]",
    "version: 1\nnetworks: [{name: a, network: rednet26, tf32: true}]\ndefaults: {memory_format: channels_last}",
    "version: 1\nlayers: [{name: a, operator: conv}]\nmeasure: {cache: cold, processes: 10, run_time_s: 9}",
]


@pytest.mark.parametrize("text", GOOD)
def test_good_specs_fit(cells, text):
    assert cells(text)
    assert not errors(text)


BAD = [
    "version: 2\nlayers: [{name: a, operator: conv}]",
    "layers: [{name: a, operator: conv}]",
    "version: 1",
    "version: 1\nlayers: []",
    "version: 1\nlayers: {}",
    "version: 1\nlayer: []\nnetworks: [{name: a, network: resnet50}]",
    "version: 1\nlayers: [{operator: conv}]",
    "version: 1\nlayers: [{name: a b, operator: conv}]",
    "version: 1\nlayers: [{name: a}]",
    "version: 1\nlayers: [{name: a, operator: convv}]",
    "version: 1\nlayers: [{name: a, operator: conv, group_channels: 4}]",
    "version: 1\nlayers: [{name: a, operator: conv, kernel_siz: 4}]",
    "version: 1\nlayers: [{name: a, operator: conv, kernel_size: 7x}]",
    "version: 1\nlayers: [{name: a, operator: conv, kernel_size: 0}]",
    "version: 1\nlayers: [{name: a, operator: {operator: conv, kernel_siz: 4}}]",
    "version: 1\nlayers: [{name: a, operator: conv, dtype: on}]",
    "version: 1\nlayers: [{name: a, operator: conv, backend: shft}]",
    "version: 1\nlayers: [{name: a, operator: conv, device: gpu}]",
    "version: 1\nlayers: [{name: a, operator: conv, batch: 1000000}]",
    "version: 1\nlayers: [{name: a, operator: conv, matrix: {}}]",
    "version: 1\nlayers: [{name: a, operator: conv, matrix: {batch: []}}]",
    "version: 1\nlayers: [{name: a, operator: conv, matrix: {bach: [1]}}]",
    "version: 1\nlayers: [{name: a, module: nowhere}]",
    "version: 1\nnetworks: [{name: a, network: rednet27}]",
    "version: 1\nnetworks: [{name: a, network: rednet26, scope: module}]",
    "version: 1\nnetworks: [{name: a, network: rednet26, operator: {stride: 2}}]",
    "version: 1\nnetworks: [{name: a, network: rednet26, stem: involutoin}]",
    "version: 1\nnetworks: [{name: a, network: resnet, depth: 27, operator: conv}]",
    "version: 1\nlayers: [{name: a, operator: conv}]\ndefaults: {bach: 2}",
    "version: 1\nlayers: [{name: a, operator: conv}]\ndefaults: {module: 'a:B'}",
    "version: 1\nlayers: [{name: a, operator: conv}]\nmeasure: {max_time: 2}",
    "version: 1\nlayers: [{name: a, operator: conv}]\nmeasure: {cache: warm}",
    "version: 1\nlayers: [{name: a, operator: conv}]\nmeasure: {min_samples: 5}",
    "version: 1\nlayers: [{name: a, operator: conv, threads: 0}]",
    "version: 1\nnetworks: [{name: a, network: rednet26, matrix: {execution: []}}]",
    "version: 1\nlayers: [{name: a, operator: conv}]\ndefaults: {processes: 2}",
]


@pytest.mark.parametrize("text", BAD)
def test_bad_specs_fit_neither_the_schema_nor_the_reader(problems, text):
    assert problems(text)
    assert errors(text)


def test_the_committed_schema_is_the_present_one():
    committed = (ROOT / "specs" / "invobench.schema.json").read_text()
    assert json.loads(committed) == SCHEMA, "run: invobench schema > specs/invobench.schema.json"
