"""What cannot be used is refused with who offers it and why, and disturbs nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.plugins.installed import install, invobench, run

GOOD_SPEC = "version: 1\nlayers: [{name: a, operator: conv}, {name: b, operator: involution, backend: shift}]\n"
#: a folder of an operator in which nothing is wrong
FIELDS = "from invobench.operators.base import OperatorFields\nclass Fields(OperatorFields):\n    "
SHAPE = "def output_shape(self, shape):\n        return shape\n    "
COST = "def cost(fields, shape, scope='module'):\n    return None\n"
HEAD = "from invobench.networks import NetworkEntry\nfrom invobench.operators import BackendEntry, OperatorEntry\n"


def folder(name: str, fields: str = "    pass", cost: str | None = COST, module: str | None = "") -> dict[str, str]:
    parts = {"__init__": "", "spec": f"{FIELDS}{SHAPE}{fields.strip()}\n", "cost": cost, "module": module}
    return {f"{name}/{part}.py": text for part, text in parts.items() if text is not None}


#: name of an operator -> (what makes its entry, files of its folder, why it is refused)
OPERATORS: dict[str, tuple[str, dict[str, str], str]] = {
    "a_mapping": ("{}", {}, "bad.entries:a_mapping is a dict, not an OperatorEntry or a function that makes one"),
    "of_none": ("lambda: None", {}, "bad.entries:of_none is a NoneType, not an OperatorEntry or a function that"),
    "raises": ("lambda: 1 / 0", {}, "calling bad.entries:raises raised ZeroDivisionError: division by zero"),
    "asks": ("lambda x: x", {}, "calling bad.entries:asks raised TypeError: "),
    "leaves": ("lambda: exit(3)", {}, "calling bad.entries:leaves raised SystemExit: 3"),
    "no_folder": (
        "OperatorEntry('no_folder', '')",
        {},
        "checking it raised ModuleNotFoundError: No module named 'no_folder'",
    ),
    "no_fields": ("OperatorEntry('no_fields', '')", {"no_fields/spec.py": ""}, "checking it raised AttributeError: "),
    "other_fields": (
        "OperatorEntry('other_fields', '')",
        {"other_fields/spec.py": "class Fields: pass"},
        "other_fields.spec:Fields must be a subclass of invobench.operators.base.OperatorFields",
    ),
    "reserved": (
        "OperatorEntry('reserved', '')",
        folder("reserved", "batch: int = 1"),
        "reserved.spec:Fields has a field 'batch', which means something else in a spec: rename it",
    ),
    "aliased": (
        "OperatorEntry('aliased', '')",
        folder("aliased", "size: int = __import__('pydantic').Field(default=1, alias='k')"),
        "aliased.spec:Fields has a field 'size' with an alias: name the field itself so",
    ),
    "nested": (
        "OperatorEntry('nested', '')",
        folder("nested", "size: OperatorFields = OperatorFields()"),
        "nested.spec:Fields has a field 'size' of a class of its own: fields are numbers, text, true or false, lists",
    ),
    "no_schema": (
        "OperatorEntry('no_schema', '')",
        folder(
            "no_schema",
            "model_config = {'arbitrary_types_allowed': True}; size: type(cls) = None".replace(
                "type(cls)", "__import__('threading').Event"
            ),
        ),
        "checking it raised PydanticInvalidForJsonSchema: ",
    ),
    "shapeless": (
        "OperatorEntry('shapeless', '')",
        {**folder("shapeless"), "shapeless/spec.py": FIELDS + "pass"},
        "shapeless.spec:Fields has no output_shape",
    ),
    "no_cost": (
        "OperatorEntry('no_cost', '')",
        folder("no_cost", cost=None),
        "checking it raised ModuleNotFoundError: No module named 'no_cost.cost'",
    ),
    "cost_is_none": (
        "OperatorEntry('cost_is_none', '')",
        folder("cost_is_none", cost="cost = None"),
        "cost_is_none.cost has no function cost",
    ),
    "no_module": (
        "OperatorEntry('no_module', '')",
        folder("no_module", module=None),
        "there is no module no_module.module",
    ),
    "no_oracle": (
        "OperatorEntry('no_oracle', '')",
        folder("no_oracle"),
        "it brings no backend 'reference', which every other is compared with",
    ),
}
NETWORKS: dict[str, tuple[str, dict[str, str], str]] = {
    "an_operator": (
        "OperatorEntry('x', '')",
        {},
        "bad.entries:an_operator is a OperatorEntry, not a NetworkEntry or a",
    ),
    "preset": (
        "NetworkEntry('invobench.networks.resnet', '', {'dept': 26})",
        {},
        "preset has 'dept', which is no field of the network",
    ),
    "preset_list": ("NetworkEntry('invobench.networks.resnet', '', [1])", {}, "preset must be a mapping, not a list"),
    "layer_fields": (
        "NetworkEntry('invobench.operators.conv', '')",
        {},
        "invobench.operators.conv.spec:Fields must be a subclass of invobench.networks.base.NetworkFields",
    ),
}
#: (operator, name) -> the entry, and why it is refused
BACKENDS = {
    ("involution", "text"): ("'a.b:c'", "bad 1.0: is a str, not a BackendEntry"),
    ("involution", "pathless"): ("BackendEntry('a.b', '')", "bad 1.0: path must be package.module:function, not 'a.b'"),
    ("involution", "nowhere"): ("BackendEntry('a:b', '', ())", "bad 1.0: devices is empty"),
    ("involution", "cpu_only"): (
        "BackendEntry('a:b', '', 'cpu')",
        "bad 1.0: devices must be a tuple of names, not 'cpu'",
    ),
    ("involution", "needy"): (
        "BackendEntry('a:b', '', requires='x')",
        "bad 1.0: requires must be a tuple of names, not 'x'",
    ),
    ("involution", "shift"): (
        "BackendEntry('a:b', '')",
        "bad 1.0: invobench has that name itself: theirs needs another",
    ),
    ("involution", "auto"): (
        "BackendEntry('a:b', '')",
        "bad 1.0: invobench has that name itself: theirs needs another",
    ),
    ("involution", "'a+b'"): (
        "BackendEntry('a:b', '')",
        "bad 1.0: a name must be letters, digits, _ and -, a letter first, 60 at most",
    ),
    ("involution", "twice"): (
        "BackendEntry('a:b', '')",
        "bad 1.0 and rival 2.0 give the same name, and none is used: uninstall or rename one",
    ),
    # it is for the package's own operator of that name, which is not used
    ("conv", "fast"): (
        "BackendEntry('a:b', '')",
        "bad 1.0: it comes with an operator that is not used: bad 1.0: invobench has that name itself: theirs needs "
        "another",
    ),
}
LISTED = (
    "import json; from invobench.{0} import {1} as table; print(json.dumps([table.refused, list(table), table.lost]))"
)


GONE = "raised ModuleNotFoundError: No module named 'gone'"
SAME = "bad 1.0 and rival 2.0 give the same name, and none is used: uninstall or rename one"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages with all that can be wrong, and one in which nothing is."""
    folder_ = tmp_path_factory.mktemp("site")
    files: dict[str, str] = {}
    lines = [HEAD]
    for name, (entry, more, _) in {**OPERATORS, **NETWORKS}.items():
        lines.append(f"{name} = {entry}")
        files |= more
    lines.append("conv = same = OperatorEntry('fine', '')\nresnet50 = NetworkEntry('invobench.networks.resnet', '')")
    by_operator: dict[str, str] = {}
    for (operator, name), (entry, _) in BACKENDS.items():
        by_operator[operator] = by_operator.get(operator, "") + f"{name.strip(chr(39))!r}: {entry}, "
    mapping = ", ".join(f"{operator!r}: {{{entries}}}" for operator, entries in by_operator.items())
    lines.append(
        f"backends = {{{mapping}, 'involuton': {{'x': BackendEntry('a:b', '')}}}}\nlist_ = [1]\nflat = {{'conv': 1}}"
    )
    files["bad/entries.py"] = "\n".join(lines)
    points = {
        "operators": {
            **{name: f"bad.entries:{name}" for name in (*OPERATORS, "conv", "same")},
            "no_package": "gone.entries:X",
            "no_attribute": "bad.entries:nothing",
            "no_target": "bad.entries",
            "a name": "bad.entries:same",
        },
        "networks": {name: f"bad.entries:{name}" for name in (*NETWORKS, "resnet50")},
        "backends": {
            "bad": "bad.entries:backends",
            "list": "bad.entries:list_",
            "flat": "bad.entries:flat",
            "x": "gone:X",
        },
    }
    install(folder_, "bad", points, files)
    fine = f"{HEAD}FINE = OperatorEntry('fine', 'a fine one')\nANY = BackendEntry('fine.module:f', '')\n"
    fine += "B = {'fine': {'reference': ANY}}\n"
    fine += "RIVAL = {'involution': {'twice': ANY}, 'no_oracle': {'reference': ANY}}"
    good = {"operators": {"fine": "good:FINE"}, "backends": {"good": "good:B"}}
    install(folder_, "good", good, {"good.py": fine, **folder("fine", "size: int = 3")}, "0.1")
    install(folder_, "rival", {"operators": {"same": "good:FINE"}, "backends": {"rival": "good:RIVAL"}}, {}, "2.0")
    return folder_


