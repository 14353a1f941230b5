"""Options of `invobench tables` that do not belong together."""

from __future__ import annotations

from pathlib import Path

import pytest

from invobench.errors import InvobenchError
from invobench.report.tables import Asked, sheets_of

SPEC = (Path("spec.yaml"),)
OURS = "is for tables of your own: give --spec SPEC too"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            Asked(names=["model_zoo"], specs=SPEC),
            "'model_zoo' names a published table and --spec asks for your own: give one of them",
        ),
        (
            Asked(published=Path("a.csv"), specs=SPEC),
            "--published holds published tables and --spec asks for your own: give one of them",
        ),
        (Asked(results=Path("results.jsonl")), f"--results {OURS}"),
        (Asked(overrides=["kernel_size=3"]), f"--set {OURS}"),
        (Asked(group_by="operator"), f"--group-by {OURS}"),
        (Asked(columns="params"), f"--columns {OURS}"),
        (Asked(sort="params"), f"--sort {OURS}"),
        (Asked(baseline="resnet50"), f"--baseline {OURS}"),
        (
            Asked(convention="hooks"),
            "unknown convention 'hooks' (did you mean 'hook'?); there are: conv-linear, conv-linear-inner, formula, "
            "hook, valid-taps",
        ),
    ],
)
def test_what_does_not_belong_together(asked: Asked, message: str) -> None:
    with pytest.raises(InvobenchError) as caught:
        sheets_of(asked, print)
    assert (str(caught.value), caught.value.exit_code) == (message, 2)


def test_a_footnote_with_convention_and_versions(tmp_path: Path) -> None:
    told: list[str] = []
    *_, last = sheets_of(Asked(names=["model_zoo"], convention="hook"), told.append)
    assert last.notes[-1].startswith("multiply-adds under hook; invobench ")
    assert ", torch " in last.notes[-1]
    assert told == ["building and counting 5 networks"]


def test_a_table_of_the_users_cells(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("version: 1\nlayers:\n  - {name: a, operator: conv}\n  - {name: b, operator: involution}\n")
    asked = Asked(specs=[path], columns="params, macs", sort="-params", convention="hook", overrides=["kernel_size=3"])
    (sheet,) = sheets_of(asked, print)
    assert [line.cells[0] for line in sheet.lines] == ["a", "b"]
    assert sheet.records[0]["params"] == 9 * 64 * 64
