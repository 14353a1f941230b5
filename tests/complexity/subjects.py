"""Subjects for tests of counters: a layer or a network, built on `meta`."""

from __future__ import annotations

from typing import Any

from invobench.complexity.counters.ours import count
from invobench.complexity.reading import Reading
from invobench.complexity.subject import Subject
from invobench.runner.crosscheck import counting_case
from invobench.runner.subjects import subject_of
from invobench.spec.cells import NetworkSpec
from tests.builders import cell, layer
from tests.networks.build import rednet

#: C=64, K=7, r=4, G=4, 56×56: 22,880,256 multiply-adds
PUBLISHED = layer("involution", kernel_size=7, groups=4, reduction_ratio=4)
PUBLISHED_SHAPE = (1, 64, 56, 56)
ATTENTION = layer("stand_alone_attention", kernel_size=3, num_heads=2)


def subject(what: Any = PUBLISHED, shape: tuple[int, int, int, int] = PUBLISHED_SHAPE, **changes: Any) -> Subject:
    return subject_of(counting_case(cell(what, shape, **{"backend": "unfold", **changes})))


def rednet26(**changes: Any) -> Subject:
    return subject(NetworkSpec("rednet26", rednet(26)), (1, 3, 64, 64), **changes)


def reading(read: Any, of: Subject) -> Reading:
    found = read(of, count(of))
    assert isinstance(found, Reading)
    return found


def at_places(found: Reading) -> dict[str, int]:
    return {place: found.at(place) for place, _ in found.macs}