@pytest.fixture(scope="module")
def tables(site: Path) -> dict[str, list]:
    """Table -> what it refuses, its names, and what is lost."""
    found = {}
    for package, name in (("operators", "OPERATORS"), ("operators", "BACKENDS"), ("networks", "NETWORKS")):
        done = run(site, "-c", LISTED.format(package, name))
        assert done.returncode == 0, done.stderr
        found[name] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", OPERATORS)
def test_operators(tables: dict[str, list], name: str) -> None:
    assert tables["OPERATORS"][0][name].startswith(f"bad 1.0: {OPERATORS[name][2]}")


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(tables: dict[str, list], name: str) -> None:
    assert tables["NETWORKS"][0][name].startswith(f"bad 1.0: {NETWORKS[name][2]}")


def test_what_names_nothing(tables: dict[str, list]) -> None:
    refused = tables["OPERATORS"][0]
    gone = "importing gone.entries:X raised ModuleNotFoundError: No module named 'gone'"
    assert refused["no_package"] == f"bad 1.0: {gone}"
    assert refused["no_attribute"] == (
        "bad 1.0: importing bad.entries:nothing raised AttributeError: module 'bad.entries' has no attribute 'nothing'"
    )
    assert refused["no_target"].startswith("bad 1.0: bad.entries is a module, not an OperatorEntry")
    assert refused["'a name'"] == "bad 1.0: a name must be letters, digits, _ and -, a letter first, 60 at most"


