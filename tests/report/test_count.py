"""`invobench count`: what it prints for a layer and a network, and that its sums are sums."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from invobench.conventions import Convention
from invobench.cost import MODES
from invobench.report import SHEETS, Page
from invobench.report.count_lines import Group, as_tree, by_role
from invobench.report.count_sheet import CountOptions, count_sheet, counted
from invobench.report.symbolic import symbolic
from invobench.spec.cells import Cell, NetworkSpec
from tests.builders import cell, layer
from tests.networks.build import CONV, fields, rednet

GOLDEN = Path(__file__).parents[1] / "golden"
INVOLUTION = layer("involution", kernel_size=7, groups=4, reduction_ratio=4)


def involution(**changes) -> Cell:
    return cell(INVOLUTION, (1, 64, 56, 56), name="involution7x7", **changes)


def network(**changes) -> Cell:
    return cell(NetworkSpec("rednet26", rednet(26)), (2, 3, 64, 64), name="rednet26", **changes)


def costed(item: Cell):
    cost = item.cost()
    assert cost is not None
    return item, cost


def golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("INVOBENCH_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


def test_a_layer() -> None:
    sheets = [count_sheet(*costed(involution(mode=mode)), CountOptions()) for mode in ("forward", "train_step")]
    golden("count.txt", SHEETS["table"].load()(sheets, Page(120)))


def test_a_tree() -> None:
    sheet = count_sheet(*costed(network()), CountOptions(Convention.HOOK, tree=True, depth=2))
    golden("count_tree.txt", SHEETS["table"].load()([sheet], Page(120)))


@pytest.mark.parametrize("depth", [None, 1, 2, 3])
@pytest.mark.parametrize("what", [rednet(26), fields(26, CONV)], ids=["rednet", "resnet"])
def test_every_sum_of_the_tree_is_the_sum_of_what_is_below(what, depth) -> None:
    _, cost = costed(cell(NetworkSpec("resnet", what), (2, 3, 65, 49)))
    groups = as_tree(cost, depth)
    assert sum((group.terms for group in groups if group.depth == 0), ()) == cost.terms
    for index, group in enumerate(groups):
        below = children(groups, index)
        if not below:
            assert group.is_leaf or group.depth + 1 == depth
            continue
        assert sorted(term.name for child in below for term in child.terms) == sorted(t.name for t in group.terms)
        for mode in MODES:
            assert group.macs(Convention.HOOK, mode) == sum(child.macs(Convention.HOOK, mode) for child in below)
            assert group.min_elements(mode) == sum(child.min_elements(mode) for child in below)
        assert group.params == sum(child.params for child in below)


def children(groups: list[Group], index: int) -> list[Group]:
    depth, found = groups[index].depth, []
    for group in groups[index + 1 :]:
        if group.depth <= depth:
            break
        if group.depth == depth + 1:
            found.append(group)
    return found


def test_roles_have_every_term_once() -> None:
    _, cost = costed(network())
    groups = by_role(cost)
    assert sorted(term.name for group in groups for term in group.terms) == sorted(term.name for term in cost.terms)
    spatial = next(group for group in groups if group.name == "stages.spatial.aggregate")
    assert len(spatial.terms) == 8


def test_the_formula_with_its_numbers() -> None:
    assert symbolic(*costed(involution()), Convention.FORMULA) == (
        "involution7x7 · 1×64×56×56 · multiply-adds of one image, forward, convention formula\n"
        "  HW(C²+K²GC)/r + HWK²C = 3136·(64²+49·4·64)/4 + 3136·49·64 = 22,880,256\n"
        "  reduce     HWC²/r = 3136·64²/4 = 3,211,264\n"
        "  span       HWK²GC/r = 3136·49·4·64/4 = 9,834,496\n"
        "  aggregate  HWK²C = 3136·49·64 = 9,834,496\n"
        "  total      22,880,256"
    )


def test_the_formula_of_a_backward_pass_under_valid_taps() -> None:
    assert symbolic(*costed(involution(mode="backward")), Convention.VALID_TAPS).splitlines()[-2:] == [
        "  aggregate  2HWK²C - taps on padding = 2·3136·49·64 - 1,185,792 = 18,483,200",
        "  total      44,574,720",
    ]


@pytest.mark.parametrize("convention", Convention)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("make", [involution, network])
def test_the_formulas_that_are_shown_come_to_the_total(make, mode, convention) -> None:
    item, cost = costed(make(mode=mode))
    lines = symbolic(item, cost, convention).splitlines()
    shown = 0
    own_form = convention is Convention.FORMULA and cost.formula is not None  # which is the sum of the others
    for line in lines[1 + own_form : -1]:
        often, _, _ = line.rpartition(" × ")
        times = int(often.split()[-1]) if often else 1
        shown += times * int(line.rpartition(" = ")[2].replace(",", ""))
    total = int(lines[-1].split()[-1].replace(",", ""))
    assert shown == total == cost.macs(convention, mode) / item.shape.batch


def test_records_are_exact_and_leave_out_what_there_is_not() -> None:
    item, cost = costed(involution())
    text = SHEETS["jsonl"].load()([count_sheet(item, cost, CountOptions())], Page())
    records = {record["term"]: record for record in map(json.loads, text.splitlines())}
    assert {
        key: records["reduce"][key] for key in ("kind", "formula", "macs", "params", "min_bytes", "convention")
    } == {
        "kind": "conv",
        "formula": "HW*C**2/r",
        "macs": 3_211_264,
        "params": 1_024,
        "min_bytes": 4 * (64 * 3_136 + 16 * 3_136 + 1_024),
        "convention": "formula",
    }
    assert "macs" not in records["norm"]
    assert "params" not in records["aggregate"]
    assert sum(record.get("macs", 0) for record in records.values()) == 22_880_256


def test_what_has_no_formula_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("version: 1\nlayers: [{name: mine, module: 'a:B'}, {name: conv, operator: conv}]\n")
    found = counted([path], [], CountOptions())
    assert ([item.label for item, _ in found.cells], found.without_formula) == (["conv"], ("mine",))
    assert found.exit_code == 0
    path.write_text("version: 1\nlayers: [{name: mine, module: 'a:B'}]\n")
    assert counted([path], [], CountOptions()).exit_code == 4
