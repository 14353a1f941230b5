"""Text to values: scalars, limits, and files that are no specs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from invobench.errors import SpecError
from invobench.spec import read
from invobench.spec.loader import parse
from invobench.spec.located import Place

START = Place("x.yaml", 1, 1)
LAYERS = "version: 1\nlayers:\n  - {name: a, operator: conv}\n"


def value_of(text):
    report: set = set()
    root = parse(f"v: {text}", START, report).root
    assert not report
    return root.mapping["v"].plain()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1.5E+2", -150.0),
        ("010", 10),
        ("+7", 7),
        ("0x1F", 31),
        ("0o17", 15),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("on", "on"),
        ("yes", "yes"),
        ("n", "n"),
        ("True", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("Null", None),
        ("'7'", "7"),
        ('"true"', "true"),
        ("2026-11-23", "2026-11-23"),
        ("!!str 7", "7"),
        ("!!int '7'", 7),
        ("!!float 7", 7.0),
        ("!!bool 'true'", True),
        ("!!null ''", None),
        ("!!seq [1, 2]", [1, 2]),
        ("!!map {a: 1}", {"a": 1}),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars_follow_yaml_1_2(text, value):
    found = value_of(text)
    assert (found, type(found)) == (value, type(value))


def test_positions_and_paths():
    root = parse("a:\n  - b: {c: 1}\n  - [x, é: y]\n", START, set()).root
    c = root.mapping["a"].value[0].mapping["b"].mapping["c"]
    assert (c.place.path, c.place.line, c.place.column, c.key.column) == ("a[0].b.c", 2, 12, 9)
    y = root.mapping["a"].value[1].value[1].mapping["é"]
    assert (y.place.path, y.place.line, y.place.column) == ("a[1][1].é", 3, 12)
    assert root.place.path == "spec"


def test_an_alias_is_a_copy_at_its_own_path_with_the_position_of_the_text():
    root = parse("a: &x {c: 1}\nb: [*x]\n", START, set()).root
    c = root.mapping["b"].value[0].mapping["c"]
    assert (c.place.path, c.place.line, c.place.column) == ("b[0].c", 1, 11)
    assert (c.key.path, c.key.line) == ("b[0].c", 1)


TEXTS = {
    "": ["1:1: spec: is empty: a spec starts with 'version: 1'"],
    "  \n\n": ["1:1: spec: is empty: a spec starts with 'version: 1'"],
    "# only this\n": ["1:1: spec: holds no keys: a spec starts with 'version: 1'"],
    "---\n": ["1:1: spec: holds no keys: a spec starts with 'version: 1'"],
    LAYERS + "version: 1\n": ["4:1: version: duplicate key (first at 1:1): keep one"],
    "version: 1\nlayers: [{name: a, operator: conv, batch: 0, batch: 1}]\n": [
        "2:43: layers[0].batch: must be at least 1, not 0",
        "2:46: layers[0].batch: duplicate key (first at 2:36): keep one",
    ],
    LAYERS + "5: 1\n": ["4:1: 5: a key must be text, not 5: quote it"],
    LAYERS + "? [a]\n: 1\n": ["4:3: 'a list': a key must be text, not a list"],
    LAYERS + "? !!int x\n: 1\n": ["4:3: spec: 'x' does not fit its tag '!!int'"],
    LAYERS + "<<: {a: 1}\n": [
        "4:1: '<<': merge keys are not supported: use defaults for what layers share, and matrix for what differs"
    ],
    LAYERS + "measure: !foo {}\n": ["4:10: measure: tag '!foo' is not supported here: remove it"],
    LAYERS + "measure: {max_time_s: !!python/object:os.system ls}\n": [
        "4:23: measure.max_time_s: tag '!!python/object:os.system' is not supported here: remove it"
    ],
    LAYERS + "measure: {max_time_s: !!int 1.5}\n": ["4:23: measure.max_time_s: '1.5' does not fit its tag '!!int'"],
    LAYERS + "measure: {max_time_s: !!seq 1.5}\n": [
        "4:23: measure.max_time_s: tag '!!seq' is not supported here: remove it"
    ],
    LAYERS + f"measure: {{max_time_s: {'9' * 5000}}}\n": [
        "4:23: measure.max_time_s: must be a number of at most 100 characters, not 5000"
    ],
    LAYERS + "measure: {max_time_s: 1e999}\n": ["4:23: measure.max_time_s: must be a finite number, not 1e999"],
    "version: 1\nlayers: [{name: .nan, operator: conv, matrix: {batch: [.inf]}}]\n": [
        "2:17: layers[0].name: must be a finite number, not .nan",
        "2:56: layers[0].matrix.batch[0]: must be a finite number, not .inf",
    ],
    LAYERS + "x: .nan\n": ["4:1: x: unknown key", "4:4: x: must be a finite number, not .nan"],
    LAYERS + "? .nan\n: 1\n": ["4:3: spec: must be a finite number, not .nan"],
    "!foo x": ["1:1: spec: tag '!foo' is not supported here: remove it"],
    LAYERS + "---\n" + LAYERS: ["4:1: spec: a second document starts here: a spec is one"],
    LAYERS + "measure: *m\n": ["4:10: measure: alias '*m' has no anchor '&m' before it"],
    LAYERS + "measure: &m {max_time_s: *m}\n": ["4:26: measure.max_time_s: alias '*m' stands within what it names"],
    LAYERS + "measure: {max_time_s: &m !foo x, timeout_s: *m}\n": [
        "4:23: measure.max_time_s: tag '!foo' is not supported here: remove it",
        "4:45: measure.timeout_s: alias '*m' names a value that cannot be used",
    ],
    "version: 1\n\tlayers: []": ["2:1: spec: is not valid YAML: found a tab character that violates indentation"],
    "version: 1\nlayers: a: b": [
        "2:10: spec: is not valid YAML: mapping values are not allowed in this context"
        " (quote a value that has ': ' in it, and check the indentation)"
    ],
    "version: 1\nlayers: [{name: a]\n": [
        "2:18: spec: is not valid YAML: did not find expected ',' or '}'"
        " (a mapping in braces needs ',' between keys and '}' at its end)"
    ],
    "version: !<%ED%A0%80> 1": ["1:1: spec: is not valid YAML here"],
    "[" * 100_000: [f"1:33: spec{'[0]' * 32}: is nested deeper than 32"],
    "- " * 100_000: [f"1:65: spec{'[0]' * 32}: is nested deeper than 32"],
    "\n".join(f"{' ' * n}a:" for n in range(1000)): [f"33:33: {'.'.join('a' * 32)}: is nested deeper than 32"],
    f"a: &x {'[' * 20}{']' * 20}\nb: {'[' * 20}*x{']' * 20}\n": [
        f"2:24: b{'[0]' * 20}: is nested deeper than 32, aliases expanded"
    ],
    f"a: [{','.join('x' * 100_001)}]": ["1:199999: a[99997]: has more than 100,000 values, aliases expanded"],
}


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_text_that_is_no_spec(problems, text):
    assert problems(text) == [f"x.yaml:{problem}" for problem in TEXTS[text]]


def test_aliases_that_explode(problems):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40)]
    start = time.perf_counter()
    [problem] = problems("\n".join(lines))
    assert problem.startswith("x.yaml:5:")
    assert problem.endswith(": has more than 100,000 values, aliases expanded")
    assert time.perf_counter() - start < 10


BYTES = {
    b"\x89PNG\r\n\x1a\n\x00\x00": "1:1: spec: is not UTF-8 text: byte 0x89 here",
    b"version: 1\n# \xc3\xa9 caf\xe9\n": "2:8: spec: is not UTF-8 text: byte 0xe9 here",
    "version: 1".encode("utf-16"): "1:1: spec: is not UTF-8 text: byte 0xff here",
    b"version: 1\nna\x00me": "2:3: spec: is not plain text: control character U+0000 here",
    b"version: 1\r\nname: \x1b[31m": "2:7: spec: is not plain text: control character U+001B here",
}


@pytest.mark.parametrize("data", BYTES)
def test_bytes_that_are_no_text(problems, data):
    assert problems(data) == [f"x.yaml:{BYTES[data]}"]


def test_a_byte_order_mark_is_no_part_of_the_text(cells):
    assert [cell.name for cell in cells(b"\xef\xbb\xbf" + LAYERS.encode())] == ["a"]


def problem_of(path):
    with pytest.raises(SpecError) as caught:
        read([path])
    return str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path):
    (tmp_path / "pipe.yaml").touch()
    (tmp_path / "pipe.yaml").unlink()
    os.mkfifo(tmp_path / "pipe.yaml")
    big = tmp_path / "big.yaml"
    big.touch()
    os.truncate(big, 100 * 2**20)
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    start = time.perf_counter()
    messages = {
        "none.yaml": "no such file",
        ".": "is a directory: name a spec file in it",
        "pipe.yaml": "is not a regular file but a device, pipe or socket",
        "/dev/zero": "is not a regular file but a device, pipe or socket",
        "big.yaml": "is 104,857,600 bytes: a spec has at most 1,048,576",
        "loop.yaml": "cannot be read: Too many levels of symbolic links",
        "a\0b": "cannot be read: embedded null byte",
    }
    for name, message in messages.items():
        path = tmp_path / name
        assert problem_of(path) == f"{str(path).replace(chr(0), chr(92) + 'x00')}:1:1: spec: {message}"
    assert time.perf_counter() - start < 2


def test_one_file_given_twice(cells, problems):
    cells(LAYERS)
    assert problem_twice() == "x.yaml:1:1: spec: is given twice: name each spec once"


def problem_twice():
    with pytest.raises(SpecError) as caught:
        read([Path("x.yaml"), Path("x.yaml")])
    return str(caught.value)


def test_three_thousand_keys_in_two_seconds(cells):
    items = "".join(f"  - {{name: a{n}, operator: conv, kernel_size: 3, batch: 2}}\n" for n in range(750))
    start = time.perf_counter()
    assert len(cells(f"version: 1\nlayers:\n{items}")) == 750
    assert time.perf_counter() - start < 2


def test_three_thousand_unknown_keys_in_two_seconds(problems):
    keys = ", ".join(f"kernel_siz{n}: 3" for n in range(3000))
    start = time.perf_counter()
    assert len(problems(f"version: 1\nlayers: [{{name: a, operator: conv, {keys}}}]")) == 3000
    assert time.perf_counter() - start < 2
