"""The example package of the documentation: its operator, backend and network do what ours do."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest

from invobench.results import read_results
from tests.plugins.installed import ACME, ROOT, install, install_acme, invobench, run

HEADING = "## Your own operators in your own package"
SPEC = """\
version: 1
defaults: {batch: 1, in_channels: 16, height: 9, width: 9}
layers:
  - name: shift
    operator: shift_conv
    matrix: {distance: [1, 2], backend: [reference, auto]}
  - {name: mine, operator: involution, kernel_size: 3, group_channels: 4, backend: einsum}
networks:
  - {name: net, network: shift_resnet26, height: 32, width: 32}
measure: {target_ci: 1.0, max_time_s: 0.01}
"""
#: another package: a network of its own, and a backend of ours that is wrong
STACK = {
    "stacks/__init__.py": "",
    "stacks/entries.py": """\
from invobench.networks import NetworkEntry
from invobench.operators import BackendEntry

def stack():
    print("hello from stacks")
    return NetworkEntry("stacks.stack", "layers one after another", {"depth": 2})

WRONG = {"involution": {"wrong": BackendEntry("stacks.wrong:aggregate", "zeros")}}
""",
    "stacks/wrong.py": """\
def aggregate(x, weight, kernel_size, stride, dilation):
    return 0 * x + 0 * weight.sum()
""",
    "stacks/stack/__init__.py": "",
    "stacks/stack/spec.py": """\
from typing import ClassVar
from pydantic import Field
from invobench.networks.base import NetworkFields, Placement
from invobench.operators.base import LayerSpec

class Fields(NetworkFields):
    layer_keys: ClassVar = {"operator": None}
    depth: int = Field(ge=1, le=8)
    operator: LayerSpec

    def placements(self, shape):
        for index in range(self.depth):
            yield Placement("operator", f"layer{index}", self.operator, shape)
""",
    "stacks/stack/cost.py": """\
from invobench.cost import total
from invobench.operators import layer_cost

def cost(fields, shape):
    parts = [layer_cost(item.layer, item.shape) for item in fields.placements(shape)]
    return total(part.prefixed(str(index)) for index, part in enumerate(parts))
""",
    "stacks/stack/module.py": """\
from torch import nn

def build(fields, shape, make_layer):
    return nn.Sequential(*(make_layer(item.layer, item.shape) for item in fields.placements(shape)))
""",
}


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = install_acme(tmp_path_factory.mktemp("site"))
    points = {"networks": {"stack": "stacks.entries:stack"}, "backends": {"stacks": "stacks.entries:WRONG"}}
    install(folder, "stacks", points, STACK, "0.2")
    (folder / "spec.yaml").write_text(SPEC)
    return folder


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_lists_name_who_brought_an_entry(acme: Path) -> None:
    operators = ok(invobench(acme, "list", "operators")).splitlines()
    assert operators[-1].split("  ") == [
        "shift_conv",
        *[""] * 5,
        " channels moved a step each way, then a 1×1 convolution (acme-layers 1.0)",
        "fields: distance, stride",
    ]
    networks = ok(invobench(acme, "list", "networks"))
    assert re.search(r"^shift_resnet26  ResNet-26 of shift_conv \(acme-layers 1.0\)$", networks, re.MULTILINE)
    assert re.search(r"^stack +layers one after another \(stacks 0.2\)$", networks, re.MULTILINE)
    assert "hello" not in networks
    backends = ok(invobench(acme, "list", "backends"))
    assert re.search(r"^involution +einsum +.*\(acme-layers 1\.0\) +cpu: available", backends, re.MULTILINE)
    assert re.search(r"^shift_conv +reference +.*\(acme-layers 1\.0\) +cpu: available", backends, re.MULTILINE)
    # ours come first and are no package's
    assert re.search(r"^involution +reference  [^(]*  cpu: available", backends, re.MULTILINE)


def test_problems_of_a_spec_have_their_place(acme: Path, tmp_path: Path) -> None:
    text = """\
