"""fvcore's count of a traced forward pass, as it comes and with our handles.

fvcore 0.1.5 fails on `meta` convolutions, so that it runs on real tensors. It counts 2 per element of a batch norm
in eval mode and 1 per pooled element beside multiply-adds.
"""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import torch

from invobench.complexity.count import Count, Key
from invobench.complexity.reading import Reading
from invobench.complexity.subject import Subject
from invobench.operators.parts import watched_by

#: marks the scope of a part of an operator's own code, which is no submodule
_PART = ":"


def read(subject: Subject, count: Count) -> Reading:
    """What it reports, by place; forward passes only."""
    return _read("fvcore", subject, {})


def read_with_ours(subject: Subject, count: Count) -> Reading:
    """What it reports with handles for elementwise products, and without counts that are no multiply-adds."""
    return _read("fvcore+ours", subject, _handles())


def _read(counter: str, subject: Subject, handles: Mapping[str, Any]) -> Reading:
    if subject.mode != "forward":
        return Reading(counter, problem="sees forward passes only")
    traced = _trace(subject)
    analysis = traced.analysis.clear_op_handles().set_op_handle(**{**traced.handles, **handles})
    macs: Counter[Key] = Counter()
    unseen: Counter[Key] = Counter()
    with _quiet("fvcore"):
        for node in traced.nodes:
            kind, place = _kind(node), _place(node)
            handle = analysis._op_handles.get(kind)
            if handle is not None:
                macs[place, kind] += round(_number(handle(list(node.inputs()), list(node.outputs()))))
            elif not analysis._should_ignore_node(node) and _computes(node):
                unseen[place, kind] += 1
    return Reading(counter, {key: value for key, value in macs.items() if value}, unseen)


@dataclass(frozen=True)
class _Traced:
    """A forward pass as fvcore sees it: its analysis with the handles that it comes with, and the graph's nodes."""

    graph: Any
    analysis: Any
    handles: Mapping[str, Any]

    @property
    def nodes(self) -> Iterator[Any]:
        return iter(self.graph.nodes())


@lru_cache(maxsize=1)
def _trace(subject: Subject) -> _Traced:
    """The traced forward pass, kept for the other of both readings."""
    module, inputs = subject.real()
    with _quiet("fvcore"), torch.no_grad(), watched_by(_Scopes()):
        from fvcore.nn import FlopCountAnalysis
        from fvcore.nn.jit_analysis import _get_scoped_trace_graph

        analysis = FlopCountAnalysis(module, inputs)
        graph = _get_scoped_trace_graph(module, inputs, analysis._aliases)
    return _Traced(graph, analysis, dict(analysis._op_handles))


def _number(value: Any) -> float:
    """What a handle returns: a number, or counts by operation."""
    return float(sum(value.values())) if isinstance(value, Mapping) else float(value)


def _kind(node: Any) -> str:
    """The operation; for an `autograd.Function` its name in Python, as fvcore has it."""
    kind = str(node.kind())
    return f"{kind}.{node.pyname()}" if kind == "prim::PythonOp" else kind


def _computes(node: Any) -> bool:
    """Whether it makes a tensor with axes, which is more than a look at one."""
    made = [output.type() for output in node.outputs()]
    has_axes = any(kind.kind() != "TensorType" or kind.sizes() is None or kind.sizes() for kind in made)
    return has_axes and not _is_view(_kind(node))


def _is_view(kind: str) -> bool:
    """Whether it only looks at its argument's memory: that it has no handle costs nothing."""
    namespace, _, name = kind.partition("::")
    packet = getattr(torch.ops.aten, name, None) if namespace == "aten" else None
    schemas = [getattr(packet, overload)._schema for overload in packet.overloads()] if packet else []
    aliases = [item.alias_info for schema in schemas for item in schema.returns]
    return bool(aliases) and all(alias is not None and not alias.is_write for alias in aliases)


def _place(node: Any) -> str:
    """The innermost scope: a submodule's path, with the part of its own code."""
    *outer, last = str(node.scopeName()).split("/")
    if not last.startswith(_PART):
        return last
    owner = next((scope for scope in reversed(outer) if not scope.startswith(_PART)), "")
    return f"{owner}.{last.removeprefix(_PART)}".lstrip(".")


class _Scopes:
    """Makes the parts of operators scopes of the traced graph."""

    def entered(self, name: str) -> None:
        """A part begins."""
        state = torch._C._get_tracing_state()
        if state:
            state.push_scope(f"{_PART}{name}")

    def left(self) -> None:
        """It ends."""
        state = torch._C._get_tracing_state()
        if state:
            state.pop_scope()


def _product(inputs: list[Any], outputs: list[Any]) -> int:
    """Elements of the result of two tensors multiplied, 0 where one of them is a number."""
    from fvcore.nn.jit_handles import get_shape

    factors = [value for value in inputs[:2] if get_shape(value)]
    return prod(get_shape(outputs[0])) if len(factors) == 2 else 0


def _elements(inputs: list[Any], outputs: list[Any]) -> int:
    from fvcore.nn.jit_handles import get_shape

    return prod(get_shape(outputs[0]))


def _nothing(inputs: list[Any], outputs: list[Any]) -> int:
    """No multiply-adds."""
    return 0


def _handles() -> dict[str, Callable[..., int]]:
    """Elementwise products as multiply-adds; 0 for what has none, be it that fvcore counts it or names it."""
    counted = {"aten::mul": _product, "aten::mul_": _product, "aten::addcmul": _elements, "aten::addcmul_": _elements}
    ignored = """batch_norm group_norm layer_norm instance_norm upsample_nearest2d upsample_bilinear2d
        adaptive_avg_pool2d grid_sampler im2col sum add add_ sub mean softmax avg_pool2d max_pool2d pad unflatten"""
    return {**counted, **dict.fromkeys((f"aten::{name}" for name in ignored.split()), _nothing)}


@contextmanager
def _quiet(logger_name: str) -> Iterator[None]:
    """Keep a library's warnings (deprecations in what it uses) out of our output."""
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
