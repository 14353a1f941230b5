"""Costs: terms that operators declare, and the conventions that add them up.

A term is a pure integer function of shapes. Its `operations` are multiply-adds where its kind is a
product (`conv`, `linear`, `aggregation`, `attention`), and elements elsewhere. `flops = 2 * macs`; what papers
print as "FLOPs" are multiply-adds under a convention that they seldom state.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from invobench.errors import UnknownName
from invobench.table import unknown

MODES = ("forward", "backward", "train_step")


class Kind(StrEnum):
    """What a term does; a convention gives each kind a weight."""

    CONV = "conv"
    LINEAR = "linear"
    AGGREGATION = "aggregation"
    ATTENTION = "attention"
    BIAS = "bias"
    NORMALISATION = "normalisation"
    ACTIVATION = "activation"
    POOLING = "pooling"
    SOFTMAX = "softmax"
    ADDITION = "addition"


PRODUCTS = frozenset({Kind.CONV, Kind.LINEAR, Kind.AGGREGATION, Kind.ATTENTION})


@dataclass(frozen=True)
class CostTerm:
    """One part of an operator's work, for the whole batch, in the forward pass.

    `operations`: multiply-adds for a product kind, elements otherwise. `params`: learnable numbers.
    `read_elements`, `written_elements`: what the term alone must move. `source`: equation or section.
    `leaf_input`: the term reads a network's input, for which a train step needs no gradient.
    """

    name: str
    kind: Kind
    operations: int
    params: int = 0
    read_elements: int = 0
    written_elements: int = 0
    source: str = ""
    leaf_input: bool = False

    def scaled(self, mode: str) -> int:
        """Operations in `mode`: a product has two products in its backward pass (input and weight)."""
        backward = 2 if self.kind in PRODUCTS else 1
        factor = {"forward": 1, "backward": backward, "train_step": 1 + backward - self.leaf_input}
        return factor[mode] * self.operations


@dataclass(frozen=True)
class Convention:
    """A named way to add terms up: the weight of each kind that counts."""

    name: str
    weights: Mapping[Kind, int]
    summary: str


CONVENTIONS: dict[str, Convention] = {
    convention.name: convention
    for convention in (
        Convention("formula", dict.fromkeys(PRODUCTS, 1), "conv, linear, aggregation and attention products"),
        Convention("conv-linear", {Kind.CONV: 1, Kind.LINEAR: 1}, "what generic counters see"),
        Convention(
            "hook",
            {**dict.fromkeys(PRODUCTS, 1), Kind.BIAS: 1, Kind.NORMALISATION: 2, Kind.ACTIVATION: 1},
            "products, bias, 2 per normalised element, 1 per activation: the published RedNet model zoo",
        ),
    )
}


def convention(name: str) -> Convention:
    """The convention called `name`."""
    if name not in CONVENTIONS:
        raise UnknownName(unknown("convention", name, CONVENTIONS))
    return CONVENTIONS[name]


@dataclass(frozen=True)
class Cost:
    """The terms of one layer or network, and the elements that enter and leave its layers."""

    terms: tuple[CostTerm, ...]
    input_elements: int
    output_elements: int

    @property
    def params(self) -> int:
        """Learnable numbers."""
        return sum(term.params for term in self.terms)

    def macs(self, name: str = "formula", mode: str = "forward") -> int:
        """Multiply-adds for the whole batch under convention `name`."""
        weights = convention(name).weights
        return sum(weights.get(term.kind, 0) * term.scaled(mode) for term in self.terms)

    def min_elements(self, mode: str = "forward") -> int:
        """Elements that must move if each layer reads its input and parameters once and writes once.

        Backward: input, parameters and the output's gradient are read, the gradients of input and
        parameters written. A train step is both, and the optimiser's update (two reads and a write).
        """
        forward = self.input_elements + self.params + self.output_elements
        backward = forward + self.input_elements + self.params
        return {"forward": forward, "backward": backward, "train_step": forward + backward + 3 * self.params}[mode]

    def prefixed(self, prefix: str) -> Cost:
        """The same cost with `prefix.` before each term's name."""
        terms = tuple(replace(term, name=f"{prefix}.{term.name}") for term in self.terms)
        return replace(self, terms=terms)


def total(costs: Iterable[Cost]) -> Cost:
    """The cost of layers that run one after another."""
    parts = tuple(costs)
    return Cost(
        terms=tuple(term for part in parts for term in part.terms),
        input_elements=sum(part.input_elements for part in parts),
        output_elements=sum(part.output_elements for part in parts),
    )


Dims = tuple[int, int, int, int]


def conv_terms(
    name: str,
    in_dims: Dims,
    out_dims: Dims,
    *,
    kernel_size: int = 1,
    groups: int = 1,
    bias: bool = False,
    kind: Kind = Kind.CONV,
    source: str = "",
) -> tuple[CostTerm, ...]:
    """Terms of a K×K convolution from `in_dims` to `out_dims`, both `[N, C, H, W]`.

    HW·K²·C_in·C_out/groups multiply-adds with HW the output's, and a bias where it has one.
    """
    weights = kernel_size**2 * (in_dims[1] // groups) * out_dims[1]
    positions = out_dims[0] * out_dims[2] * out_dims[3]
    written = math.prod(out_dims)
    terms = [CostTerm(name, kind, positions * weights, weights, math.prod(in_dims), written, source)]
    if bias:
        terms.append(CostTerm(f"{name}.bias", Kind.BIAS, written, out_dims[1], 0, 0, source))
    return tuple(terms)


def elementwise(name: str, kind: Kind, elements: int, params: int = 0) -> CostTerm:
    """A term that reads and writes `elements` numbers, one operation each."""
    return CostTerm(name, kind, elements, params, elements, elements)
