"""A thousand broken specs: each is read, or every problem has a position in the file and a key that is known."""

from __future__ import annotations

import copy
import random
import re
from pathlib import Path

import pytest
import yaml

from invobench.errors import SpecError
from invobench.spec import read

BASE = """# a comment, é
version: 1
defaults: {batch: 8, in_channels: 64, height: 56, dtype: float32, mode: forward}
layers:
  - name: involution
    operator: involution
    kernel_size: 7
    group_channels: 16
    matrix:
      kernel_size: [3, 5]
      backend: [unfold, shift]
      exclude: [{kernel_size: 3, backend: shift}]
      include: [{kernel_size: 9, scope: aggregation}]
  - {name: conv, operator: {operator: conv, out_channels: 64}, bias: true}
  - {name: sasa, operator: &op stand_alone_attention, num_heads: 8}
  - name: "own"
    module: 'a.b:C'
    kwargs: {x: [1, 2.5], y: {z: ~}}
    matrix: {kwargs.x: [3, 4]}
networks:
  - {name: rednet26, network: rednet26, batch: 4, stem: {kernel_size: 3}}
  - {name: mine, network: resnet, depth: 38, operator: {operator: *op, kernel_size: 5}}
measure: {target_ci: 0.01, max_time_s: 2}
"""
SECTIONS = {"spec", "version", "defaults", "layers", "networks", "measure"}
#: what is said of a key itself, which may be any text
ABOUT_KEYS = ("unknown key", "duplicate key", "a key must be", "merge keys")
TOKENS = (
    *"{}[],:-?&*!|>%@`'\"#~",
    *("\n", "\n  ", "\t", "---\n", "<<: ", "*op", "&op ", "!!int ", "!foo ", "? ", "1e-3", "on", "null", ".nan"),
    *("-1", "0", "10000000000000000000000", "operator", "matrix", "kernel_size", "conv", "é", "\u2028", "\x85", "x: y"),
)
VALUES = (
    *(None, True, 0, -1, 1.5, 10**30, "", "x", "C", [], {}, [1, 1], {"a": 1}, [[]], "conv", "involution", 4, 7, "1e-3"),
    *({"operator": "conv"}, {"kernel_size": [3, 4]}, [{"kernel_size": 3}], "a.b:C", "rednet26", "cuda:1", float("inf")),
)
KEYS = ("operator", "module", "kwargs", "matrix", "include", "exclude", "batch", "stem", "network", "depth", "x", "", 5)
LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def mutate_bytes(chance: random.Random) -> bytes:
    data = bytearray(BASE.encode())
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data))
        replacement = bytes(chance.randrange(256) for _ in range(chance.randint(0, 2)))
        data[at : at + chance.randint(0, 3)] = replacement
    return bytes(data)


def mutate_tokens(chance: random.Random) -> bytes:
    tokens = re.findall(r"\w+|\s+|[^\w\s]", BASE)
    for _ in range(chance.randint(1, 3)):
        at, other = chance.randrange(len(tokens)), chance.randrange(len(tokens))
        change = chance.randrange(4)
        if change == 0:
            tokens[at] = chance.choice(TOKENS)
        elif change == 1:
            tokens.insert(at, chance.choice(TOKENS))
        elif change == 2:
            tokens[at], tokens[other] = tokens[other], tokens[at]
        else:
            del tokens[at : at + chance.randint(1, 3)]
    return "".join(tokens).encode()


def containers(value):
    if isinstance(value, dict | list):
        yield value
        for item in list(value.values()) if isinstance(value, dict) else value:
            yield from containers(item)


def mutate_structure(chance: random.Random) -> bytes:
    root = yaml.safe_load(BASE)
    for _ in range(chance.randint(1, 3)):
        target = chance.choice([found for found in containers(root) if found] or [root])
        donor = chance.choice(list(containers(root)))
        keys = list(target) if isinstance(target, dict) else list(range(len(target)))
        if not keys:
            continue
        key = chance.choice(keys)
        value = copy.deepcopy(chance.choice([chance.choice(VALUES), donor]))
        change = chance.randrange(4)
        if change == 0:
            del target[key]
        elif change == 1:
            target[key] = value
        elif isinstance(target, list):
            target.insert(key, value)
        elif change == 2:
            target[chance.choice(KEYS)] = target.pop(key)
        else:
            target[chance.choice(KEYS)] = value
    return yaml.safe_dump(root, allow_unicode=True, default_flow_style=chance.choice([None, True, False])).encode()


def check(problems, data):
    lines = LINE_BREAK.split(data.decode(errors="replace"))
    own_words = {problem.key for problem in problems if problem.message.startswith(ABOUT_KEYS)}
    for problem in problems:
        assert problem.file == "x.yaml"
        assert 1 <= problem.line <= len(lines), problem
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1, problem
        assert "\n" not in str(problem)
        head = re.match(r"[^.\[]*", problem.key).group()
        named = any(problem.key.startswith(key) for key in own_words)
        # where the text ends too early, its keys have not been looked at
        assert head in SECTIONS or named or any("not valid YAML" in other.message for other in problems), problem


@pytest.mark.parametrize("mutate", [mutate_bytes, mutate_tokens, mutate_structure])
def test_broken_specs_have_problems_and_nothing_else(tmp_path, monkeypatch, mutate):
    monkeypatch.chdir(tmp_path)
    path = Path("x.yaml")
    path.write_text(BASE)
    assert len(read([path])) == 10
    chance = random.Random(mutate.__name__)
    outcomes = {"cells": 0, "problems": 0}
    for _ in range(340):
        data = mutate(chance)
        path.write_bytes(data)
        try:
            assert all(cell.key for cell in read([path]))
            outcomes["cells"] += 1
        except SpecError as error:
            check(error.problems, data)
            outcomes["problems"] += 1
    assert min(outcomes.values()) > 5, outcomes
