"""Costs: terms that operators declare, and the conventions that add them up.

A term is a formula over shapes. Its `operations` are multiply-adds where its kind is a product (`conv`, `linear`,
`aggregation`, `attention`), and elements elsewhere. `flops = 2 * macs`; what papers print as "FLOPs" are
multiply-adds under a convention that they seldom state.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from invobench.conventions import PRODUCTS, RULES, Convention, Kind, Macs
from invobench.formula import Formula

MODES = ("forward", "backward", "train_step")


@dataclass(frozen=True)
class CostTerm:
    """One part of an operator's work, for the whole batch, in the forward pass.

    `operations`: multiply-adds for a product kind, elements otherwise. `params`: learnable numbers.
    `read_elements`, `written_elements`: what the term alone must move, parameters apart. `source`: equation or
    section. `formula`: operations of one image. `place`: the submodule or part (`invobench.operators.parts`) in whose
    code it runs, a dotted path. `padding_operations`: those of `operations` that meet a zero of the border.
    `leaf_input`: the term reads a network's input, for which a train step needs no gradient.
    """

    name: str
    kind: Kind
    operations: int
    params: int = 0
    read_elements: int = 0
    written_elements: int = 0
    source: str = ""
    formula: Formula | None = None
    place: str = ""
    padding_operations: int = 0
    leaf_input: bool = False

    def factor(self, mode: str) -> int:
        """How often `operations` are done in `mode`: a product has two in its backward pass (input and weight)."""
        backward = 2 if self.kind in PRODUCTS else 1
        return {"forward": 1, "backward": backward, "train_step": 1 + backward - self.leaf_input}[mode]

    def scaled(self, mode: str) -> int:
        """Operations in `mode`."""
        return self.factor(mode) * self.operations

    def macs(self, convention: Convention = Convention.FORMULA, mode: str = "forward") -> int:
        """What the term adds to the multiply-adds under `convention`."""
        rule = RULES[convention]
        if rule.without_leaf and self.leaf_input:
            return 0
        done = self.operations - (self.padding_operations if rule.valid_taps else 0)
        return rule.weights.get(self.kind, 0) * self.factor(mode) * done

    @property
    def longest_sum(self) -> int:
        """Products in the longest sum, forward or backward: operations over the smallest tensor that has sums."""
        sizes = [size for size in (self.params, self.read_elements, self.written_elements) if size]
        return self.operations // min(sizes) if sizes and self.kind in PRODUCTS else 1

    def min_elements(self, mode: str = "forward") -> int:
        """Elements that the term alone must move in `mode`; the rule is that of `Cost.min_elements`."""
        return moved(self.read_elements, self.params, self.written_elements, mode)


def moved(read: int, params: int, written: int, mode: str) -> int:
    """Elements that must move if inputs and parameters are read once and the output written once.

    Backward: input, parameters and the output's gradient are read, the gradients of input and parameters
    written. A train step is both, and the optimiser's update (two reads and a write).
    """
    forward = read + params + written
    backward = forward + read + params
    return {"forward": forward, "backward": backward, "train_step": forward + backward + 3 * params}[mode]


@dataclass(frozen=True)
class Cost:
    """The terms of one layer or network, and the elements that enter and leave its layers.

    `formula`: multiply-adds of one image in the operator's own words, where it has a shorter form than its terms.
    """

    terms: tuple[CostTerm, ...]
    input_elements: int
    output_elements: int
    formula: Formula | None = None

    @property
    def params(self) -> int:
        """Learnable numbers."""
        return sum(term.params for term in self.terms)

    def macs(self, convention: Convention = Convention.FORMULA, mode: str = "forward") -> int:
        """Multiply-adds for the whole batch under `convention`."""
        return sum(term.macs(convention, mode) for term in self.terms)

    def counted(self, convention: Convention = Convention.FORMULA, mode: str = "forward") -> Macs:
        """`macs` that remember their convention."""
        return Macs(self.macs(convention, mode), convention)

    def min_elements(self, mode: str = "forward") -> int:
        """Elements that must move if each layer reads its input and parameters once and writes once."""
        return moved(self.input_elements, self.params, self.output_elements, mode)

    def prefixed(self, prefix: str) -> Cost:
        """The same cost with `prefix.` before each term's name and place."""
        return replace(
            self,
            terms=tuple(
                replace(term, name=f"{prefix}.{term.name}", place=f"{prefix}.{term.place}".rstrip("."))
                for term in self.terms
            ),
        )


