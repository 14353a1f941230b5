"""Summary lines: what each convention reproduces, and what that says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from invobench.conventions import Convention
from invobench.published.compare import Comparison, compare
from invobench.published.rows import read_published
from invobench.published.verdict import Verdict, by_operator, differences, digits_note, fit_note
from tests.published.samples import counted, published

HOOK_ADDS = "the printed figures add bias (1 an element), normalisation (2 an element) and activation (1 an element)"
Rows = Callable[..., tuple[Comparison, ...]]


@pytest.fixture(scope="module")
def compared() -> tuple[Comparison, ...]:
    return compare(read_published())


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    """Comparisons of rows with 1 M parameters, and multiply-adds in G as given."""

    def make(*items: dict[str, str], **giga: float) -> tuple[Comparison, ...]:
        macs = {name: round(value * 1e9) for name, value in giga.items()}
        return compare(published(tmp_path / "a.csv", *items), take=counted(10**6, **macs))

    return make


@pytest.mark.parametrize(
    ("table", "summary"),
    [
        (
            "ablation",
            "parameters 10/10; multiply-adds 10/10 under conv-linear-inner, 9/10 under conv-linear, 3/10 under "
            "formula, 3/10 under valid-taps: the printed figures leave out HWK²C (aggregation) and the convolution "
            "that reads the image",
        ),
        (
            "ablation_kernel_size",
            "parameters 4/4; multiply-adds 4/4 under conv-linear, 4/4 under conv-linear-inner, 2/4 under formula, "
            "2/4 under valid-taps: the printed figures leave out HWK²C (aggregation)",
        ),
        ("model_zoo", f"parameters 5/5; multiply-adds 5/5 under hook, 0/5 under formula: {HOOK_ADDS}"),
        (
            "envelope",
            "parameters 13/13; multiply-adds 8/13 under hook, 6/13 under formula, 2/13 under conv-linear, "
            f"2/13 under valid-taps: {HOOK_ADDS}",
        ),
    ],
)
def test_summaries_of_the_package(compared: tuple[Comparison, ...], table: str, summary: str) -> None:
    assert Verdict.on(item for item in compared if item.row.table.startswith(table)).summary() == summary


def test_conventions_of_the_package(compared: tuple[Comparison, ...]) -> None:
    """The fit without what reads the image is named as one, with all that would fit as well."""
    ablation = Verdict.on(item for item in compared if item.row.table.startswith("ablation"))
    assert fit_note(ablation) == (
        "conv-linear-inner is a fit, not a statement of the authors: it takes 10.84 M multiply-adds off conv-linear, "
        "and taking off any number between 4.76 M and 14.7 M reproduces the same 10/10"
    )
    zoo = Verdict.on(item for item in compared if item.row.table == "model_zoo")
    assert (fit_note(zoo), digits_note(zoo)) == (None, None)


def test_rows_by_operator(compared: tuple[Comparison, ...]) -> None:
    parts = by_operator([item for item in compared if item.row.table == "envelope"])
    assert {name: (part.best, str(part.params)) for name, part in parts.items()} == {
        "conv": (Convention.HOOK, "5/5"),
        "involution": (Convention.FORMULA, "5/5"),
        "stand_alone_attention": (None, "3/3"),
    }
    assert by_operator([item for item in compared if item.row.table == "model_zoo"]) == {}


def test_a_tolerance_that_is_finer_than_the_print_is_said(compared: tuple[Comparison, ...]) -> None:
    parts = by_operator([item for item in compared if item.row.table == "envelope"])
    assert digits_note(parts["involution"]) == (
        "within half of the last printed digit, which is coarser than the tolerance of 5 of its multiply-adds: 5/5 "
        f"under hook, 4/5 under formula, 4/5 under valid-taps, 1/5 under conv-linear: {HOOK_ADDS}"
    )
    assert digits_note(parts["conv"]) is None
    assert digits_note(parts["stand_alone_attention"]) is None, "it changes nothing"


def test_ties_go_to_the_first_convention(rows: Rows) -> None:
    verdict = Verdict.on(rows({"flops_g": "1", "params_m": "1"}, hook=1, formula=1, valid_taps=1))
    assert verdict.summary() == "parameters 1/1; multiply-adds 1/1 under formula, 1/1 under hook, 1/1 under valid-taps"


def test_nothing_is_reproduced(rows: Rows) -> None:
    verdict = Verdict.on(rows({"flops_g": "1", "params_m": "2"}))
    assert verdict.best is None
    assert verdict.summary() == (
        "parameters 0/1; multiply-adds 0/1 under each of formula, conv-linear, conv-linear-inner, hook, valid-taps"
    )


def test_a_figure_that_is_missing_is_not_counted(rows: Rows) -> None:
    verdict = Verdict.on(rows({"params_m": "1"}, {"flops_g": "1", "model": "ResNet-50"}, hook=1))
    assert (str(verdict.params), str(verdict.macs[Convention.HOOK])) == ("1/1", "1/1")


def test_published_only(rows: Rows) -> None:
    assert Verdict.on(rows({"model": "MyNet"})).summary() == "published only: no network of it can be built"


@pytest.mark.parametrize(
    ("model", "convention", "text"),
    [
        ("RedNet-50", "formula", ""),
        ("RedNet-50", "conv-linear", "leave out HWK²C (aggregation)"),
        ("ResNet-50", "conv-linear", ""),
        ("SASA-ResNet-26 (conv-stem)", "conv-linear", "leave out HWK²C, HWKC (attention)"),
        ("ResNet-50", "conv-linear-inner", "leave out the convolution that reads the image"),
        ("ResNet-50", "valid-taps", "leave out taps that fall on padding"),
    ],
)
def test_differences_from_the_formula(rows: Rows, model: str, convention: str, text: str) -> None:
    assert differences(Convention(convention), rows({"model": model})) == text
