"""Which tables a name asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from invobench.errors import UnknownName
from invobench.published.choose import chosen
from invobench.published.rows import read_published
from tests.published.samples import published

ABLATION = ("ablation_kernel_size", "ablation_group_channels", "ablation_function_form")
ALL = {"ablation": ABLATION, "model_zoo": ("model_zoo",), "envelope": ("envelope",)}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ALL),
        (["envelope", "model_zoo"], {name: ALL[name] for name in ("model_zoo", "envelope")}),
        (["ablation"], {"ablation": ABLATION}),
        (list(reversed(ABLATION)), {"ablation": ABLATION}),
        (["ablation", "ablation_kernel_size"], {"ablation": ABLATION}),
        (["ablation_kernel_size"], {"ablation_kernel_size": ("ablation_kernel_size",)}),
        (
            ["ablation_kernel_size", "ablation_function_form", "model_zoo"],
            {name: (name,) for name in ("ablation_kernel_size", "ablation_function_form", "model_zoo")},
        ),
    ],
)
def test_tables_by_name(names: list[str], expected: dict[str, tuple[str, ...]]) -> None:
    found = chosen(read_published(), names)
    assert found == expected
    assert list(found) == list(expected)


def test_an_unknown_table() -> None:
    with pytest.raises(UnknownName) as caught:
        chosen(read_published(), ["model_zo"])
    assert str(caught.value) == (
        "unknown table 'model_zo' (did you mean 'model_zoo'?); there are: ablation, ablation_function_form, "
        "ablation_group_channels, ablation_kernel_size, envelope, model_zoo"
    )


def test_tables_of_the_users(tmp_path: Path) -> None:
    rows = published(tmp_path / "a.csv", {"table": "b"}, {"table": "a_1"}, {"table": "b"}, {"table": "a_2"})
    assert chosen(rows, []) == {"b": ("b",), "a": ("a_1", "a_2")}
