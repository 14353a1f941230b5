"""From a row to its network: families, settings, and what a setting may get wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from invobench.errors import SpecError
from invobench.networks import NETWORKS
from invobench.published.build import FAMILIES, IMAGE, Buildable, buildable, described
from invobench.published.rows import read_published
from tests.networks.build import ATTENTION, CONV, fields, layer, rednet
from tests.published.samples import published


def built(tmp_path: Path, model: str, setting: str = "") -> Buildable | None:
    (row,) = published(tmp_path / "a.csv", {"model": model, "setting": setting})
    return buildable(row)


def involution(**changes: object) -> object:
    return layer("involution", **{"kernel_size": 7, "group_channels": 16, "reduction_ratio": 4, **changes})


@pytest.mark.parametrize(
    ("model", "name", "expected"),
    [
        ("ResNet-38", "resnet38", fields(38, CONV)),
        ("RedNet-26", "rednet26", rednet(26)),
        ("SASA-ResNet-50 (conv-stem)", "sasa_resnet50", fields(50, ATTENTION)),
    ],
)
def test_a_model_is_a_network_of_the_table(tmp_path: Path, model: str, name: str, expected: object) -> None:
    found = built(tmp_path, model)
    assert found is not None
    assert (found.network.network, found.network.fields, found.shape) == (name, expected, IMAGE)


@pytest.mark.parametrize("model", ["LR-Net-26", "ResNet-34", "SASA-ResNet-26 (full)", "RedNet-50-D", "rednet-50", "x"])
def test_other_models_are_published_only(tmp_path: Path, model: str) -> None:
    assert built(tmp_path, model, "nonsense") is None


@pytest.mark.parametrize("name", [name for name in NETWORKS if NETWORKS[name].preset])
def test_every_preset_is_a_family_that_was_published(name: str) -> None:
    patterns = [re.escape(target).replace(r"\{\}", r"\d+") for target in FAMILIES.values()]
    assert any(re.fullmatch(pattern, name) for pattern in patterns)


@pytest.mark.parametrize(
    ("setting", "operator", "stem"),
    [
        ("kernel_size=5", {"kernel_size": 5}, {"kernel_size": 3}),
        ("group_channels=4", {"group_channels": 4}, {"group_channels": 4, "kernel_size": 3}),
        ("group_channels=C", {"group_channels": "C"}, {"group_channels": "C", "kernel_size": 3}),
        ("form=W", {"form": "linear"}, {"form": "linear", "kernel_size": 3}),
        ("form=linear", {"form": "linear"}, {"form": "linear", "kernel_size": 3}),
        ("form=W1sW0 r=16", {"reduction_ratio": 16}, {"reduction_ratio": 16, "kernel_size": 3}),
        ("kernel_size=9; stem.kernel_size=7", {"kernel_size": 9}, {"kernel_size": 7}),
        (
            "kernel_size=5 ;group_channels = 1",
            {"kernel_size": 5, "group_channels": 1},
            {"group_channels": 1, "kernel_size": 3},
        ),
    ],
)
def test_a_setting_is_that_of_the_stem_too_but_for_its_kernel(
    tmp_path: Path, setting: str, operator: dict[str, object], stem: dict[str, object]
) -> None:
    found = built(tmp_path, "RedNet-50", setting)
    assert found is not None
    assert found.network.fields == fields(50, involution(**operator), involution(**stem))


def test_a_stem_without_an_operator_stays_as_it_is(tmp_path: Path) -> None:
    found = built(tmp_path, "ResNet-50", "kernel_size=5")
    assert found is not None
    assert found.network.fields == fields(50, layer("conv", kernel_size=5))


def test_the_same_network_is_equal_however_the_row_says_it(tmp_path: Path) -> None:
    settings = ("kernel_size=7", "group_channels=16", "form=W1sW0 r=4")
    assert len({built(tmp_path, "RedNet-50", setting) for setting in settings}) == 1
    rows = [row for row in read_published() if row.table.startswith("ablation")]
    assert (len(rows), len({buildable(row) for row in rows})) == (12, 10)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("kernel_size=4", "operator.kernel_size: must be odd for involution, not 4 (in stage1.block1)"),
        ("kernel_size=x", "operator.kernel_size: must be a whole number, not 'x'"),
        ("group_channels=7", "operator.group_channels: 32 channels do not divide by group_channels 7 (in stem)"),
        ("kernel_siz=5", "operator.kernel_siz: unknown key (did you mean 'kernel_size'?)"),
        ("form=X", "operator.form: must be one of bottleneck, linear, not 'X'"),
        ("form=W1sW0 r=3", "operator.reduction_ratio: 32 channels do not divide by reduction_ratio 3 (in stem)"),
        (
            "kernel_size",
            "setting: cannot read 'kernel_size': settings are key=value, such as kernel_size=5, group_channels=C or "
            "form=W1sW0 r=4, parted by ';'",
        ),
        (f"kernel_size=1{'0' * 200}", "setting: kernel_size: must be a number of at most 100 characters, not 201"),
    ],
)
def test_a_bad_setting_names_the_row(tmp_path: Path, setting: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        built(tmp_path, "RedNet-50", setting)
    assert str(caught.value) == f"{tmp_path / 'a.csv'}:2:1: {message}"


@pytest.mark.parametrize(
    ("model", "setting", "text"),
    [
        ("ResNet-50", "", ""),
        ("RedNet-50", "", " with a 7×7 stem operator"),
        ("RedNet-50", "kernel_size=5", " with the row's setting and a 3×3 stem operator"),
        ("ResNet-50", "kernel_size=5", " with the row's setting"),
    ],
)
def test_what_is_built_is_described(tmp_path: Path, model: str, setting: str, text: str) -> None:
    (row,) = published(tmp_path / "a.csv", {"model": model, "setting": setting})
    found = buildable(row)
    assert found is not None
    assert described(row, found.network) == text
