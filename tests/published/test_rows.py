"""Published figures as data: digits, and what a file of the user's may get wrong."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from invobench.errors import UsageError
from invobench.published.rows import COLUMNS, Printed, read_published
from tests.published.samples import published, write

HEADER = ",".join(COLUMNS)
ROW = "mine,RedNet-50,involution,,15.5,2.60,77.7,somewhere,printed,0.05,0.05"


def test_the_packages_own() -> None:
    rows = read_published()
    tables = [row.table for row in rows]
    assert {table: tables.count(table) for table in tables} == {
        "ablation_kernel_size": 4,
        "ablation_group_channels": 4,
        "ablation_function_form": 4,
        "model_zoo": 5,
        "envelope": 32,
    }
    assert rows[0].line == "published.csv:2"


@pytest.mark.parametrize(
    ("text", "decimals", "in_units"), [("2.60", 2, 260), ("3.0", 1, 300), ("26", 0, 2600), ("1.5e1", 0, 1500)]
)
def test_a_printed_number_keeps_its_digits(text: str, decimals: int, in_units: int) -> None:
    number = Printed(text)
    assert (number, number.text, number.decimals, number.exactly(100)) == (float(text), text, decimals, in_units)


def test_a_printed_number_is_exact() -> None:
    assert Printed("0.1").exactly(1) == Fraction(1, 10)


def test_what_is_missing_is_none(tmp_path: Path) -> None:
    (row,) = published(tmp_path / "a.csv", {"params_m": "15.5"})
    assert (row.params_m, row.flops_g, row.top1, row.setting) == (15.5, None, None, "")


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", {"params_m": "15.5"})
    path.write_text("\ufeff" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert read_published(path)[0].table == "mine"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f":1: missing columns: {', '.join(COLUMNS)}; the columns are {HEADER}"),
        ("table,model\n", f":1: missing columns: {', '.join(COLUMNS[2:])}; the columns are {HEADER}"),
        (f"{HEADER}\n", ": has no rows below its header"),
        (f"{HEADER}\n{ROW}\n{ROW.replace('15.5', 'many')}\n", ":3: params_m: must be a number, not 'many'"),
        (f"{HEADER}\n{ROW.replace('2.60', '-1')}\n", ":2: flops_g: must be a number of at least 0, not '-1'"),
        (f"{HEADER}\n{ROW.replace('2.60', 'nan')}\n", ":2: flops_g: must be a number of at least 0, not 'nan'"),
        (f"{HEADER}\n{ROW.replace('somewhere', '')}\n", ":2: source: is empty"),
        (f"{HEADER}\nmine,RedNet-50\n", ":2: source: is empty"),
        (f'{HEADER}\n"mine"x,RedNet-50\n', ":1: not CSV: ',' expected after '\"'"),
    ],
)
def test_what_is_wrong_with_a_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_published(path)
    assert str(caught.value) == f"{path}{message}"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    with pytest.raises(UsageError) as caught:
        read_published(path)
    assert str(caught.value) == f"{path}: cannot read: [Errno 2] No such file or directory: '{path}'"
