"""Tables: lookup, what is said about a missing name, and that listing imports nothing."""

from __future__ import annotations

import math
import sys

import pytest

from invobench.errors import EXIT_USAGE, UnknownName
from invobench.table import Added, Entry, Table, suggestion, unknown

COLOURS = Table("colour", {"red": Entry("math:pi", "warm"), "blue": Entry("invobench_no_such:thing", "cold")})


def test_it_is_a_mapping_in_its_order() -> None:
    assert list(COLOURS) == ["red", "blue"]
    assert len(COLOURS) == 2
    assert "red" in COLOURS
    assert "green" not in COLOURS
    assert {name: entry.summary for name, entry in COLOURS.items()} == {"red": "warm", "blue": "cold"}
    assert COLOURS.get("red") == Entry("math:pi", "warm")


def test_an_entry_is_imported_when_it_is_loaded() -> None:
    assert COLOURS["red"].load() == math.pi
    assert "invobench_no_such" not in sys.modules
    with pytest.raises(ModuleNotFoundError):
        COLOURS["blue"].load()


def test_a_missing_name_lists_the_names() -> None:
    with pytest.raises(UnknownName) as raised:
        COLOURS["green"]
    assert str(raised.value) == "unknown colour 'green'; there are: blue, red"
    assert raised.value.exit_code == EXIT_USAGE


def test_a_near_miss_is_suggested() -> None:
    assert unknown("colour", "bleu", COLOURS) == "unknown colour 'bleu' (did you mean 'blue'?); there are: blue, red"
    assert suggestion("rde", ["red"]) == " (did you mean 'red'?)"
    assert suggestion("xyz", ["red"]) == ""


def test_it_does_not_follow_the_mapping_it_was_made_from() -> None:
    entries = {"a": Entry("math:pi", "")}
    table = Table("letter", entries)
    entries["b"] = Entry("math:e", "")
    assert list(table) == ["a"]


def test_what_is_added_comes_after_ours_and_is_asked_for_once() -> None:
    asked = []

    def more() -> Added[Entry]:
        asked.append("green" in table)  # whoever looks meanwhile sees ours
        refused = {"red": "acme 1.0: taken", "pink": "acme 1.0: broken"}
        return Added({"green": Entry("math:e", "")}, {"green": "acme 1.0"}, refused, ("beta 2.0: gone",))

    table = Table("colour", {"red": Entry("math:pi", "")}, more)
    assert asked == []
    assert list(table) == ["red", "green"]
    assert [table.owner(name) for name in table] == ["", "acme 1.0"]
    assert table.missing("pink") == "colour 'pink' is unavailable: acme 1.0: broken"
    with pytest.raises(UnknownName, match=r"^unknown colour 'x'; there are: green, red; unavailable: beta 2.0: gone$"):
        table["x"]
    assert asked == [False]
