"""Published figures beside ours, from modules that are built: the floor, tolerances, and what a changed depth does."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from invobench.conventions import Convention
from invobench.errors import SpecError
from invobench.networks.resnet.spec import BLOCKS
from invobench.published.compare import Comparison, compare, constants, distinct
from invobench.published.rows import PublishedRow, read_published
from invobench.published.verdict import Verdict
from invobench.runner.census import census_of
from tests.published.samples import counted, published

CONV_LINEAR, INNER, HOOK = Convention.CONV_LINEAR, Convention.CONV_LINEAR_INNER, Convention.HOOK


@pytest.fixture(scope="module")
def compared() -> tuple[Comparison, ...]:
    return compare(read_published())


def of(compared: tuple[Comparison, ...], table: str, operator: str = "") -> Verdict:
    chosen = (item for item in compared if item.row.table.startswith(table) and operator in ("", item.row.operator))
    return Verdict.on(chosen)


def scores(verdict: Verdict) -> dict[str, str]:
    return {"params": str(verdict.params), **{name: str(score) for name, score in verdict.macs.items()}}


def test_the_ablation(compared: tuple[Comparison, ...]) -> None:
    """Ten distinct networks: all but group channels 4 under conv-linear, all without what reads the image."""
    assert scores(of(compared, "ablation")) == {
        "params": "10/10",
        "formula": "3/10",
        "conv-linear": "9/10",
        "conv-linear-inner": "10/10",
        "hook": "0/10",
        "valid-taps": "3/10",
    }
    (off,) = [
        item.row.setting
        for item in distinct(item for item in compared if item.row.table.startswith("ablation"))
        if not item.macs_match(CONV_LINEAR)
    ]
    assert off == "group_channels=4"


def test_the_model_zoo(compared: tuple[Comparison, ...]) -> None:
    verdict = of(compared, "model_zoo")
    assert (scores(verdict)["params"], scores(verdict)["hook"], verdict.best) == ("5/5", "5/5", HOOK)
    giga = [round(item.macs[HOOK] / 1e9, 4) for item in verdict.comparisons]
    assert giga == [1.7339, 2.2238, 2.7136, 4.7427, 6.7861]


def test_the_envelope(compared: tuple[Comparison, ...]) -> None:
    resnet = of(compared, "envelope", "conv")
    assert (scores(resnet)["params"], scores(resnet)["hook"], resnet.best) == ("5/5", "5/5", HOOK)
    giga = [round(item.macs[HOOK] / 1e9, 3) for item in resnet.comparisons]
    assert giga == [2.361, 3.241, 4.121, 7.849, 11.580]
    attention = of(compared, "envelope", "stand_alone_attention")
    assert scores(attention)["params"] == "3/3"
    assert [round(item.params / 1e6, 2) for item in attention.comparisons] == [10.34, 14.19, 18.04]


def test_the_formula_in_full_is_counted_too(compared: tuple[Comparison, ...]) -> None:
    """RedNet-50 with a 3×3 stem: 2.649 G."""
    (row,) = [item for item in compared if item.row.setting == "kernel_size=7"]
    assert round(row.macs[Convention.FORMULA] / 1e9, 3) == 2.649


def test_what_cannot_be_built_has_no_figures_of_ours(compared: tuple[Comparison, ...]) -> None:
    only = [item for item in compared if item.built is None]
    assert [item.row.model for item in only][:3] == ["LR-Net-26", "LR-Net-50", "LR-Net-101"]
    assert len(only) == 19
    for item in only:
        assert (item.params, item.macs, item.params_match, item.reproduced_by) == (None, {}, None, ())
        assert [item.macs_match(name) for name in Convention] == [None] * len(Convention)


def test_a_constant_explains_group_channels_4(compared: tuple[Comparison, ...]) -> None:
    """The convolution that reads the image (10.8 M) lies within what fits: 4.8 M to 14.7 M."""
    rows = of(compared, "ablation").comparisons
    bounds = constants(rows, CONV_LINEAR)
    assert bounds is not None
    assert [round(float(bound) / 1e6, 1) for bound in bounds] == [4.8, 14.7]
    assert {item.macs[CONV_LINEAR] - item.macs[INNER] for item in rows} == {27 * 32 * 112**2}
    for bound, step in zip(bounds, (-1, 1), strict=True):
        for taken, fits in ((bound, True), (bound + step, False)):
            off = [item.macs[CONV_LINEAR] - taken - item.row.flops_g.exactly(10**9) for item in rows]
            assert all(abs(value) <= Fraction("0.05") * 10**9 for value in off) is fits


@pytest.fixture
def one_block_more(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """RedNet-50 with 7 blocks in its third stage instead of 6."""
    census_of.cache_clear()
    monkeypatch.setitem(BLOCKS, 50, (3, 4, 7, 3))  # type: ignore[misc]
    yield
    census_of.cache_clear()


def rednet50() -> PublishedRow:
    (row,) = [row for row in read_published() if (row.table, row.model) == ("model_zoo", "RedNet-50")]
    return row


def test_rednet_50_is_reproduced() -> None:
    (item,) = compare([rednet50()])
    assert (item.params_match, item.reproduced_by) == (True, (HOOK,))


@pytest.mark.usefixtures("one_block_more")
def test_a_changed_depth_flips_the_verdict() -> None:
    (item,) = compare([rednet50()])
    assert (item.params_match, item.macs_match(HOOK), item.reproduced_by) == (False, False, ())


def test_figures_of_the_users(tmp_path: Path) -> None:
    rows = published(
        tmp_path / "a.csv",
        {"model": "ResNet-50", "params_m": "25.56", "flops_g": "4.09"},
        {"model": "RedNet-50", "setting": "kernel_size=3", "params_m": "14.7"},
        {"model": "MyNet-50", "params_m": "9.9", "flops_g": "1.0"},
    )
    resnet, rednet, unknown = compare(rows)
    assert (resnet.params, resnet.macs[Convention.FORMULA]) == (25_557_032, 4_089_184_256)
    assert (resnet.params_match, resnet.reproduced_by[0]) == (True, Convention.FORMULA)
    assert (rednet.params_match, rednet.macs_match(CONV_LINEAR), rednet.reproduced_by) == (True, None, ())
    assert unknown.built is None


def test_every_bad_setting_is_reported_at_once(tmp_path: Path) -> None:
    rows = published(tmp_path / "a.csv", {"setting": "kernel_size=4"}, {}, {"setting": "kernel_size=x"})
    with pytest.raises(SpecError) as caught:
        compare(rows, take=counted(0))
    file = tmp_path / "a.csv"
    assert str(caught.value) == (
        f"{file}:2:1: operator.kernel_size: must be odd for involution, not 4 (in stage1.block1)\n"
        f"{file}:4:1: operator.kernel_size: must be a whole number, not 'x'"
    )


@pytest.mark.parametrize(
    ("value", "matches"), [(1_725_000_000, True), (1_735_000_000, True), (1_724_999_999, False), (1_735_000_001, False)]
)
def test_a_tolerance_is_exact(tmp_path: Path, value: int, matches: bool) -> None:
    """Floats would have 1.735 - 1.73 above 0.005."""
    figures = {"flops_g": "1.73", "flops_tolerance_g": "0.005", "params_m": "1730", "params_tolerance_m": "5"}
    (item,) = compare(published(tmp_path / "a.csv", figures), take=counted(value, hook=value))
    assert (item.macs_match(HOOK), item.params_match) == (matches, matches)


def test_each_network_is_counted_once(tmp_path: Path) -> None:
    calls = []
    census = counted(1)
    rows = published(
        tmp_path / "a.csv", *({"setting": text} for text in ("", "kernel_size=7", "group_channels=16", ""))
    )
    told: list[str] = []
    compare(rows, take=lambda network, shape: calls.append(network) or census(network, shape), say=told.append)
    assert len(calls) == 2
    assert told == ["building and counting 2 networks"]


def test_distinct_networks(tmp_path: Path) -> None:
    """The same network with the same figures is one; with other figures it is another."""
    same = {"params_m": "15.5", "flops_g": "2.6"}
    rows = published(
        tmp_path / "a.csv",
        {**same, "setting": "kernel_size=7"},
        {**same, "setting": "group_channels=16"},
        {**same, "setting": "group_channels=16", "flops_g": "2.7"},
        {**same, "model": "MyNet"},
    )
    assert len(distinct(compare(rows, take=counted(1)))) == 2


def test_only_the_asked_conventions_are_counted(tmp_path: Path) -> None:
    (item,) = compare(
        published(tmp_path / "a.csv", {"flops_g": "1"}), [HOOK], take=counted(1, hook=10**9, formula=10**9)
    )
    assert (dict(item.macs), item.reproduced_by) == ({HOOK: 10**9}, (HOOK,))


def test_the_tables_convention_is_named_where_it_reproduces_the_row(tmp_path: Path) -> None:
    rows = published(tmp_path / "a.csv", {"flops_g": "1"})
    (item,) = compare(rows, take=counted(1, formula=10**9, hook=10**9))
    assert (item.named(HOOK), item.named(CONV_LINEAR), item.named(None)) == (
        HOOK,
        Convention.FORMULA,
        Convention.FORMULA,
    )
    (item,) = compare(rows, take=counted(1))
    assert item.named(HOOK) is None