def test_names_that_are_taken(tables: dict[str, list]) -> None:
    assert tables["OPERATORS"][0]["conv"] == "bad 1.0: invobench has that name itself: theirs needs another"
    assert tables["NETWORKS"][0]["resnet50"] == "bad 1.0: invobench has that name itself: theirs needs another"
    assert tables["OPERATORS"][0]["same"] == SAME


def test_what_is_right_is_there(tables: dict[str, list]) -> None:
    ours = ["involution", "conv", "stand_alone_attention", "module"]
    assert tables["OPERATORS"][1] == tables["BACKENDS"][1] == [*ours, "fine"]
    expected = {*OPERATORS, "conv", "same", "no_package", "no_attribute", "no_target", "'a name'"}
    assert set(tables["OPERATORS"][0]) == expected


def test_backends_of_no_operator_or_none_at_all(tables: dict[str, list]) -> None:
    refused, _, lost = tables["BACKENDS"]
    assert refused["involuton"] == "bad 1.0: there is no such operator (did you mean 'involution'?)"
    assert refused["no_oracle"] == tables["OPERATORS"][0]["no_oracle"]
    assert lost == [
        "bad 1.0: bad.entries:flat is not a mapping from operators to mappings from names to BackendEntry",
        "bad 1.0: bad.entries:list_ is a list, not a mapping or a function that makes one",
        "bad 1.0: importing gone:X raised ModuleNotFoundError: No module named 'gone'",
    ]