version: 1
defaults: {distanc: 1}
layers:
  - {name: a, operator: shift_conf}
  - {name: b, operator: shift_conv, distance: 9, kernel_size: 3}
  - {name: c, operator: shift_conv, in_channels: 18}
  - {name: d, operator: shift_conv, distance: 4, height: 4}
  - {name: e, operator: involution, backend: einsm}
networks:
  - {name: f, network: shift_resnet62}
  - {name: g, network: stack, depth: 99, operator: {operator: shift_conv, distance: 2}, in_channels: 6}
"""
    (tmp_path / "bad.yaml").write_text(text)
    done = invobench(acme, "validate", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    hello, *lines = done.stderr.splitlines()
    assert hello == "hello from stacks"  # what a package prints is kept from stdout
    for number, start in enumerate(
        [
            "2:12: defaults.distanc: unknown key (did you mean 'distance'?)",
            "4:25: layers[0].operator: unknown operator 'shift_conf' (did you mean 'shift_conv'?); there are: ",
            "5:47: layers[1].distance: must be at most 4, not 9",
            "5:50: layers[1].kernel_size: shift_conv has no such key; it is one of involution, conv, stand_alone_atten",
            "6:5: layers[2].distance: 18 channels do not divide into the 4 ways that they move",
            "7:5: layers[3]: moving by 4 leaves nothing of 4×56",
            "8:46: layers[4].backend: unknown backend 'einsm' (did you mean 'einsum'?); there are: ",
            "10:24: networks[0].network: unknown network 'shift_resnet62' (did you mean 'shift_resnet26'?)",
            "11:38: networks[1].depth: must be at most 8, not 99",
        ]
    ):
        assert lines[number].startswith(f"bad.yaml:{start}")
    assert len(lines) == 9


def test_set_reaches_their_fields(acme: Path) -> None:
    done = invobench(acme, "validate", "spec.yaml", "--set", "distance=1,2,3", "--set", "batch=2")
    assert ok(done) == "spec.yaml: ok, 8 cells\n"
    done = invobench(acme, "validate", "spec.yaml", "--set", "distance=7", "--set", "distanse=1")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-2:] == [
        "--set:1:10: distance: must be at most 4, not 7",
        "--set:2:1: distanse: no cell of the spec has this key (did you mean 'distance'?)",
    ]


def test_the_schema_knows_them(acme: Path) -> None:
    schema = json.loads(ok(invobench(acme, "schema")))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    def fits(section: str, **keys: object) -> bool:
        return validator.is_valid({"version": 1, section: [{"name": "a", **keys}]})

    assert fits("layers", operator="shift_conv", distance=2, backend="aten")
    assert fits("layers", operator="involution", backend="einsum")
    assert fits("networks", network="stack", depth=3, operator={"operator": "shift_conv", "distance": 2})
    assert fits("networks", network="resnet", depth=26, operator="shift_conv")
    assert not fits("layers", operator="shift_conv", distance=9)
    assert not fits("layers", operator="shift_conv", kernel_size=3)
    assert not fits("layers", operator="conv", distance=2)
    assert not fits("networks", network="stack", depth=99)


@pytest.mark.slow
def test_they_are_counted_and_agree_with_what_is_dispatched(acme: Path) -> None:
    counted = ok(invobench(acme, "count", "spec.yaml", "--format", "jsonl"))
    records = [json.loads(line) for line in counted.splitlines()]
    shift = [(record["term"], record["macs"]) for record in records if record["name"] == "shift"]
    assert shift == [("mix", 16 * 16 * 9 * 9)] * 4
    for mode in ("forward", "train_step"):
        arguments = ("--set", f"mode={mode}", "--set", "batch=2", "--counters", "ours")
        checked = ok(invobench(acme, "crosscheck", "spec.yaml", *arguments))
        assert checked.count("Formula and our count agree in every term.") == 6
        assert f"shift distance=2 backend=auto · 2×16×9×9 · float32, {mode}, backend aten" in checked
        assert f"net · 2×3×32×32 · float32, {mode}, backend aten" in checked


def test_they_are_checked_and_measured_in_processes_of_their_own(acme: Path, tmp_path: Path) -> None:
    arguments = ("--device", "cpu", "--quiet", "--out", str(tmp_path / "out"))
    ok(invobench(acme, "profile", "spec.yaml", *arguments))
    rows = read_results(tmp_path / "out" / "results.jsonl").rows
    assert [(row.name, row.backend) for row in rows] == [
        ("shift", "reference"),
        ("shift", "aten"),
        ("shift", "reference"),
        ("shift", "aten"),
        ("mine", "einsum"),
        ("net", "aten"),
    ]
    for row in rows:
        assert row.latency_s is not None
        assert row.latency_s > 0
        assert row.macs_formula == row.macs_dispatched
        assert row.max_error is not None
        assert row.max_error < 1e-4
    assert [row.operator for row in rows] == ["shift_conv"] * 4 + ["involution", "shift_conv"]
    assert {row.stride for row in rows[:4]} == {1}
    assert {row.kernel_size for row in rows[:4]} == {None}


@pytest.mark.slow
def test_a_wrong_backend_of_ours_is_not_timed(acme: Path, tmp_path: Path) -> None:
    arguments = ("--set", "backend=wrong", "--device", "cpu", "--quiet", "--out", str(tmp_path / "out"))
    done = invobench(acme, "profile", "spec.yaml", *arguments)
    assert done.returncode == 4, done.stderr
    rows = {row.name: row for row in read_results(tmp_path / "out" / "results.jsonl").rows}
    assert rows["mine"].status == "failed"
    assert rows["mine"].message.startswith("backend wrong of involution is wrong, and was not timed: output off by 1 ")
    assert rows["mine"].latency_s is None
    assert rows["shift"].status == "unsupported"
    assert rows["shift"].message == ("backend wrong: shift_conv has none of that name; it has: reference, aten")


@pytest.mark.slow
def test_a_network_of_its_own(acme: Path, tmp_path: Path) -> None:
    spec = (
        "version: 1\nnetworks:\n  - {name: s, network: stack, in_channels: 8, height: 9, width: 9,"
        " operator: {operator: shift_conv, distance: 2}, matrix: {depth: [1, 3]}}\n"
        "measure: {target_ci: 1.0, max_time_s: 0.01}\n"
    )
    (tmp_path / "s.yaml").write_text(spec)
    checked = ok(invobench(acme, "crosscheck", "s.yaml", "--counters", "ours", cwd=tmp_path))
    assert checked.count("Formula and our count agree in every term.") == 2
    arguments = ("--set", "operator.distance=1", "--device", "cpu", "--quiet", "--out", "out")
    done = invobench(acme, "profile", "s.yaml", *arguments, cwd=tmp_path)
    ok(done)
    assert set(done.stderr.splitlines()) == {"hello from stacks", "results: out/results.jsonl"}
    rows = read_results(tmp_path / "out" / "results.jsonl").rows
    assert [row.macs_dispatched for row in rows] == [8 * 8 * 81, 3 * 8 * 8 * 81]
    assert all(row.max_error is not None for row in rows)


def test_auto_takes_what_comes_with_the_operator(acme: Path) -> None:
    """A package that is installed changes nothing about ours, measured or not."""
    code = """\
from invobench.operators import OPERATORS, select
from invobench.operators.base import LayerShape, LayerSpec
select._measured = lambda *key: {}
for operator in ("involution", "shift_conv"):
    layer = LayerSpec(operator, OPERATORS[operator].fields()())
    need = select.Need(layer, LayerShape(1, 16, 9, 9), "cpu", "float32", "forward")
    print(select.resolve("auto", need))
"""
    assert ok(run(acme, "-c", code)).splitlines() == ["fused", "aten"]


def test_the_documentation_shows_the_package() -> None:
    """Every file of the example as it is, which the other tests install."""
    texts = [(ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md")]
    (text,) = [text for text in texts if HEADING in text]
    section = text[text.index(HEADING) :]
    for path in sorted(ACME.rglob("*")):
        if path.suffix in {".py", ".toml"} and path.name != "__init__.py":
            assert f"`{path.relative_to(ACME)}`" in section
            assert path.read_text().strip() in section, path
