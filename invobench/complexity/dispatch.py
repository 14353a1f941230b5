"""Our counter: multiply-adds of what PyTorch dispatched, without knowledge of the operator.

`macs` are products of two tensors, element by element: those of convolutions and matrix products, of `addcmul`, and
of elementwise multiplication. Whether a sum follows is not asked: the sum of a contraction may be an addition far
away, a `sum`, a `col2im`, or, over a single element (kernel_size 1, group_channels 1), nothing at all. So a layer
counts the same as an unfold, as shifted slices or as an einsum, forward and backward. A multiplication by a number
is no product. Other arithmetic is counted in elements under kinds of its own; an operation without a rule is named,
never taken for 0. An operation of another library counts by the formula registered for it
(`torch.utils.flop_counter.register_flop_formula`), and is marked as declared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from invobench.complexity.count import Count
from invobench.complexity.places import Places
from invobench.complexity.rules import ELEMENT_KINDS, FREE, PRODUCT_RULES, bias_elements


class DispatchCounter(TorchDispatchMode):
    """Counts what is dispatched while it is active; the outcome is `count`."""

    def __init__(self, places: Places | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = Count()
        self._places = places

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if _is_composite(func):  # under inference_mode: elsewhere its parts come here instead
            with self:
                return func.decompose(*args, **kwargs)
        out = func(*args, **kwargs)
        self._account(func, args, kwargs, out)
        return out

    def _account(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        name = base_name(func)
        place = self._places.current if self._places else ""
        if name in PRODUCT_RULES:
            macs = PRODUCT_RULES[name](args, kwargs, out)
            if macs is None:  # multiplied by a number
                self.count.elements_at[place, "elementwise"] += _elements(out)
                return
            self.count.add((place, name), macs)
            added = bias_elements(name, args, out)
            if added:
                self.count.elements_at[place, "bias"] += added
        elif name in ELEMENT_KINDS:
            self.count.elements_at[place, ELEMENT_KINDS[name]] += _elements(out)
        elif name in FREE or _is_view(func):
            return
        elif func._overloadpacket in flop_registry:
            flops = flop_registry[func._overloadpacket](*args, **kwargs, out_val=out)
            self.count.add((place, name), flops // 2, declared=True)
        elif torch.Tag.pointwise in func.tags:
            self.count.elements_at[place, "elementwise"] += _elements(out)
        else:
            self.count.uncounted_at[place, name] += 1


def base_name(func: Any) -> str:
    """`aten::addcmul_.default` -> `addcmul`; operations of other namespaces keep theirs."""
    namespace, _, name = func.name().partition("::")
    name = name.partition(".")[0]
    if name.endswith("_") and not name.endswith("__"):
        name = name[:-1]
    return name if namespace == "aten" else f"{namespace}::{name}"


def count_dispatched(run: Callable[[], Any], places: Places | None = None) -> Count:
    """Count what `run` dispatches, by place where `places` is given (and entered)."""
    counter = DispatchCounter(places)
    with counter:
        run()
    return counter.count


def _elements(out: Any) -> int:
    tensors: Iterator[Tensor] = (value for value in tree_leaves(out) if isinstance(value, Tensor))
    first = next(tensors, None)
    return first.numel() if first is not None else 0


def _is_composite(func: Any) -> bool:
    """Whether PyTorch itself runs the operation as others."""
    return torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd")


def _is_view(func: Any) -> bool:
    """Whether the result shares its argument's memory without writing to it."""
    returns = func._schema.returns
    return any(item.alias_info is not None and not item.alias_info.is_write for item in returns)