def test_backends(site: Path) -> None:
    code = (
        "import json; from invobench.operators import BACKENDS\n"
        "print(json.dumps([{n: BACKENDS[n].refused for n in ('involution', 'conv')}, list(BACKENDS['involution'])]))"
    )
    done = run(site, "-c", code)
    refused, names = json.loads(done.stdout)
    assert names == ["reference", "unfold", "shift", "cpp", "fused"]
    assert {(operator, name): text for operator, found in refused.items() for name, text in found.items()} == {
        key: text for key, (_, text) in BACKENDS.items()
    }


@pytest.mark.parametrize("what", ["operators", "backends", "networks"])
def test_lists_say_what_is_unavailable_and_why(site: Path, what: str) -> None:
    done = invobench(site, "list", what)
    assert (done.returncode, done.stderr) == (0, "")
    expected = {
        "operators": [
            f"no_package: unavailable: bad 1.0: importing gone.entries:X {GONE}",
            "conv: unavailable: bad 1.0: invobench has that name itself: theirs needs another",
            f"{'fine'.ljust(23)}{'a fine one (good 0.1)'.ljust(64)}fields: size",
        ],
        "backends": [
            "involution shift: unavailable: bad 1.0: invobench has that name itself: theirs needs another",
            f"unavailable: bad 1.0: importing gone:X {GONE}",
        ],
        "networks": ["preset: unavailable: bad 1.0: preset has 'dept', which is no field of the network"],
    }
    assert set(expected[what]) <= set(done.stdout.splitlines())