def total(costs: Iterable[Cost]) -> Cost:
    """The cost of layers that run one after another."""
    parts = tuple(costs)
    return Cost(
        terms=tuple(term for part in parts for term in part.terms),
        input_elements=sum(part.input_elements for part in parts),
        output_elements=sum(part.output_elements for part in parts),
    )


Dims = tuple[int, int, int, int]


@dataclass(frozen=True)
class Window:
    """A K×K window that slides over an image with zeros around it."""

    kernel_size: int = 1
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def taps(self) -> int:
        """K²."""
        return self.kernel_size**2

    def valid(self, size: tuple[int, int], out: tuple[int, int]) -> int:
        """(position, tap) pairs, over all `out` positions, whose tap lies inside an image of `size`."""
        return math.prod(self._valid(*lengths) for lengths in zip(size, out, strict=True))

    def _valid(self, size: int, out: int) -> int:
        """The same along one axis: for each tap u, positions o with 0 <= o·stride + u·dilation - padding < size."""
        count = 0
        for u in range(self.kernel_size):
            first = max(0, -((u * self.dilation - self.padding) // self.stride))
            last = min(out - 1, (size - 1 + self.padding - u * self.dilation) // self.stride)
            count += max(0, last - first + 1)
        return count

    def padding_taps(self, in_dims: Dims, out_dims: Dims) -> int:
        """(position, tap) pairs of a whole batch whose tap lies outside of the image."""
        (height, width), (out_height, out_width) = in_dims[2:], out_dims[2:]
        taken = self.valid((height, width), (out_height, out_width))
        return in_dims[0] * (self.taps * out_height * out_width - taken)


def conv_terms(
    name: str,
    in_dims: Dims,
    out_dims: Dims,
    *,
    window: Window | None = None,
    groups: int = 1,
    bias: bool = False,
    kind: Kind = Kind.CONV,
    source: str = "",
    formula: Formula | None = None,
    place: str | None = None,
) -> tuple[CostTerm, ...]:
    """Terms of a convolution from `in_dims` to `out_dims`, both `[N, C, H, W]`; 1×1 without a `window`.

    HW·K²·C_in·C_out/groups multiply-adds with HW the output's, and a bias where it has one. `formula`: the same in
    the operator's own words. `place`: as in `CostTerm`, `name` by default.
    """
    window = window or Window()
    formula = formula or _conv_formula(in_dims, out_dims, window, groups)
    weights = window.taps * (in_dims[1] // groups) * out_dims[1]
    written = math.prod(out_dims)
    place = name if place is None else place
    terms = [
        CostTerm(
            name,
            kind,
            in_dims[0] * formula.value,
            weights,
            math.prod(in_dims),
            written,
            source,
            formula,
            place,
            window.padding_taps(in_dims, out_dims) * (weights // window.taps),
        )
    ]
    if bias:
        added = Formula.of("HW*C_out", HW=out_dims[2] * out_dims[3], C_out=out_dims[1])
        bias_term = CostTerm(f"{name}.bias", Kind.BIAS, written, out_dims[1], 0, 0, source, added, place)
        terms.append(bias_term)
    return tuple(terms)


def _conv_formula(in_dims: Dims, out_dims: Dims, window: Window, groups: int) -> Formula:
    """HW·K²·C_in·C_out/g without the factors that are 1."""
    values = {
        "HW": out_dims[2] * out_dims[3],
        "K2": window.taps,
        "C_in": in_dims[1],
        "C_out": out_dims[1],
        "g": groups,
    }
    factors = [name for name in ("HW", "K2", "C_in", "C_out") if name == "HW" or values[name] != 1]
    return Formula.of("*".join(factors) + ("/g" if groups > 1 else ""), **values)


def elementwise(name: str, kind: Kind, dims: Dims, params: int = 0, place: str | None = None) -> CostTerm:
    """A term that reads and writes a map of `dims` (`[N, C, H, W]`), one operation an element."""
    elements = math.prod(dims)
    formula = Formula.of("HW*C", HW=dims[2] * dims[3], C=dims[1])
    return CostTerm(name, kind, elements, params, elements, elements, "", formula, name if place is None else place)


def pooling(name: str, in_dims: Dims, out_dims: Dims, place: str | None = None) -> CostTerm:
    """A term that reads a map of `in_dims` and writes one of `out_dims`, one operation an element written."""
    return replace(elementwise(name, Kind.POOLING, out_dims, place=place), read_elements=math.prod(in_dims))
