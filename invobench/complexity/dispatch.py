"""Our counter: multiply-adds of what PyTorch dispatched, without knowledge of the operator.

`macs` are products of two tensors, element by element: those of convolutions and matrix products, of `addcmul`, and
of elementwise multiplication. Whether a sum follows is not asked: the sum of a contraction may be an addition far
away, a `sum`, a `col2im`, or, over a single element (kernel_size 1, group_channels 1), nothing at all. So a layer
counts the same as an unfold, as shifted slices or as an einsum, forward and backward. A multiplication by a number
(of Python, or a tensor without axes) is no product, nor is that by a mask; what a function multiplies inside (a
variance, a norm) is not counted, nor is a division. Other arithmetic is counted in elements under kinds of its own;
an operation without a rule is named, never taken for 0. An operation of another library counts by the formula
registered for it (`torch.utils.flop_counter.register_flop_formula`), and is marked as declared.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from invobench.complexity.count import Count
from invobench.complexity.kinds import ELEMENT_KINDS, FREE
from invobench.complexity.places import Places
from invobench.complexity.rules import FOREACH, PRODUCT_RULES, RANDOM_MASKS, bias_elements, has_complex

_KNOWN = {*PRODUCT_RULES, *ELEMENT_KINDS, *FREE}


class DispatchCounter(TorchDispatchMode):
    """Counts what is dispatched while it is active; the outcome is `count`."""

    def __init__(self, places: Places | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = Count()
        self._places = places
        #: storages of random masks; the weak reference keeps the address from being given to another one
        self._masks: dict[int, StorageWeakRef] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = base_name(func)
        if name not in _KNOWN and _is_composite(func):  # under inference_mode: elsewhere its parts come here instead
            with self:
                return func.decompose(*args, **kwargs)
        out = func(*args, **kwargs)
        self.count.dispatched += 1
        self._account(func, name, args, kwargs, out)
        return out

    def _account(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        place = self._places.current if self._places else ""
        if name in RANDOM_MASKS:
            self._mark(out)
        if name in PRODUCT_RULES:
            self._multiply(place, name, args, kwargs, out)
        elif name in ELEMENT_KINDS:
            self.count.elements_at[place, ELEMENT_KINDS[name]] += _elements(out)
        elif name in FREE or _is_view(func):
            return
        elif func._overloadpacket in flop_registry:
            flops = flop_registry[func._overloadpacket](*args, **kwargs, out_val=out)
            self.count.add((place, name), flops // 2, declared=True)
        elif name.startswith(FOREACH):
            self.count.elements_at[place, "elementwise"] += _elements(args[0], of_all=True)
        else:
            self.count.uncounted_at[place, name] += 1

    def _multiply(self, place: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        """An operation that multiplies tensors, unless one is a number or a mask."""
        macs = PRODUCT_RULES[name](args, kwargs, out)
        if macs is None or (name == "mul" and self._has_mask(args)):
            kind = "elementwise" if macs is None else "activation"
            made = _elements(args[0], of_all=True) if name.startswith(FOREACH) else _elements(out)
            self.count.elements_at[place, kind] += made
        elif has_complex(args):
            self.count.uncounted_at[place, f"{name} of complex numbers"] += 1
        else:
            self.count.add((place, name), macs)
            added = bias_elements(name, args, out)
            if added:
                self.count.elements_at[place, "bias"] += added

    def _mark(self, mask: Tensor) -> None:
        storage = mask.untyped_storage()
        self._masks[storage._cdata] = StorageWeakRef(storage)

    def _has_mask(self, args: tuple[Any, ...]) -> bool:
        """Whether a factor is a dropout's mask, be it scaled in place: where dropout is one operation it is none."""
        return any(isinstance(arg, Tensor) and arg.untyped_storage()._cdata in self._masks for arg in args[:2])


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


def _elements(out: Any, of_all: bool = False) -> int:
    """Elements of the result, which is the first of several tensors unless they are a list of equals."""
    sizes = [value.numel() for value in tree_leaves(out) if isinstance(value, Tensor)]
    return sum(sizes if of_all else sizes[:1])


@cache
def _is_composite(func: Any) -> bool:
    """Whether PyTorch itself runs the operation as others."""
    return torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd")


def _is_view(func: Any) -> bool:
    """Whether the result shares its argument's memory without writing to it."""
    returns = func._schema.returns
    return any(item.alias_info is not None and not item.alias_info.is_write for item in returns)
