"""A matrix: the product of its lists, less `exclude`, and `include`, by the rules of GitHub's workflows.

Source: docs.github.com, workflow syntax, `jobs.<job_id>.strategy.matrix`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace

from invobench.errors import Problem
from invobench.spec.located import Located, shown
from invobench.spec.messages import guess

#: a point of a matrix: its keys, in order, and their values
Combination = dict[str, Located]

MOST_CELLS = 10_000
MOST_RULES = 1_000
_RULES = ("include", "exclude")


def too_many(cells: int) -> str:
    """The message for more cells than a spec may have."""
    return f"makes {cells:,} cells: a spec has at most {MOST_CELLS:,}"


def expand(matrix: Located | None, report: set[Problem]) -> list[Combination]:
    """The combinations of `matrix`, one without keys where there is none; problems go to `report`."""
    if matrix is None:
        return [{}]
    if not isinstance(matrix.value, dict):
        report.add(matrix.place.problem(f"must be a mapping of keys to lists of values, not {shown(matrix.value)}"))
        return [{}]
    if not matrix.value:
        report.add(matrix.place.problem("is empty: give a key a list of values, or remove it"))
        return [{}]
    lists = {key: _values(item, report) for key, item in matrix.value.items() if key not in _RULES}
    size = math.prod(len(values) or 1 for values in lists.values())
    if size > MOST_CELLS:
        report.add(matrix.place.problem(too_many(size)))
        return [{key: values[0] for key, values in lists.items() if values}]
    combinations = _product({key: values for key, values in lists.items() if values})
    kept = _excluded(combinations, lists, matrix.value.get("exclude"), report)
    points = _included(kept, lists, matrix.value.get("include"), report)
    if combinations and not points:
        report.add(matrix.value["exclude"].place.problem("leaves no combination of the matrix"))
    if len(points) > MOST_CELLS:
        report.add(matrix.place.problem(too_many(len(points))))
    return points[:MOST_CELLS] or [{}]


def canonical(combination: Mapping[str, Located]) -> dict[str, str]:
    """A combination with values that compare: 1, 1.0 and '1' differ."""
    return {key: item.canonical() for key, item in combination.items()}


def _product(lists: Mapping[str, list[Located]]) -> list[Combination]:
    """Every combination of the lists' values, the last list fastest; none where there are no lists."""
    return [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())] if lists else []


def _values(item: Located, report: set[Problem]) -> list[Located]:
    """The values of one key, each with the key's place; a scalar is a list of one."""
    if isinstance(item.value, dict):
        report.add(item.place.problem("must be a list of values, not a mapping"))
        return []
    if not isinstance(item.value, list):
        return [item]
    if not item.value:
        report.add(item.place.problem("is an empty list: give at least one value"))
    seen: set[str] = set()
    for value in item.value:
        text = value.canonical()
        if text in seen:
            report.add(value.place.problem(f"{shown(value.value)} is in the list twice"))
        seen.add(text)
    return [replace(value, key=item.key) for value in item.value]


def _rules(item: Located | None, report: set[Problem]) -> list[Located]:
    """The mappings of `include` or `exclude`."""
    if item is None:
        return []
    if not isinstance(item.value, list):
        report.add(item.place.problem(f"must be a list of mappings, not {shown(item.value)}"))
        return []
    if not 1 <= len(item.value) <= MOST_RULES:
        report.add(item.place.problem(f"must have 1 to {MOST_RULES:,} items, not {len(item.value):,}"))
        return []
    for rule in item.value:
        if not rule.mapping:
            found = "an empty one" if isinstance(rule.value, dict) else shown(rule.value)
            report.add(rule.place.problem(f"must be a mapping of keys to values, not {found}"))
    return [rule for rule in item.value if rule.mapping]


def _excluded(
    combinations: list[Combination], lists: Mapping[str, list[Located]], item: Located | None, report: set[Problem]
) -> list[Combination]:
    """The combinations that no mapping of `exclude` matches."""
    texts = [canonical(combination) for combination in combinations]
    dropped: set[int] = set()
    for rule in _rules(item, report):
        unknown = [key for key in rule.mapping if key not in lists]
        for key in unknown:
            message = f"is not a key of this matrix{guess(key, lists)}"
            report.add(rule.mapping[key].key.problem(message))
        wanted = canonical(rule.mapping).items()
        matched = [] if unknown else [index for index, text in enumerate(texts) if wanted <= text.items()]
        if not matched and not unknown and all(lists.values()):
            report.add(rule.place.problem("matches no combination of the matrix"))
        dropped.update(matched)
    return [combination for index, combination in enumerate(combinations) if index not in dropped]


def _included(
    kept: list[Combination], lists: Mapping[str, list[Located]], item: Located | None, report: set[Problem]
) -> list[Combination]:
    """`kept`, extended by each mapping of `include` that fits without overwriting, and the mappings that fit none."""
    originals = [canonical(combination) for combination in kept]
    extended = [dict(combination) for combination in kept]
    added: dict[str, Combination] = {}
    for rule in _rules(item, report):
        wanted = {key: text for key, text in canonical(rule.mapping).items() if key in lists}.items()
        matched = [index for index, text in enumerate(originals) if wanted <= text.items()]
        for index in matched:
            extended[index] |= rule.mapping
        if matched:
            continue
        if rule.canonical() in added:
            report.add(rule.place.problem("makes a combination that another item has made"))
        added.setdefault(rule.canonical(), dict(rule.mapping))
    return [*extended, *added.values()]