def test_a_spec_of_ours_is_not_disturbed(site: Path, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD_SPEC)
    done = invobench(site, "validate", "good.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "good.yaml: ok, 2 cells\n", "")


def test_a_spec_that_uses_one_says_whose_it_is(site: Path, tmp_path: Path) -> None:
    keys = [
        "operator: no_package",
        "operator: same, distance: 3",
        "operator: involution, backend: twice",
        "operator: involution, backend: mine",
        "operator: involution, batch: 2",
    ]
    lines = ["version: 1", "layers:", *(f"  - {{name: n{index}, {text}}}" for index, text in enumerate(keys))]
    lines += ["networks: [{name: net, network: preset}]"]
    (tmp_path / "bad.yaml").write_text("\n".join(lines))
    done = invobench(site, "validate", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2
    found = done.stderr.splitlines()
    assert found[:3] == [
        "bad.yaml:3:26: layers[0].operator: operator 'no_package' is unavailable: bad 1.0: "
        f"importing gone.entries:X {GONE}",
        f"bad.yaml:4:26: layers[1].operator: operator 'same' is unavailable: {SAME}",
        f"bad.yaml:5:47: layers[2].backend: backend 'twice' is unavailable: {SAME}",
    ]
    assert found[3].startswith("bad.yaml:6:47: layers[3].backend: unknown backend 'mine'")
    assert found[3].endswith(f"; unavailable: bad 1.0: importing gone:X {GONE}")
    assert found[4] == (
        "bad.yaml:8:33: networks[0].network: network 'preset' is unavailable: bad 1.0: preset has 'dept', which is no "
        "field of the network"
    )
    assert len(found) == 5


FAILING = {
    "cost": ("count", folder("failing", cost="def cost(fields, shape, scope):\n    return {}['x']\n")),
    "problems": (
        "validate",
        folder("failing", "size: int = 3\n    def problems(self, in_channels):\n        yield from {}['x']"),
    ),
}


@pytest.mark.parametrize("where", FAILING)
def test_one_that_fails_while_it_is_used_is_blamed(tmp_path: Path, where: str) -> None:
    command, files = FAILING[where]
    entries = f"{HEAD}O = OperatorEntry('failing', '')\nB = {{'failing': {{'reference': BackendEntry('a:b', '')}}}}"
    points = {"operators": {"failing": "failing.entries:O"}, "backends": {"failing": "failing.entries:B"}}
    install(tmp_path, "failing-layers", points, {**files, "failing/entries.py": entries}, "3.1")
    (tmp_path / "s.yaml").write_text("version: 1\nlayers: [{name: a, operator: failing}]\n")
    done = invobench(tmp_path, command, "s.yaml")
    file = {"cost": "cost.py:2", "problems": "spec.py:7"}[where]
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"failing-layers 3.1 failed ({tmp_path}/failing/{file}): KeyError: 'x': report it to its authors\n"
    )


def test_an_installation_that_lost_its_name(tmp_path: Path) -> None:
    install(tmp_path, "nameless", {"operators": {"x": "some_layers.entries:X"}})
    (tmp_path / "nameless-1.0.dist-info" / "METADATA").unlink()
    done = run(tmp_path, "-c", LISTED.format("operators", "OPERATORS"))
    refused, _, _ = json.loads(done.stdout)
    assert refused["x"].startswith("some_layers: importing some_layers.entries:X raised ModuleNotFoundError: ")


def test_a_package_that_looks_into_the_tables_sees_ours(tmp_path: Path) -> None:
    code = f"{HEAD}from invobench.operators import BACKENDS, OPERATORS\nfrom invobench.networks import NETWORKS\n"
    code += "SEEN = [list(OPERATORS), list(BACKENDS['conv']), 'nosy' in NETWORKS]\nN = OPERATORS['conv']\n"
    install(
        tmp_path,
        "nosy",
        {"operators": {"nosy": "nosy:N"}, "backends": {"n": "nosy:B"}},
        {"nosy.py": code + "B = {'nosy': {'reference': BACKENDS['conv']['reference']}}\n"},
    )
    done = run(
        tmp_path,
        "-c",
        "from invobench.operators import OPERATORS; print(list(OPERATORS)); import nosy; print(nosy.SEEN)",
    )
    assert done.stdout.splitlines() == [
        "['involution', 'conv', 'stand_alone_attention', 'module', 'nosy']",
        "[['involution', 'conv', 'stand_alone_attention', 'module'], ['reference', 'aten'], False]",
    ]


def test_nobody_is_asked_before_a_table_is_used(tmp_path: Path) -> None:
    install(tmp_path, "loud", {"operators": {"x": "loud:X"}}, {"loud.py": "raise SystemExit('asked')"})
    code = (
        "import sys, invobench.cli; print('importlib.metadata' in sys.modules)\n"
        "import invobench.spec, invobench.spec.schema, invobench.networks, invobench.report.inventory\n"
        "import invobench.runner.worker\n"
        "from invobench.plugins.offers import offers\n"
        "print('loud' in sys.modules, offers.cache_info().currsize)\n"
        "from invobench.operators import OPERATORS; print(OPERATORS.refused['x'])\n"
        "len(OPERATORS); print(offers.cache_info().misses)"
    )
    done = run(tmp_path, "-c", code)
    assert done.stdout.splitlines() == [
        "False",
        "False 0",
        "loud 1.0: importing loud:X raised SystemExit: asked",
        "1",
    ]
    helped = invobench(tmp_path, "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
