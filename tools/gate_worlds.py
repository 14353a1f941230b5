"""Simulated processes for studies of gates: worlds in which they deviate in different ways.

A process is a level (exp of a deviation, which all its samples share) times samples that scatter about it. A side is
some processes, and the candidate's take `ratio` times as long.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from invobench.judging.resample import Array

Rng = np.random.Generator
#: logarithms of the levels of `count` processes
Drift = Callable[[Rng, int], Array]

#: standard deviations of what a process and a sample deviate by
DRIFT, NOISE = 0.02, 0.05
#: of a process
SAMPLES = 50


def _normal(rng: Rng, count: int) -> Array:
    return DRIFT * rng.standard_normal(count)


def _heavy(rng: Rng, count: int) -> Array:
    """Student's t with 3 degrees of freedom, scaled to the same standard deviation."""
    return DRIFT * rng.standard_t(3, count) / math.sqrt(3)


def _slow(rng: Rng, count: int) -> Array:
    return _normal(rng, count) + math.log(1.2) * (rng.random(count) < 0.1)


@dataclass(frozen=True)
class World:
    """How processes deviate; `shared`: what both processes of a round deviate by together, a standard deviation."""

    drift: Drift
    shared: float = 0.0


WORLDS: Mapping[str, World] = {
    "normal, 2 %": World(_normal),
    "heavy-tailed (t of 3), 2 %": World(_heavy),
    "normal, 2 %; 1 in 10 slow by 20 %": World(_slow),
    "normal, 2 %, and 2 % shared by a round": World(_normal, 0.02),
}
PLAIN = "normal, 2 %"


def sides(rng: Rng, world: World, processes: int, ratio: float = 1.0, samples: int = SAMPLES) -> list[Array]:
    """Samples of base and candidate, each [processes, samples]."""
    shared = world.shared * rng.standard_normal(processes)
    found = []
    for factor in (1.0, ratio):
        levels = world.drift(rng, processes) + shared
        found.append(factor * np.exp(levels[:, None] + NOISE * rng.standard_normal((processes, samples))))
    return found


def seeded(*names: object) -> Rng:
    """A stream of its own for each study: what else is studied does not change it."""
    return np.random.default_rng(zlib.crc32(" ".join(map(str, names)).encode()))
